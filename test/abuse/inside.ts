/**
 * What only a process itself can see: loaded into every process of a server under abuse
 * (`NODE_OPTIONS=--import`), it answers SIGUSR2 with a file of figures.
 *
 * Event-loop delays are those since the question before; memory is given after a collection.
 *
 * @module
 */

import { renameSync, writeFileSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { isMainThread } from 'node:worker_threads';

export interface InsideFigures {
  readonly p99Ms: number;
  readonly maxMs: number;
  /** Resident memory before and after a collection. */
  readonly residentBytes: number;
  readonly collectedBytes: number;
  /** Timers that are set, requests of the file system that run, and so on, by name. */
  readonly resources: Readonly<Record<string, number>>;
}

const RESOLUTION_MS = 10;

const directory = process.env['S3ISH_ABUSE_INSIDE'];
if (isMainThread && directory !== undefined) watch(directory);

function watch(path: string): void {
  const delays = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  delays.enable();
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const delayMs = (nanoseconds: number): number => Math.max(0, nanoseconds / 1e6 - RESOLUTION_MS);
  process.on('SIGUSR2', () => {
    const resources: Record<string, number> = {};
    for (const name of process.getActiveResourcesInfo()) {
      resources[name] = (resources[name] ?? 0) + 1;
    }
    const residentBytes = process.memoryUsage.rss();
    const p99Ms = delayMs(delays.percentile(99));
    const maxMs = delayMs(delays.max);
    collect();
    const collectedBytes = process.memoryUsage.rss();
    delays.reset();
    const figures: InsideFigures = { p99Ms, maxMs, residentBytes, collectedBytes, resources };
    const file = `${path}/${process.pid}`;
    writeFileSync(`${file}.new`, JSON.stringify(figures));
    renameSync(`${file}.new`, file);
  });
}
