/**
 * What a server holds, so that tests can say that a refused request changed nothing.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import {
  ListBucketsCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  ListPartsCommand,
} from '@aws-sdk/client-s3';

import type { InProcessServer } from './in-process-server.js';
import type { Fixture } from './operation-suite.js';

const STAGING_MS_MAX = 5_000;

/** Buckets, objects, uploads, parts and counters, as far as clients see them. */
export async function storeState({ client, server, bucket }: Fixture): Promise<unknown> {
  const name = { Bucket: bucket };
  const { Buckets: buckets = [] } = await client.send(new ListBucketsCommand({}));
  const { Contents: objects = [] } = await client.send(new ListObjectsV2Command(name));
  const { Uploads: uploads = [] } = await client.send(new ListMultipartUploadsCommand(name));
  const parts = await Promise.all(
    uploads.map(({ Key, UploadId }) =>
      client.send(new ListPartsCommand({ ...name, Key, UploadId })),
    ),
  );
  return {
    buckets: buckets.map((found) => found.Name),
    objects: objects.map(({ Key, ETag, Size, LastModified }) => [Key, ETag, Size, LastModified]),
    uploads: uploads.map(({ Key, UploadId }) => [Key, UploadId]),
    parts: parts.map(({ Parts: list }) => list?.map(({ PartNumber, ETag }) => [PartNumber, ETag])),
    counters: server.store.bucketCounters(bucket),
  };
}

/** Checks that requests leave the store as it is, and nothing in staging. */
export async function changesNothing(
  fixture: Fixture,
  requests: () => Promise<unknown>,
): Promise<void> {
  const before = await storeState(fixture);
  await requests();
  assert.deepEqual(await storeState(fixture), before);
  await assertNothingStaged(fixture.server);
}

/** Waits until no blob is being staged. The memory backend stages nowhere that could be seen. */
async function assertNothingStaged(server: InProcessServer): Promise<void> {
  const deadline = Date.now() + STAGING_MS_MAX;
  let left = await stagedNames(server.basePath);
  while (left.length > 0) {
    assert(Date.now() < deadline, `left in staging: ${left.join(', ')}`);
    await delay(20);
    left = await stagedNames(server.basePath);
  }
}

async function stagedNames(basePath: string): Promise<string[]> {
  const staging = join(basePath, '.s3ish', 'staging');
  const incarnations = await readdir(staging).catch(() => []);
  const names = await Promise.all(incarnations.map((name) => readdir(join(staging, name))));
  return names.flat();
}
