// Writes that come between the steps of a rename or an append, at exactly the worst moment.

import assert from 'node:assert/strict';
import test from 'node:test';

import { openMemoryBlobs } from '#src/blobs/memory-blobs.js';
import { S3Error } from '#src/s3/errors.js';
import { stageAppend } from '#src/store/append-object.js';
import { createBucket } from '#src/store/buckets.js';
import type { StoreContext } from '#src/store/context.js';
import { deleteObject } from '#src/store/delete-objects.js';
import { findObject } from '#src/store/open-object.js';
import { renameObject } from '#src/store/rename-object.js';
import type { StagedObject } from '#src/store/store.js';

import {
  blobCount,
  commitOf,
  putBytes,
  readBytes,
  storeContextOf,
} from '../../support/store-context.js';

const BUCKET = 'bucket';
const OLD = Buffer.alloc(1000, 'old ');
const NEW = Buffer.alloc(1000, 'new ');
const RENAME = {
  ...{ bucket: BUCKET, sourceKey: 'source', key: 'target' },
  ...{ conditions: {}, sourceConditions: undefined, memory: undefined },
};

/** @param onLink - runs when a rename has made its link and has not committed. */
async function prepared(
  onLink: (context: StoreContext) => Promise<unknown>,
): Promise<StoreContext> {
  const blobs = openMemoryBlobs();
  const context = storeContextOf(blobs);
  const link = blobs.link.bind(blobs);
  blobs.link = async (...linked) => {
    const staged = await link(...linked);
    await onLink(context);
    return staged;
  };
  await createBucket(context, { bucket: BUCKET, account: 'main', region: 'us-east-1' });
  await putBytes(context, { bucket: BUCKET, key: 'source' }, OLD);
  return context;
}

test('a rename whose source is overwritten meanwhile moves the newer object', async () => {
  let links = 0;
  const context = await prepared(async (inside) => {
    links += 1;
    if (links === 1) await putBytes(inside, { bucket: BUCKET, key: 'source' }, NEW);
  });
  await renameObject(context, RENAME);
  assert.equal(links, 2);
  assert((await bytesOf(context, 'target')).equals(NEW));
  assert.equal(findObject(context, BUCKET, 'source'), undefined);
  assert.equal(await blobCount(context), 1);
});

test('a rename whose source is deleted meanwhile is NoSuchKey and leaves nothing', async () => {
  const context = await prepared((inside) =>
    deleteObject(inside, { bucket: BUCKET, key: 'source' }),
  );
  await assert.rejects(renameObject(context, RENAME), hasCode('NoSuchKey'));
  assert.equal(findObject(context, BUCKET, 'target'), undefined);
  assert.equal(await blobCount(context), 0);
});

test('a rename whose source never rests ends with OperationAborted and leaves nothing', async () => {
  const context = await prepared((inside) =>
    putBytes(inside, { bucket: BUCKET, key: 'source' }, NEW),
  );
  await assert.rejects(renameObject(context, RENAME), hasCode('OperationAborted'));
  assert((await bytesOf(context, 'source')).equals(NEW));
  assert.equal(findObject(context, BUCKET, 'target'), undefined);
  assert.equal(await blobCount(context), 1);
});

test('a rename that finds its target there under If-None-Match leaves nothing', async () => {
  const context = await prepared((inside) =>
    putBytes(inside, { bucket: BUCKET, key: 'target' }, NEW),
  );
  const conditions = { ifNoneMatch: '*' } as const;
  const renamed = renameObject(context, { ...RENAME, conditions });
  await assert.rejects(renamed, hasCode('PreconditionFailed'));
  assert((await bytesOf(context, 'source')).equals(OLD));
  assert((await bytesOf(context, 'target')).equals(NEW));
  assert.equal(await blobCount(context), 2);
});

for (const [name, replaced, code] of [
  ['has grown', Buffer.concat([OLD, NEW]), 'InvalidWriteOffset'],
  ['was replaced by one of its size', NEW, 'OperationAborted'],
  ['was deleted', undefined, 'InvalidWriteOffset'],
] as const) {
  test(`an append whose object ${name} meanwhile is ${code} and leaves nothing`, async () => {
    const context = await prepared(() => Promise.resolve());
    {
      await using staged = await appendTo(context, 'source', NEW);
      await staged.write(Uint8Array.from(NEW));
      if (replaced === undefined) await deleteObject(context, { bucket: BUCKET, key: 'source' });
      else await putBytes(context, { bucket: BUCKET, key: 'source' }, replaced);
      await assert.rejects(staged.commit(commitOf(NEW)), hasCode(code));
    }
    if (replaced === undefined) assert.equal(findObject(context, BUCKET, 'source'), undefined);
    else assert((await bytesOf(context, 'source')).equals(replaced));
    assert.equal(await blobCount(context), replaced === undefined ? 0 : 1);
  });
}

test('an append that creates an object loses against one that was created meanwhile', async () => {
  const context = await prepared(() => Promise.resolve());
  await using staged = await appendTo(context, 'created', NEW);
  await staged.write(Uint8Array.from(NEW));
  await putBytes(context, { bucket: BUCKET, key: 'created' }, OLD);
  await assert.rejects(staged.commit(commitOf(NEW)), hasCode('InvalidWriteOffset'));
  assert((await bytesOf(context, 'created')).equals(OLD));
});

function hasCode(code: string): (error: unknown) => boolean {
  return (error) => error instanceof S3Error && error.code === code;
}

function appendTo(context: StoreContext, key: string, bytes: Uint8Array): Promise<StagedObject> {
  const base = findObject(context, BUCKET, key);
  const offsetBytes = base?.sizeBytes ?? 0;
  const sizeBytes = bytes.byteLength;
  const place = { bucket: BUCKET, key, base };
  return stageAppend(context, { ...place, offsetBytes, sizeBytes, partsCountMax: 10 });
}

async function bytesOf(context: StoreContext, key: string): Promise<Buffer> {
  return (await readBytes(context, { bucket: BUCKET, key })).bytes;
}
