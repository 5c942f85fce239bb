/**
 * Renaming: the payload gets a second place under the new key, then one transaction publishes the
 * new record and removes the old one.
 *
 * A blob's directory is derived from its key and its sidecar names the key, so files cannot stay
 * where they are; hard links make the second place without moving a byte. The first place goes the
 * way of every replaced payload.
 *
 * @module
 */

import type { ObjectRecord } from '../metadata/records.js';
import { renameMemoryOf, type RenameMemory } from '../metadata/rename-memory.js';
import { evaluateSourceConditions } from '../s3/conditions.js';
import { S3Error } from '../s3/errors.js';
import { newBlobId, newUploadId } from '../util/ids.js';
import { findObjectRecord, requireBucketRecord, type StoreContext } from './context.js';
import { duplicateBlob } from './duplicate-blob.js';
import { sealManifest, type SealedBlob } from './manifest.js';
import { etagOf, versionOf } from './object-version.js';
import { partsOfManifest, requireLayout } from './open-object.js';
import { renameObjectAction, type MovedPayload } from './rename-action.js';
import { isRefusal } from './staged-object.js';
import type { ObjectVersion, RenameObject } from './store.js';

/** Writes of the source that come while a rename runs make it start over, this often at most. */
const ATTEMPTS_MAX = 10;
/** Parts linked at the same time: each waits for flushes. */
const LINKS_AT_ONCE = 8;

/** @throws {S3Error} see {@link Store.renameObject}. */
export async function renameObject(
  context: StoreContext,
  input: RenameObject,
): Promise<ObjectVersion> {
  const { bucket, sourceKey, key } = input;
  // Before anything is awaited: the bucket that was authorised, not a later one of that name.
  const { id: bucketId } = requireBucketRecord(context, bucket);
  context.headroom.require(0);
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt += 1) {
    const done = findObjectRecord(context, bucketId, key);
    if (done !== undefined && isRepetition(done, input.memory)) return versionOf(bucket, key, done);
    const source = findObjectRecord(context, bucketId, sourceKey);
    if (source === undefined) throw new S3Error('NoSuchKey', { Key: sourceKey });
    const subject = { etag: etagOf(source), lastModifiedMs: source.lastModifiedMs };
    const { sourceConditions } = input;
    evaluateSourceConditions(sourceConditions, subject, context.nowMs(), 'x-amz-rename-source');
    const record = await tryRename(context, input, bucketId, source);
    if (record !== undefined) return versionOf(bucket, key, record);
    context.environment.refresh();
  }
  throw new S3Error('OperationAborted', { Key: sourceKey });
}

/** @throws {S3Error} IdempotencyParameterMismatch. */
function isRepetition(record: ObjectRecord, memory: RenameMemory | undefined): boolean {
  const done = renameMemoryOf(record);
  if (memory === undefined || done?.token !== memory.token) return false;
  if (done.parameters === memory.parameters) return true;
  throw new S3Error('IdempotencyParameterMismatch');
}

/** @returns undefined when the source was replaced or removed meanwhile. */
async function tryRename(
  context: StoreContext,
  { bucket, sourceKey, key, conditions, memory }: RenameObject,
  bucketId: number,
  source: ObjectRecord,
): Promise<ObjectRecord | undefined> {
  const blobs: SealedBlob[] = [];
  const discardBlobs = async (): Promise<void> => {
    for (const blob of blobs) await blob[Symbol.asyncDispose]();
  };
  const endOpen = context.holds.beginOpen(context.environment.lastSequence());
  let moved: MovedPayload;
  try {
    moved = await movePayload(context, { bucket, sourceKey, key }, source, blobs);
  } catch (error) {
    await discardBlobs();
    throw error;
  } finally {
    endOpen();
  }
  try {
    const record = await context.environment.write(renameObjectAction, {
      ...{ bucket, bucketId, sourceKey, source, key },
      ...{ moved, memory, conditions },
    });
    if (record === undefined) await discardBlobs();
    else for (const blob of blobs) await blob.keep();
    return record;
  } catch (error) {
    // After any other failure the commit may have happened: the sweeper decides by the index.
    if (isRefusal(error)) await discardBlobs();
    throw error;
  }
}

