// Changes of tags that come between the steps of other writes, at exactly the worst moment, and
// other writes that come between the steps of a change of tags.

import assert from 'node:assert/strict';
import test from 'node:test';

import { openMemoryBlobs } from '#src/blobs/memory-blobs.js';
import { S3Error } from '#src/s3/errors.js';
import type { Tags } from '#src/s3/tags.js';
import { stageAppend } from '#src/store/append-object.js';
import { createBucket } from '#src/store/buckets.js';
import type { StoreContext } from '#src/store/context.js';
import { deleteObject } from '#src/store/delete-objects.js';
import { setObjectTags } from '#src/store/object-tags.js';
import { findObject } from '#src/store/open-object.js';
import { renameObject } from '#src/store/rename-object.js';

import {
  blobCount,
  commitOf,
  putBytes,
  readBytes,
  storeContextOf,
} from '../../support/store-context.js';

const bucket = 'bucket';
const OLD = Buffer.alloc(1000, 'old ');
const NEW = Buffer.alloc(1000, 'new ');
const ONE: Tags = [{ key: 'one', value: '1' }];
const TWO: Tags = [{ key: 'two', value: '2' }];
const INLINE_BYTES_MAX = 100_000;

/** @param onLink - runs at the first link, when it is made and nothing is committed. */
async function prepared(
  onLink: (context: StoreContext) => Promise<unknown>,
  inlineBytesMax = 0,
): Promise<StoreContext> {
  const blobs = openMemoryBlobs();
  const context = storeContextOf(blobs, inlineBytesMax);
  const link = blobs.link.bind(blobs);
  let isFirst = true;
  blobs.link = async (...linked) => {
    const staged = await link(...linked);
    if (isFirst) {
      isFirst = false;
      await onLink(context);
    }
    return staged;
  };
  await createBucket(context, { bucket, account: 'main', region: 'us-east-1' });
  await putBytes(context, { bucket, key: 'key' }, OLD);
  return context;
}

test('tags that are changed while the object is overwritten go to the newer object', async () => {
  const context = await prepared((inside) => putBytes(inside, { bucket, key: 'key' }, NEW));
  await setTags(context, ONE);
  await assertObject(context, 'key', NEW, ONE);
  assert.equal(await blobCount(context), 1);
});

test('tags that are changed twice at once are those of the later commit', async () => {
  const context = await prepared((inside) => setTags(inside, TWO));
  await setTags(context, ONE);
  await assertObject(context, 'key', OLD, ONE);
  assert.equal(await blobCount(context), 1);
});

test('tags of an object that is deleted meanwhile are NoSuchKey and leave nothing', async () => {
  const context = await prepared((inside) => deleteObject(inside, { bucket, key: 'key' }));
  await assert.rejects(setTags(context, ONE), hasCode('NoSuchKey'));
  context.environment.refresh();
  assert.equal(findObject(context, bucket, 'key'), undefined);
  assert.equal(await blobCount(context), 0);
});

test('a rename whose source gets tags meanwhile takes them along', async () => {
  const context = await prepared((inside) => setTags(inside, ONE));
  await renameObject(context, {
    ...{ bucket, sourceKey: 'key', key: 'target' },
    ...{ conditions: {}, sourceConditions: undefined, memory: undefined },
  });
  await assertObject(context, 'target', OLD, ONE);
  assert.equal(findObject(context, bucket, 'key'), undefined);
  assert.equal(await blobCount(context), 1);
});

for (const [placement, inlineBytesMax] of [
  ['plain', 0],
  ['inline', INLINE_BYTES_MAX],
] as const) {
  test(`an append to an object (${placement}) that gets tags meanwhile is OperationAborted and loses nothing`, async () => {
    const context = await prepared(() => Promise.resolve(), inlineBytesMax);
    await assert.rejects(
      append(context, () => setTags(context, ONE)),
      hasCode('OperationAborted'),
    );
    await assertObject(context, 'key', OLD, ONE);
    await append(context, () => Promise.resolve());
    await assertObject(context, 'key', Buffer.concat([OLD, NEW]), ONE);
    await setTags(context, TWO);
    await assertObject(context, 'key', Buffer.concat([OLD, NEW]), TWO);
    // Of an object in files: what was there, what was appended, and the manifest.
    assert.equal(await blobCount(context), placement === 'plain' ? 3 : 0);
  });
}

function hasCode(code: string): (error: unknown) => boolean {
  return (error) => error instanceof S3Error && error.code === code;
}

async function setTags(context: StoreContext, tags: Tags): Promise<void> {
  await setObjectTags(context, { bucket, key: 'key', versionId: undefined, tags });
  context.environment.refresh();
}

async function append(context: StoreContext, meanwhile: () => Promise<void>): Promise<void> {
  const base = findObject(context, bucket, 'key');
  const sizeBytes = NEW.byteLength;
  const place = { bucket, key: 'key', base, offsetBytes: base?.sizeBytes ?? 0 };
  await using staged = await stageAppend(context, { ...place, sizeBytes, partsCountMax: 10 });
  await staged.write(Uint8Array.from(NEW));
  await meanwhile();
  await staged.commit(commitOf(NEW));
  context.environment.refresh();
}

async function assertObject(
  context: StoreContext,
  key: string,
  bytes: Buffer,
  tags: Tags,
): Promise<void> {
  const { bytes: found, version } = await readBytes(context, { bucket, key });
  assert(found.equals(bytes));
  assert.deepEqual(version.tags, tags);
}
