/**
 * A closed loop: so many connections, each with one request in flight, for so long.
 *
 * @module
 */

import { Connection } from './connection.js';
import { cpuMicroseconds, peakMemoryBytes } from './process-figures.js';
import type { Target } from './signed-request.js';

export interface LoadOptions {
  readonly target: Target;
  /** Sent in turn; every connection starts at another. */
  readonly requests: readonly Uint8Array[];
  readonly isHead: boolean;
  readonly connectionCount: number;
  readonly warmUpMs: number;
  readonly durationMs: number;
  /** Processes of the server, whose CPU time is counted. */
  readonly pids: () => readonly number[];
}

export interface LoadFigures {
  readonly requestsPerSecond: number;
  readonly bytesPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Of the whole process tree, per successful request. */
  readonly cpuUsPerRequest: number;
  readonly peakMemoryBytes: number;
  /** Answers outside 2xx, and connections that broke. */
  readonly errorCount: number;
}

/** Runs one load and measures after the warm-up. Send and receive bytes both count as moved. */
export async function runLoad(options: LoadOptions): Promise<LoadFigures> {
  const { requests, target, isHead, connectionCount } = options;
  const latenciesMs: number[] = [];
  let errorCount = 0;
  let movedBytes = 0;
  let isMeasuring = false;
  const endAt = performance.now() + options.warmUpMs + options.durationMs;

  const drive = async (index: number): Promise<void> => {
    const connection = new Connection(target.host, target.port);
    let next = Math.floor((index * requests.length) / connectionCount);
    while (performance.now() < endAt) {
      const request = requests[next % requests.length];
      next += 1;
      if (request === undefined) break;
      const startedAt = performance.now();
      try {
        const answer = await connection.send(request, isHead);
        if (!isMeasuring) continue;
        if (answer.status >= 200 && answer.status < 300) {
          latenciesMs.push(performance.now() - startedAt);
          movedBytes += request.byteLength + answer.bodyBytes;
        } else errorCount += 1;
      } catch {
        errorCount += 1;
      }
    }
    connection.close();
  };

  const drivers = Array.from({ length: connectionCount }, (_, index) => drive(index));
  await new Promise((resolve) => setTimeout(resolve, options.warmUpMs));
  isMeasuring = true;
  const startedAt = performance.now();
  const cpuBefore = cpuMicroseconds(options.pids());
  await Promise.all(drivers);
  const elapsedSeconds = (performance.now() - startedAt) / 1000;
  const pids = options.pids();
  const cpuUs = cpuMicroseconds(pids) - cpuBefore;
  latenciesMs.sort((one, other) => one - other);
  const count = latenciesMs.length;
  return {
    requestsPerSecond: count / elapsedSeconds,
    bytesPerSecond: movedBytes / elapsedSeconds,
    p50Ms: latenciesMs[Math.floor(count * 0.5)] ?? NaN,
    p99Ms: latenciesMs[Math.floor(count * 0.99)] ?? NaN,
    cpuUsPerRequest: cpuUs / count,
    peakMemoryBytes: Math.max(...pids.map(peakMemoryBytes)),
    errorCount,
  };
}
