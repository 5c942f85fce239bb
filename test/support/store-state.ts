/**
 * What a server holds, so that tests can say that a refused request changed nothing.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import type { Store } from '#src/store/store.js';

import { ACCOUNTS, type InProcessServer } from './in-process-server.js';
import type { Fixture } from './operation-suite.js';

const STAGING_MS_MAX = 5_000;
/** Entries of one page: a store answers with no more. */
const PAGE = 1000;

/**
 * Everything a store holds: buckets of every account, their counters, the record of every object,
 * uploads, parts, and the number of the last write, so that one which leaves no trace is seen too.
 */
export function storeState({ store }: Pick<InProcessServer, 'store'>): unknown {
  const { readableFrom: lastWrite } = store.readReport();
  const buckets = ACCOUNTS.flatMap((account) => {
    const page = store.listBuckets({ account, prefix: '', after: '', countMax: PAGE });
    assert(!page.isTruncated, 'no test makes so many buckets');
    return page.buckets.map((bucket) => ({ ...bucket, ...bucketState(store, bucket.name) }));
  });
  return { lastWrite, buckets };
}

function bucketState(store: Store, bucket: string): object {
  const listed = { bucket, prefix: '', delimiter: '', countMax: PAGE };
  const objects = store.listObjects({ ...listed, after: '', afterIsCommonPrefix: false });
  const uploads = store.listUploads({ ...listed, keyMarker: '', uploadIdMarker: '' });
  assert(!objects.isTruncated && !uploads.isTruncated, 'no test makes so many objects');
  return {
    counters: store.bucketCounters(bucket),
    tagging: store.bucketConfiguration(bucket, 'tagging'),
    objects: objects.objects,
    uploads: uploads.uploads.map((upload) => ({
      ...upload,
      ...store.listParts(upload, 0, PAGE),
    })),
  };
}

/** Checks that requests leave the store as it is, and nothing in staging. */
export async function changesNothing(
  { server }: Pick<Fixture, 'server'>,
  requests: () => Promise<unknown>,
): Promise<void> {
  const before = storeState(server);
  await requests();
  assert.deepEqual(storeState(server), before);
  await assertNothingStaged(server);
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
