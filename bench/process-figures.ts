/**
 * What the kernel says about processes: CPU time and memory, threads included.
 *
 * @module
 */

import { readFileSync } from 'node:fs';

/** Linux reports CPU time in hundredths of a second on every platform Node runs on. */
const TICK_US = 10_000;

/** User and system time of all processes together; ended ones count nothing. */
export function cpuMicroseconds(pids: readonly number[]): number {
  return pids.reduce((total, pid) => total + cpuOf(pid), 0);
}

/** Largest resident size the process ever had. */
export function peakMemoryBytes(pid: number): number {
  const [, kib = '0'] = /^VmHWM:\s+(\d+) kB/m.exec(read(pid, 'status')) ?? [];
  return Number(kib) * 1024;
}

function cpuOf(pid: number): number {
  const stat = read(pid, 'stat');
  // The name in brackets may hold anything; the fields after it are numbers.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11] ?? 0) + Number(fields[12] ?? 0)) * TICK_US;
}

function read(pid: number, name: string): string {
  try {
    return readFileSync(`/proc/${pid}/${name}`, 'utf8');
  } catch {
    return '';
  }
}