interface Names {
  readonly bucket: string;
  readonly sourceKey: string;
  readonly key: string;
}

/** @param blobs - receives what was sealed, also when it fails. */
async function movePayload(
  context: StoreContext,
  names: Names,
  source: ObjectRecord,
  blobs: SealedBlob[],
): Promise<MovedPayload> {
  const { placement } = source;
  if (placement.kind === 'inline') return { placement, layout: undefined, manifest: undefined };
  if (placement.kind === 'parts') {
    return moveParts(context, names, source, placement.uploadId, blobs);
  }
  const { bucket, sourceKey, key } = names;
  const { versionId, md5Hex: md5, lastModifiedMs, checksum, attributes, tags } = source;
  const blobId = newBlobId(context.nowMs());
  const layout = requireLayout(context, placement.blobId, source.sizeBytes);
  const blob = await duplicateBlob(
    context,
    { bucket, key: sourceKey, blobId: placement.blobId },
    layout,
    {
      ...{ kind: 'object', bucket, key, blobId, versionId },
      ...{ lastModifiedMs, md5, checksum, attributes, tags },
    },
  );
  blobs.push(blob);
  return { placement: { kind: 'plain', blobId }, layout: blob.layout, manifest: undefined };
}

/** The parts and their manifest, under an upload id of their own: the old ones are still read. */
async function moveParts(
  context: StoreContext,
  { bucket, sourceKey, key }: Names,
  source: ObjectRecord,
  sourceUploadId: string,
  blobs: SealedBlob[],
): Promise<MovedPayload> {
  const nowMs = context.nowMs();
  const uploadId = newUploadId(nowMs);
  // Rows and layouts are all read before the first await: they are of one snapshot.
  const wanted = partsOfManifest(context, sourceUploadId).map(({ partNumber, part }) => ({
    ...{ partNumber, part, layout: requireLayout(context, part.blobId, part.sizeBytes) },
    blobId: newBlobId(nowMs),
  }));
  for (let start = 0; start < wanted.length; start += LINKS_AT_ONCE) {
    const links = wanted.slice(start, start + LINKS_AT_ONCE).map(async (one) => {
      const { partNumber, part, layout, blobId } = one;
      const { md5Hex: md5, lastModifiedMs, checksum } = part;
      const blob = await duplicateBlob(
        context,
        { bucket, key: sourceKey, blobId: part.blobId },
        layout,
        {
          ...{ kind: 'part', bucket, key, blobId, uploadId, partNumber },
          ...{ lastModifiedMs, md5, checksum },
        },
      );
      blobs.push(blob);
    });
    const failed = (await Promise.allSettled(links)).find(({ status }) => status === 'rejected');
    if (failed?.status === 'rejected') throw failed.reason;
  }
  const { md5Hex: md5, lastModifiedMs, checksum, attributes, tags } = source;
  const manifestBlobId = newBlobId(nowMs);
  const parts = wanted.map(({ partNumber, part, blobId }) => ({
    ...{ partNumber, sizeBytes: part.sizeBytes, blobId },
  }));
  const manifestBlob = await sealManifest(context, {
    ...{ bucket, key, blobId: manifestBlobId, lastModifiedMs, md5, checksum, attributes },
    ...{ tags, uploadId, parts },
  });
  blobs.push(manifestBlob);
  return {
    placement: { kind: 'parts', blobId: manifestBlobId, uploadId },
    layout: manifestBlob.layout,
    manifest: {
      ...{ uploadId, manifest: { parts } },
      parts: wanted.map(({ partNumber, part, blobId, layout }) => ({
        ...{ partNumber, part: { ...part, blobId }, layout },
      })),
    },
  };
}
