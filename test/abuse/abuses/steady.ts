/**
 * The others: a few connections with small requests and pauses between them, whose answers are timed.
 *
 * @module
 */

import { setTimeout as sleep } from 'node:timers/promises';

import { Connection } from '../../support/load-connection.js';
import { requestSigner, type Target } from '../../support/prepared-request.js';
import type { Control } from '../abuser.js';
import { percentile } from './sockets.js';

export interface SteadyParameters {
  readonly target: Target;
  readonly path: string;
}

export interface SteadyResult {
  readonly count: number;
  readonly errorCount: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

const CONNECTIONS = 8;
const PAUSE_MS = 10;

export async function runSteadily(
  { target, path }: SteadyParameters,
  control: Control,
): Promise<SteadyResult> {
  const request = requestSigner(target)({ method: 'GET', path });
  const timesMs: number[] = [];
  let errorCount = 0;
  let isEnded = false;
  void control.ended.then(() => (isEnded = true));
  const drive = async (): Promise<void> => {
    const connection = new Connection(target.host, target.port);
    while (!isEnded) {
      const startedMs = performance.now();
      try {
        const { status } = await connection.send(request, false);
        if (status === 200) timesMs.push(performance.now() - startedMs);
        else errorCount += 1;
      } catch {
        errorCount += 1;
      }
      await sleep(PAUSE_MS);
    }
    connection.close();
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, drive));
  const [p50Ms, p99Ms] = [percentile(timesMs, 0.5), percentile(timesMs, 0.99)];
  return { count: timesMs.length, errorCount, p50Ms, p99Ms };
}
