// kill -9 of every process at random moments under mixed load: what was acknowledged is there
// afterwards, what was not is there as a whole or not at all, and nothing is left over.
//
// S3ISH_CRASH_ROUNDS sets the number of kills; CI runs 20.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { CreateBucketCommand, S3ServiceException, type S3Client } from '@aws-sdk/client-s3';

import { s3Client } from '../support/s3-client.js';
import { startServer, type TestServer } from '../support/server.js';
import { Ledger } from './ledger.js';
import { BUCKET, PART_SIZE_MIB_MIN, readOnce, writeOnce } from './load.js';
import { assertNothingLeftOver, verify } from './verify.js';

const ROUNDS = Number(process.env['S3ISH_CRASH_ROUNDS'] ?? 20);
const WRITERS = 6;
const READERS = 2;
const LOAD_MS_MAX = 1000;

test(`kill -9 of all processes loses no acknowledged write (${ROUNDS} kills)`, async (context) => {
  const server = await startServer({
    processes: 2,
    settings: {
      storage: { sweep_interval_secs: 1 },
      limits: { min_part_size_mb: PART_SIZE_MIB_MIN },
      log: { level: 'warn' },
    },
  });
  const ledger = new Ledger();
  try {
    await withClient(server, (client) => client.send(new CreateBucketCommand({ Bucket: BUCKET })));
    for (let round = 0; round < ROUNDS; round += 1) {
      await withClient(server, (client) => loadUntilKilled(server, client, ledger));
      await server.restart();
      await withClient(server, (client) => verify(server, client, ledger));
    }
    assert(ledger.acknowledgedCount > 0, 'the load wrote something');
    await withClient(server, (client) => assertNothingLeftOver(server, client, ledger));
    context.diagnostic(
      `${ROUNDS} kills, ${ledger.acknowledgedCount} acknowledged writes, 0 lost, 0 torn`,
    );
  } catch (error) {
    const log = server.output().split('\n');
    context.diagnostic(log.filter((line) => line.startsWith('{')).join('\n'));
    throw error;
  } finally {
    await server.stop();
  }
});

async function loadUntilKilled(
  server: TestServer,
  client: S3Client,
  ledger: Ledger,
): Promise<void> {
  let isKilled = false;
  const surprises: unknown[] = [];
  const repeat = async (work: () => Promise<void>): Promise<void> => {
    while (!isKilled) {
      await work().catch((error: unknown) => {
        // A killed server answers nothing; any other failure is one of the server's or the test's.
        if (!isKilled || isAnswer(error)) surprises.push(error);
      });
    }
  };
  const clients = [
    ...Array.from({ length: WRITERS }, (_, index) =>
      repeat(() => writeOnce(client, ledger, index)),
    ),
    ...Array.from({ length: READERS }, async () => {
      // Nothing to read in the first moments of the first round.
      await sleep(20);
      await repeat(() => readOnce(client, ledger));
    }),
  ];
  await sleep(Math.random() * LOAD_MS_MAX);
  isKilled = true;
  await server.killAll();
  await Promise.all(clients);
  assert.deepEqual(surprises, [], 'nothing fails before the kill');
}

function isAnswer(error: unknown): boolean {
  if (error instanceof assert.AssertionError) return true;
  return error instanceof S3ServiceException && error.$metadata.httpStatusCode !== undefined;
}

async function withClient<Output>(
  server: TestServer,
  use: (client: S3Client) => Promise<Output>,
): Promise<Output> {
  const client = s3Client(server);
  try {
    return await use(client);
  } finally {
    client.destroy();
  }
}
