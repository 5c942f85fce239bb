/**
 * The crash loop: load, crash, restart, compare; what differs is how the server is brought down.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';

import { CreateBucketCommand, S3ServiceException, type S3Client } from '@aws-sdk/client-s3';

import type { SeededRandom } from '../support/random.js';
import { withClient } from '../support/s3-client.js';
import type { ServerOptions, TestServer } from '../support/server.js';
import { Ledger } from './ledger.js';
import { BUCKET, PART_SIZE_MIB_MIN, readOnce, writeOnce } from './load.js';
import { assertInOrder, assertNothingLeftOver, verify, walkNow } from './verify.js';

const WRITERS = 6;
const READERS = 2;
const LOAD_MS_MAX = 500;
/** After so many crashes that lose marks the daily walk comes by. */
const ROUNDS_PER_WALK = 40;

/** The environment variable that gives the seed of a run back. */
export const CRASH_SEED = 'S3ISH_CRASH_SEED';

/** Settings of a server that is crashed. */
export const CRASH_SETTINGS = {
  storage: { sweep_interval_secs: 1 },
  limits: { min_part_size_mb: PART_SIZE_MIB_MIN },
  log: { level: 'warn' },
} as const satisfies ServerOptions['settings'];

export interface CrashRounds {
  readonly server: TestServer;
  /** Of the variable `CRASH_SEED`. Repeats what each client asks for; the moments are the machine's. */
  readonly random: SeededRandom;
  readonly count: number;
  /**
   * Brings processes down, and returns what brings the server back once the clients are done: it
   * must find what a crash leaves.
   */
  readonly crash: () => Promise<() => Promise<void>>;
  /** Whether an answer that comes once the crash has begun is one the crash explains. */
  readonly isExplained: (status: number) => boolean;
  /** Whether the crash can lose staging marks, which are not flushed. */
  readonly areMarksLost: boolean;
}

/**
 * Runs the loop, deletes everything at the end and looks for leftovers.
 *
 * @returns how many writes were acknowledged; each was looked at after the crash that followed.
 */
export async function runCrashRounds(rounds: CrashRounds): Promise<number> {
  const { server } = rounds;
  const ledger = new Ledger();
  await withClient(server, (client) => client.send(new CreateBucketCommand({ Bucket: BUCKET })));
  for (let round = 0; round < rounds.count; round += 1) {
    const recover = await withClient(server, (client) => loadUntilCrash(rounds, client, ledger));
    // What a crash leaves is in order before anything has mended it.
    await assertInOrder(server);
    // Within a day, as it would be: fsck excuses for an hour only what lies about without a mark.
    // Rounds are too short for the sweeper to come to its turn, so the garbage goes as well.
    if (rounds.areMarksLost && round % ROUNDS_PER_WALK === ROUNDS_PER_WALK - 1) {
      await walkNow(server);
    }
    await recover();
    await withClient(server, (client) => verify(server, client, ledger));
  }
  assert(ledger.acknowledgedCount > 0, 'the load wrote something');
  await withClient(server, (client) =>
    assertNothingLeftOver(server, client, ledger, rounds.areMarksLost),
  );
  await assertInOrder(server);
  return ledger.acknowledgedCount;
}

async function loadUntilCrash(
  rounds: CrashRounds,
  client: S3Client,
  ledger: Ledger,
): Promise<() => Promise<void>> {
  let isCrashing = false;
  const surprises: unknown[] = [];
  const isExplained = (error: unknown): boolean => {
    if (error instanceof assert.AssertionError) return false;
    const status = error instanceof S3ServiceException && error.$metadata.httpStatusCode;
    return typeof status === 'number' ? rounds.isExplained(status) : true;
  };
  const repeat = async (work: () => Promise<void>): Promise<void> => {
    while (!isCrashing) {
      await work().catch((error: unknown) => {
        // Any failure the crash does not explain is one of the server's or the test's.
        if (!isCrashing || !isExplained(error)) surprises.push(error);
      });
    }
  };
  const clients = [
    ...Array.from({ length: WRITERS }, (_, index) => {
      const random = rounds.random.fork();
      return repeat(() => writeOnce(client, ledger, random, index));
    }),
    ...Array.from({ length: READERS }, async () => {
      const random = rounds.random.fork();
      // Nothing to read in the first moments of the first round.
      await sleep(20);
      await repeat(() => readOnce(client, ledger, random, () => !isCrashing));
    }),
  ];
  await sleep(rounds.random.below(LOAD_MS_MAX));
  isCrashing = true;
  const recover = await rounds.crash();
  await Promise.all(clients);
  assert.deepEqual(surprises, [], 'nothing fails before the crash');
  return recover;
}
