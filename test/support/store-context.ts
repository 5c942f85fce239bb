/**
 * The inside of a store in memory, for tests that reach between two of its steps.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';

import type { BlobStore } from '#src/blobs/blob-store.js';
import { openMemoryEnvironment } from '#src/metadata/memory-environment.js';
import { checksumOf } from '#src/s3/checksums.js';
import { RecentBucket, type StoreContext } from '#src/store/context.js';
import { RecordCache } from '#src/store/record-cache.js';
import { Headroom } from '#src/store/headroom.js';
import { Reserve } from '#src/store/reserve.js';
import { openObject } from '#src/store/open-object.js';
import { ReadHolds } from '#src/store/read-holds.js';
import { createReclaimer } from '#src/store/reclaimer.js';
import { stageObject } from '#src/store/staged-object.js';
import type { CommitObject, ObjectVersion } from '#src/store/store.js';

export function storeContextOf(blobs: BlobStore, inlineBytesMax = 0): StoreContext {
  return {
    ...{ environment: openMemoryEnvironment(), blobs, holds: new ReadHolds() },
    ...{
      recentBucket: new RecentBucket(),
      records: new RecordCache({ bytesMax: 0, ttlMs: 1 }),
      headroom: new Headroom([]),
      reserve: new Reserve(undefined),
      inlineBytesMax,
      nowMs: Date.now,
    },
  };
}

/** What a commit of these bytes without attributes says of them. */
export function commitOf(bytes: Uint8Array): CommitObject {
  const etag = createHash('md5').update(bytes).digest('hex');
  const value = checksumOf('CRC32', bytes);
  const checksum = { algorithm: 'CRC32', type: 'FULL_OBJECT', value } as const;
  return { etag, checksum, attributes: { userMetadata: {} }, tags: [], conditions: {} };
}

export async function putBytes(
  context: StoreContext,
  place: { readonly bucket: string; readonly key: string },
  bytes: Uint8Array,
): Promise<void> {
  context.environment.refresh();
  await using staged = stageObject(context, { ...place, sizeBytes: bytes.byteLength });
  // The stage keeps what it is given.
  await staged.write(Uint8Array.from(bytes));
  await staged.commit(commitOf(bytes));
  context.environment.refresh();
}

export async function readBytes(
  context: StoreContext,
  { bucket, key }: { readonly bucket: string; readonly key: string },
): Promise<{ readonly bytes: Buffer; readonly version: ObjectVersion }> {
  context.environment.refresh();
  const open = await openObject(context, bucket, key, undefined);
  const body = open.read({ startByte: 0, endByte: open.version.sizeBytes });
  const pieces: Uint8Array[] = [];
  if (body instanceof Uint8Array) pieces.push(body);
  else for await (const piece of body) pieces.push(Uint8Array.from(piece));
  open.close();
  return { bytes: Buffer.concat(pieces), version: open.version };
}

/** Blobs that are left once what was replaced is gone; none may be staged or an orphan. */
export async function blobCount(context: StoreContext): Promise<number> {
  const reclaimer = createReclaimer(context);
  while ((await reclaimer.reclaimGarbage(() => true)).removedCount > 0);
  let count = 0;
  for await (const blob of context.blobs.walk()) {
    assert.equal(await blob.isStaged(), false);
    count += 1;
  }
  assert.equal(await reclaimer.sweepOrphans(-1), 0);
  return count;
}
