/**
 * Asks child processes for their figures.
 *
 * @module
 */

import type { Worker } from 'node:cluster';
import { randomInt } from 'node:crypto';

import type { MetricsSnapshot } from '../observe/metrics.js';
import { isMessage, type FromChild, type ToChild } from './messages.js';

/** A process that is busy or stuck this long is left out, so that it cannot hide the others. */
const ANSWER_MS_MAX = 1_000;

/** @returns the figures of those that answered in time, in no order. */
export async function collectSnapshots(
  workers: readonly Worker[],
): Promise<readonly MetricsSnapshot[]> {
  const requestId = randomInt(2 ** 47);
  const answers = await Promise.all(workers.map((worker) => ask(worker, requestId)));
  return answers.filter((answer) => answer !== undefined);
}

function ask(worker: Worker, requestId: number): Promise<MetricsSnapshot | undefined> {
  return new Promise((resolve) => {
    const finish = (snapshot: MetricsSnapshot | undefined): void => {
      clearTimeout(timer);
      worker.off('message', receive);
      resolve(snapshot);
    };
    const receive = (message: unknown): void => {
      if (!isMessage(message)) return;
      const known = message as FromChild;
      if (known.kind === 'metrics' && known.requestId === requestId) finish(known.snapshot);
    };
    const timer = setTimeout(() => finish(undefined), ANSWER_MS_MAX);
    worker.on('message', receive);
    const request: ToChild = { kind: 'metrics-request', requestId };
    if (worker.isConnected()) worker.send(request, (error) => error && finish(undefined));
    else finish(undefined);
  });
}
