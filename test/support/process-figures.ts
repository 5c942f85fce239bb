/**
 * What the kernel says about processes and the machine: CPU time, memory, flushes.
 *
 * @module
 */

import { readdirSync, readFileSync, statSync } from 'node:fs';

/** Linux reports CPU time in hundredths of a second on every platform Node runs on. */
const TICK_US = 10_000;

/** User and system time of all processes together; ended ones count nothing. */
export function cpuMicroseconds(pids: readonly number[]): number {
  return pids.reduce((total, pid) => total + cpuOf(pid), 0);
}

/** Time that any core spent with work, since the machine started. */
export function machineCpuMicroseconds(): number {
  const [, line = ''] = /^cpu +(.*)$/m.exec(readFileSync('/proc/stat', 'utf8')) ?? [];
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0] = line.split(' ').map(Number);
  return (user + nice + system + irq + softirq) * TICK_US;
}

/** Resident size now of all processes together; pages they share count for each. */
export function memoryBytes(pids: readonly number[]): number {
  const kib = pids.map((pid) => Number(/^VmRSS:\s+(\d+) kB/m.exec(read(pid, 'status'))?.[1] ?? 0));
  return kib.reduce((total, one) => total + one, 0) * 1024;
}

/** A process and everything below it. */
export function processTree(pid: number): readonly number[] {
  const children = new Map<number, number[]>();
  for (const name of readdirSync('/proc').filter((entry) => /^\d+$/.test(entry))) {
    const parent = Number(statFields(Number(name))[1] ?? 0);
    children.set(parent, [...(children.get(parent) ?? []), Number(name)]);
  }
  const below = (one: number): number[] => [one, ...(children.get(one) ?? []).flatMap(below)];
  return below(pid);
}

/**
 * Flush requests that the device under a path has completed.
 *
 * @returns undefined where the kernel does not count them for it.
 */
export function flushCount(path: string): number | undefined {
  const { dev } = statSync(path);
  const place = `${Math.floor(dev / 256) & 0xfff} ${dev & 0xff}`;
  const line = readFileSync('/proc/diskstats', 'utf8')
    .split('\n')
    .map((text) => text.trim().split(/\s+/))
    .find(([major, minor]) => `${major} ${minor}` === place);
  return line?.[18] === undefined ? undefined : Number(line[18]);
}

/** User and system time of the process and of its children that have ended. */
function cpuOf(pid: number): number {
  const fields = statFields(pid);
  return [11, 12, 13, 14].reduce((sum, at) => sum + Number(fields[at] ?? 0), 0) * TICK_US;
}

/** Fields after the name in brackets, which may hold anything. */
function statFields(pid: number): readonly string[] {
  const stat = read(pid, 'stat');
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
}

function read(pid: number, name: string): string {
  try {
    return readFileSync(`/proc/${pid}/${name}`, 'utf8');
  } catch {
    return '';
  }
}
