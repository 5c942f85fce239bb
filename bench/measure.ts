/**
 * One scenario on one server, once.
 *
 * @module
 */

import { writeFileSync } from 'node:fs';

import { runLoad } from './generator.js';
import {
  cpuMicroseconds,
  flushCount,
  machineCpuMicroseconds,
  memoryBytes,
  processTree,
} from '../test/support/process-figures.js';
import type { Scenario } from './scenarios.js';
import type { RunningTarget } from './targets.js';

export interface Timing {
  readonly warmUpMs: number;
  readonly durationMs: number;
  /** Whether processes of the server take a CPU profile when they get SIGUSR2. */
  readonly isProfiled: boolean;
}

/** Of successful requests, or of objects where a request is about many. */
export interface Figures {
  readonly perSecond: number;
  readonly mibPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly p999Ms: number;
  /** CPU time of the server's whole process tree. */
  readonly cpuUs: number;
  /** CPU time of the machine without the load generator: also what the kernel does for the server. */
  readonly machineCpuUs: number;
  /** CPU time of the load generator. */
  readonly generatorCpuUs: number;
  /** Device flushes; absent where the kernel does not count them. */
  readonly flushes?: number;
  /** Resident memory of the tree at the end, in MiB. */
  readonly memoryMib: number;
  readonly errorCount: number;
}

interface Counters {
  readonly cpuUs: number;
  readonly machineCpuUs: number;
  readonly flushes: number | undefined;
}

const MEMORY_SAMPLE_MS = 200;

export async function measure(
  target: RunningTarget,
  scenario: Scenario,
  connectionCount: number,
  timing: Timing,
): Promise<Figures> {
  await scenario.prepare?.(target);
  const requests = await scenario.requests(target);
  if (scenario.isCold === true) dropPageCache();

  const read = (): Counters => ({
    cpuUs: target.pid === 0 ? NaN : cpuMicroseconds(processTree(target.pid)),
    machineCpuUs: machineCpuMicroseconds(),
    flushes: flushCount(target.dataPath),
  });
  let before = read();
  let peakBytes = 0;
  const sampling = setInterval(() => {
    if (target.pid !== 0) peakBytes = Math.max(peakBytes, memoryBytes(processTree(target.pid)));
  }, MEMORY_SAMPLE_MS);
  const isOnce = scenario.mode === 'once';
  const load = await runLoad(
    target,
    {
      ...{ requests, mode: scenario.mode, connectionCount },
      warmUpMs: isOnce ? 0 : timing.warmUpMs,
      durationMs: isOnce ? 60_000 : timing.durationMs,
    },
    () => {
      if (timing.isProfiled) toggleProfile(target.pid);
      before = read();
    },
  );
  const after = read();
  if (timing.isProfiled) toggleProfile(target.pid);
  clearInterval(sampling);

  const count = load.count * (scenario.objectsPerRequest ?? 1);
  const flushes =
    after.flushes === undefined || before.flushes === undefined
      ? undefined
      : (after.flushes - before.flushes) / count;
  return {
    perSecond: (count / load.elapsedMs) * 1000,
    mibPerSecond: (load.movedBytes / load.elapsedMs) * (1000 / 1024 ** 2),
    p50Ms: load.p50Ms,
    p99Ms: load.p99Ms,
    p999Ms: load.p999Ms,
    cpuUs: (after.cpuUs - before.cpuUs) / count,
    machineCpuUs: (after.machineCpuUs - before.machineCpuUs - load.cpuUs) / count,
    generatorCpuUs: load.cpuUs / count,
    ...(flushes === undefined ? {} : { flushes }),
    memoryMib: peakBytes / 1024 ** 2,
    errorCount: load.errorCount,
  };
}

/** Of the children: the primary does nothing for a request. */
function toggleProfile(pid: number): void {
  for (const child of processTree(pid).filter((one) => one !== pid)) process.kill(child, 'SIGUSR2');
}

/** Clean pages only; what a server has not flushed stays. Needs root. */
function dropPageCache(): void {
  writeFileSync('/proc/sys/vm/drop_caches', '1');
}
