/**
 * kill -9 of every process at random moments under mixed load: what was acknowledged is there
 * afterwards, what was not is there as a whole or not at all, and nothing is left over.
 *
 * S3ISH_CRASH_ROUNDS sets the number of kills; CI runs 20.
 */

import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import {
  CreateBucketCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  PutObjectCommand,
  S3ServiceException,
  type S3Client,
} from '@aws-sdk/client-s3';

import { s3Client } from '../support/s3-client.js';
import { startServer, type TestServer } from '../support/server.js';

const ROUNDS = Number(process.env['S3ISH_CRASH_ROUNDS'] ?? 20);
const BUCKET = 'crash-bucket';
const KEYS = 24;
const WRITERS = 6;
const SIZES = [0, 100, 5_000, 200_000, 1_500_000];

/** Digests that a key may have: the last acknowledged, and every later attempt. `''`: absent. */
type Expectations = Map<string, Set<string>>;

test(`kill -9 of all processes loses no acknowledged write (${ROUNDS} kills)`, async () => {
  const server = await startServer({
    processes: 2,
    settings: { storage: { sweep_interval_secs: 1 } },
  });
  try {
    await s3Client(server).send(new CreateBucketCommand({ Bucket: BUCKET }));
    const expected: Expectations = new Map();
    for (let round = 0; round < ROUNDS; round += 1) {
      await loadUntilKilled(server, expected);
      await server.restart();
      await verify(s3Client(server), expected);
    }
    assert(expected.size > 0, 'the load wrote something');
    await assertNothingLeftOver(server, expected);
  } finally {
    await server.stop();
  }
});

async function loadUntilKilled(server: TestServer, expected: Expectations): Promise<void> {
  let isRunning = true;
  const client = s3Client(server);
  const writers = Array.from({ length: WRITERS }, async (_, writer) => {
    while (isRunning) {
      // Each writer has keys of its own, so that the last acknowledgement is the last write.
      const key = `key-${writer}-${Math.floor(Math.random() * (KEYS / WRITERS))}`;
      await writeOnce(client, expected, key).catch(() => sleep(5));
    }
  });
  await sleep(Math.random() * 500);
  await server.killAll();
  isRunning = false;
  await Promise.all(writers);
  client.destroy();
}

async function writeOnce(client: S3Client, expected: Expectations, key: string): Promise<void> {
  const possible = expected.get(key) ?? new Set(['']);
  expected.set(key, possible);
  if (Math.random() < 0.2) {
    possible.add('');
    await client.send(new DeleteObjectCommand({ Bucket: BUCKET, Key: key }));
    expected.set(key, new Set(['']));
    return;
  }
  const body = randomBytes(SIZES[Math.floor(Math.random() * SIZES.length)] ?? 0);
  const digest = digestOf(body);
  possible.add(digest);
  await client.send(new PutObjectCommand({ Bucket: BUCKET, Key: key, Body: body }));
  expected.set(key, new Set([digest]));
}

async function verify(client: S3Client, expected: Expectations): Promise<void> {
  for (const [key, possible] of expected) {
    const found = await digestInStore(client, key);
    assert(possible.has(found), `${key} holds one of the ${possible.size} versions it may hold`);
    expected.set(key, new Set([found]));
  }
  client.destroy();
}

async function digestInStore(client: S3Client, key: string): Promise<string> {
  try {
    const { Body } = await client.send(new GetObjectCommand({ Bucket: BUCKET, Key: key }));
    return digestOf((await Body?.transformToByteArray()) ?? new Uint8Array());
  } catch (error) {
    if (error instanceof S3ServiceException && error.name === 'NoSuchKey') return '';
    throw error;
  }
}

/** Deletes everything and waits for the sweeper: no file of a payload may stay. */
async function assertNothingLeftOver(server: TestServer, expected: Expectations): Promise<void> {
  const client = s3Client(server);
  for (const key of expected.keys()) {
    await client.send(new DeleteObjectCommand({ Bucket: BUCKET, Key: key }));
  }
  client.destroy();
  let left: string[] = [];
  for (let attempt = 0; attempt < 100; attempt += 1) {
    left = filesBelow(join(server.dataPath, BUCKET));
    if (left.length === 0) return;
    await sleep(200);
  }
  assert.deepEqual(left, []);
}

function filesBelow(path: string): string[] {
  try {
    return readdirSync(path, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name));
  } catch {
    // The directory itself may be gone, which is as empty as it gets.
    return [];
  }
}

function digestOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
