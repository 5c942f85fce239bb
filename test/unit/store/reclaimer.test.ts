// What the sweeper may not or cannot remove does not keep what lies behind it, and none of its nets
// takes what is still read.

import assert from 'node:assert/strict';
import test from 'node:test';

import type { BlobStore } from '#src/blobs/blob-store.js';
import { openMemoryBlobs } from '#src/blobs/memory-blobs.js';
import { checksumOf } from '#src/s3/checksums.js';
import { createBucket } from '#src/store/buckets.js';
import type { StoreContext } from '#src/store/context.js';
import { deleteObject } from '#src/store/delete-objects.js';
import { setObjectTags } from '#src/store/object-tags.js';
import { openObject } from '#src/store/open-object.js';
import { createReclaimer } from '#src/store/reclaimer.js';
import { stageObject } from '#src/store/staged-object.js';
import { abortUpload, createUpload } from '#src/store/uploads.js';

import { storeContextOf } from '../../support/store-context.js';

const BUCKET = 'bucket';
/** More than the reclaimer looks up at once. */
const STUCK_COUNT = 300;

async function withBucket(blobs: BlobStore): Promise<StoreContext> {
  const context = storeContextOf(blobs);
  await createBucket(context, { bucket: BUCKET, account: 'main', region: 'us-east-1' });
  return context;
}

test(`the reclaimer passes over ${STUCK_COUNT} payloads that are still read`, async () => {
  const context = await withBucket(openMemoryBlobs());
  const held = new Set<string>();
  for (let count = 0; count < STUCK_COUNT; count += 1) held.add(await abortedUpload(context));
  await deletedObject(context, 'free');
  const { reclaimGarbage } = createReclaimer(context);
  const mayReclaim = (_: number, uploadId: string | undefined): boolean =>
    uploadId === undefined || !held.has(uploadId);
  assert.deepEqual(await reclaimGarbage(mayReclaim), {
    ...{ removedCount: 1, waitingCount: STUCK_COUNT },
  });
  assert.equal(await blobCount(context), 0);
  held.clear();
  const counts = [await reclaimGarbage(mayReclaim), await reclaimGarbage(mayReclaim)];
  assert.equal(
    counts.reduce((sum, { removedCount }) => sum + removedCount, 0),
    STUCK_COUNT,
  );
});

test(`the reclaimer passes over ${STUCK_COUNT} payloads that cannot be removed`, async () => {
  const blobs = openMemoryBlobs();
  const remove = blobs.remove.bind(blobs);
  const fault = new Error('EACCES');
  blobs.remove = (location) =>
    location.key.startsWith('stuck') ? Promise.reject(fault) : remove(location);
  const context = await withBucket(blobs);
  for (let count = 0; count < STUCK_COUNT; count += 1) {
    await deletedObject(context, `stuck-${count}`);
  }
  await deletedObject(context, 'free');
  const { reclaimGarbage } = createReclaimer(context);
  assert.equal((await reclaimGarbage(() => true)).removedCount, 1);
  assert.equal(await blobCount(context), STUCK_COUNT);
  await assert.rejects(
    reclaimGarbage(() => true),
    (error) => error instanceof AggregateError && error.errors.length === STUCK_COUNT,
  );
});

test('the reclaimer removes nothing that was written after what readers have passed', async () => {
  const context = await withBucket(openMemoryBlobs());
  await deletedObject(context, 'passed');
  const passed = context.environment.lastSequence();
  for (const key of ['later', 'latest']) await deletedObject(context, key);
  const { reclaimGarbage } = createReclaimer(context);
  assert.equal((await reclaimGarbage((sequence) => sequence <= passed)).removedCount, 1);
  assert.equal(await blobCount(context), 2);
  assert.equal((await reclaimGarbage((sequence) => sequence <= passed)).removedCount, 0);
  assert.equal((await reclaimGarbage(() => true)).removedCount, 2);
});

for (const [what, replace] of [
  ['overwritten', (context: StoreContext) => putObject(context, 'key')],
  ['deleted', (context: StoreContext) => deleteObject(context, { bucket: BUCKET, key: 'key' })],
  [
    'given tags',
    (context: StoreContext) => {
      const tags = [{ key: 'one', value: '1' }];
      return setObjectTags(context, { bucket: BUCKET, key: 'key', versionId: undefined, tags });
    },
  ],
] as const) {
  test(`the walk spares what is ${what} while somebody opens it; the garbage list does not forget it`, async () => {
    const blobs = openMemoryBlobs();
    const context = await withBucket(blobs);
    await putObject(context, 'key');
    context.environment.refresh();
    const { sweepOrphans, reclaimGarbage } = createReclaimer(context);
    const { open } = blobs;
    blobs.open = async (...opened) => {
      blobs.open = open;
      await replace(context);
      assert.equal(await sweepOrphans(-1), 0);
      return open.apply(blobs, opened);
    };
    const reading = await openObject(context, BUCKET, 'key', undefined);
    reading.close();
    assert.equal((await reclaimGarbage(() => true)).removedCount, 1);
    assert.equal(await blobCount(context), what === 'deleted' ? 0 : 1);
    const layouts = { start: Buffer.of(0), end: Buffer.of(0xff), countMax: 9 };
    context.environment.refresh();
    const layoutCount = context.environment.range('layouts', layouts).length;
    assert.equal(layoutCount, what === 'deleted' ? 0 : 1);
  });
}

async function abortedUpload(context: StoreContext): Promise<string> {
  const { uploadId } = await createUpload(context, {
    ...{ bucket: BUCKET, key: 'key', account: 'main', attributes: { userMetadata: {} }, tags: [] },
    ...{ checksumAlgorithm: undefined, checksumType: 'FULL_OBJECT' },
  });
  await abortUpload(context, BUCKET, 'key', uploadId);
  return uploadId;
}

async function deletedObject(context: StoreContext, key: string): Promise<void> {
  await putObject(context, key);
  await deleteObject(context, { bucket: BUCKET, key });
}

async function putObject(context: StoreContext, key: string): Promise<void> {
  await using staged = stageObject(context, { bucket: BUCKET, key, sizeBytes: 1 });
  await staged.write(Uint8Array.of(7));
  const value = checksumOf('CRC32', Uint8Array.of(7));
  await staged.commit({
    ...{ etag: '0'.repeat(32), attributes: { userMetadata: {} }, tags: [], conditions: {} },
    checksum: { algorithm: 'CRC32', type: 'FULL_OBJECT', value },
  });
}

async function blobCount(context: StoreContext): Promise<number> {
  let count = 0;
  for await (const _ of context.blobs.walk()) count += 1;
  return count;
}
