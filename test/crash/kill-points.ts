/**
 * Strikes a server just before the Nth system call of a piece of work, and brings it back.
 *
 * @module
 */

import assert from 'node:assert/strict';

import type { CallShim } from '../support/call-shim.js';
import { isAlive, waitFor, type TestServer } from '../support/server.js';

export interface Strike {
  /** The process that is struck at one of its calls. */
  readonly victim: 'server' | 'jobs';
  /** Whether all other processes end in the same moment. */
  readonly isWhole: boolean;
  /** Counted from 1. */
  readonly point: number;
}

/** What became of the work. */
export interface Outcome {
  /** The call that did not happen any more; undefined when the work came to its end before. */
  readonly call: string | undefined;
  /** Calls that were counted. */
  readonly callsCount: number;
}

/**
 * Does the work, kills at the point, waits for the replacement or restarts everything.
 *
 * @throws when the work fails and no kill explains it.
 */
export async function strike(
  server: TestServer,
  shim: CallShim,
  { victim, isWhole, point }: Strike,
  work: () => Promise<void>,
): Promise<Outcome> {
  const [pid] = server.childPids(victim);
  assert(pid !== undefined, `the ${victim} process runs`);
  const all = [server.pid, ...server.childPids('server'), ...server.childPids('jobs')];
  const others = isWhole ? all.filter((one) => one !== pid) : [];
  shim.arm({ pid, others, signal: 'SIGKILL', point, path: server.dataPath });
  const failure = await work().then(
    () => undefined,
    (cause: unknown) => new Error('The work failed', { cause }),
  );
  shim.disarm();
  const outcome = { call: shim.fired(), callsCount: shim.seenCount() };
  if (outcome.call === undefined) {
    if (failure !== undefined) throw failure;
    return outcome;
  }
  await waitFor('the victims to be gone', () => ![pid, ...others].some(isAlive));
  if (isWhole) await server.restart();
  else await replacement(server, victim, pid);
  return outcome;
}

/** Waits for the primary to have started another process. */
async function replacement(
  server: TestServer,
  victim: Strike['victim'],
  pid: number,
): Promise<void> {
  await waitFor('a replacement', async () => {
    if (!server.childPids(victim).some((one) => one !== pid)) return false;
    return (await fetch(`${server.adminEndpoint}/_ready`)).status === 200;
  });
}
