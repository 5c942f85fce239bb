/**
 * Copying a version onto a key: by hard link where one blob holds the bytes, else by rewriting.
 *
 * @module
 */

import { DEFAULT_CHECKSUM_ALGORITHM } from '../s3/checksums.js';
import { S3Error } from '../s3/errors.js';
import type { ObjectChecksum } from '../s3/object-attributes.js';
import { newBlobId } from '../util/ids.js';
import { requireBucketRecord, type StoreContext } from './context.js';
import { copyBytes, requireSourceLayout, requireUnchangedSource } from './copy-source.js';
import { publishObject } from './object-actions.js';
import { versionOf } from './object-version.js';
import { openVersion } from './open-object.js';
import { writeSidecar } from './sidecar.js';
import { isRefusal, stageObject } from './staged-object.js';
import type { CopyObject, ObjectVersion } from './store.js';

export async function copyObject(context: StoreContext, input: CopyObject): Promise<ObjectVersion> {
  requireUnchangedSource(context, input.source);
  const { id: bucketId } = requireBucketRecord(context, input.bucket);
  context.headroom.require(0);
  const endOpen = context.holds.beginOpen(context.environment.lastSequence());
  try {
    const { source } = input;
    const algorithm = input.checksumAlgorithm ?? source.checksum?.algorithm;
    const isSameChecksum =
      source.partsCount === undefined &&
      source.checksum !== undefined &&
      algorithm === source.checksum.algorithm;
    if (source.placement.kind === 'plain' && isSameChecksum) {
      const linked = await linkObject(context, input, source.placement.blobId, source.checksum);
      if (linked !== undefined) return linked;
      // Time has passed: the source may be gone by now, and its payload is looked up again.
      requireUnchangedSource(context, source);
      if (requireBucketRecord(context, input.bucket).id !== bucketId) {
        throw new S3Error('NoSuchBucket', { BucketName: input.bucket });
      }
    }
    return await rewriteObject(context, input);
  } finally {
    endOpen();
  }
}

/** @returns undefined when the file system refuses the link. */
async function linkObject(
  context: StoreContext,
  input: CopyObject,
  sourceBlobId: string,
  checksum: ObjectChecksum,
): Promise<ObjectVersion | undefined> {
  const { source, bucket, key, attributes, tags } = input;
  const bucketRecord = requireBucketRecord(context, bucket);
  const layout = requireSourceLayout(context, sourceBlobId);
  const lastModifiedMs = context.nowMs();
  const blobId = newBlobId(lastModifiedMs);
  const sidecar = writeSidecar(
    {
      kind: 'object',
      bucket,
      key,
      blobId,
      versionId: '',
      lastModifiedMs,
      md5: source.etag,
      checksum,
      attributes,
      tags,
    },
    layout,
  );
  const staged = await context.blobs.link(
    { bucket: source.bucket, key: source.key, blobId: sourceBlobId },
    { bucket, key, blobId },
    sidecar,
  );
  if (staged === undefined) return undefined;
  try {
    const record = await context.environment.write(publishObject, {
      bucket,
      bucketId: bucketRecord.id,
      key,
      record: {
        versionId: '',
        sizeBytes: source.sizeBytes,
        md5Hex: source.etag,
        partsCount: 0,
        lastModifiedMs,
        checksum,
        placement: { kind: 'plain', blobId },
        attributes,
        tags,
      },
      inline: undefined,
      layout,
      conditions: input.conditions,
    });
    await staged.keep();
    return versionOf(bucket, key, record);
  } catch (error) {
    // After any other failure the commit may have happened: the sweeper decides by the index.
    if (isRefusal(error)) await staged[Symbol.asyncDispose]();
    throw error;
  }
}

/** Reads, verifies and stages the bytes anew: small objects, multipart sources, new checksums. */
async function rewriteObject(context: StoreContext, input: CopyObject): Promise<ObjectVersion> {
  const { source, bucket, key, attributes, tags, conditions } = input;
  const algorithm =
    input.checksumAlgorithm ?? source.checksum?.algorithm ?? DEFAULT_CHECKSUM_ALGORITHM;
  // Before anything is awaited: the bucket that was authorised, not a later one of that name.
  await using staged = stageObject(context, { bucket, key, sizeBytes: source.sizeBytes });
  const open = await openVersion(context, source);
  try {
    const whole = { startByte: 0, endByte: source.sizeBytes };
    const copied = await copyBytes(open, whole, algorithm, staged);
    return await staged.commit({ attributes, tags, ...copied, conditions });
  } finally {
    open.close();
  }
}
