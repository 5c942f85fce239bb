/**
 * Changing the tags of an object: a new record and, where files hold the payload, a new blob that
 * shares its bytes, because the sidecar always says what the record says and never changes.
 *
 * @see docs/ON_DISK_FORMAT.md, "Tags"
 * @module
 */

import type { ObjectRecord } from '../metadata/records.js';
import { S3Error } from '../s3/errors.js';
import { isSameTags } from '../s3/tags.js';
import { newBlobId } from '../util/ids.js';
import { requireBucketRecord, type StoreContext } from './context.js';
import { duplicateBlob } from './duplicate-blob.js';
import { sealManifest, type SealedBlob } from './manifest.js';
import { replaceTagsAction } from './object-actions.js';
import { partsOfManifest, requireLayout, requireRecord } from './open-object.js';
import { isRefusal } from './staged-object.js';
import type { SetObjectTags } from './store.js';

/** Others who change the object meanwhile make a change of tags start over, this often at most. */
const ATTEMPTS_MAX = 100;

export async function setObjectTags(context: StoreContext, input: SetObjectTags): Promise<void> {
  const { bucket, key, versionId, tags } = input;
  const { id: bucketId } = requireBucketRecord(context, bucket);
  if (tags.length > 0) context.headroom.require(0);
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt += 1) {
    context.environment.refresh();
    if (requireBucketRecord(context, bucket).id !== bucketId) {
      throw new S3Error('NoSuchBucket', { BucketName: bucket });
    }
    const record = requireRecord(context, bucket, key, versionId);
    if (isSameTags(record.tags, tags)) return;
    // Keeps the blob that the new one is linked to.
    const endOpen = context.holds.beginOpen(context.environment.lastSequence());
    try {
      if (await replaceTags(context, { ...input, bucketId, record })) return;
    } finally {
      endOpen();
    }
  }
  throw new S3Error('OperationAborted', { Key: key });
}

interface Change extends SetObjectTags {
  readonly bucketId: number;
  readonly record: ObjectRecord;
}

/** @returns false when the object changed meanwhile. */
async function replaceTags(context: StoreContext, change: Change): Promise<boolean> {
  const { bucket, bucketId, key, tags, record } = change;
  const blobId = newBlobId(context.nowMs());
  const blob = await sealBlob(context, change, blobId);
  try {
    const isDone = await context.environment.write(replaceTagsAction, {
      ...{ bucket, bucketId, key, tags },
      expected: { sequence: record.sequence, placement: record.placement },
      blob: blob && { blobId, layout: blob.layout },
    });
    if (isDone) await blob?.keep();
    else await blob?.[Symbol.asyncDispose]();
    return isDone;
  } catch (error) {
    // After any other failure the commit may have happened: the sweeper decides by the index.
    if (isRefusal(error)) await blob?.[Symbol.asyncDispose]();
    throw error;
  }
}

/** @returns undefined for a payload in the index, which has no sidecar. */
async function sealBlob(
  context: StoreContext,
  { bucket, key, tags, record }: Change,
  blobId: string,
): Promise<SealedBlob | undefined> {
  const { placement, lastModifiedMs, checksum, attributes, md5Hex: md5 } = record;
  const described = { bucket, key, blobId, lastModifiedMs, md5, checksum, attributes, tags };
  if (placement.kind === 'inline') return undefined;
  if (placement.kind === 'plain') {
    const source = { bucket, key, blobId: placement.blobId };
    const layout = requireLayout(context, placement.blobId, record.sizeBytes);
    const { versionId } = record;
    return duplicateBlob(context, source, layout, { kind: 'object', ...described, versionId });
  }
  const { uploadId } = placement;
  const parts = partsOfManifest(context, uploadId).map(({ partNumber, part }) => ({
    ...{ partNumber, sizeBytes: part.sizeBytes, blobId: part.blobId },
  }));
  return sealManifest(context, { ...described, uploadId, parts });
}
