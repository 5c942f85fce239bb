/**
 * Copying a version onto a key: by hard link where one blob holds the bytes, else by rewriting.
 *
 * @module
 */

import { createHash } from 'node:crypto';

import type { BlobLayout } from '../blobs/blob-store.js';
import { blobIdKey } from '../metadata/keys.js';
import { decodeLayout } from '../metadata/records.js';
import { createChecksum, DEFAULT_CHECKSUM_ALGORITHM } from '../s3/checksums.js';
import { S3Error } from '../s3/errors.js';
import type { ObjectChecksum } from '../s3/object-attributes.js';
import { newBlobId } from '../util/ids.js';
import { publishObject } from './object-actions.js';
import { findObjectRecord, requireBucketRecord, type StoreContext } from './context.js';
import { versionOf } from './object-version.js';
import { openVersion } from './open-object.js';
import { writeSidecar } from './sidecar.js';
import { isRefusal, stageObject } from './staged-object.js';
import type { CopyObject, ObjectVersion, OpenObject } from './store.js';

export async function copyObject(context: StoreContext, input: CopyObject): Promise<ObjectVersion> {
  requireUnchangedSource(context, input.source);
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
  const { source, bucket, key, attributes } = input;
  const bucketRecord = requireBucketRecord(context, bucket);
  const layout = requireLayout(context, sourceBlobId);
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
  const { source, bucket, key, attributes, conditions } = input;
  const algorithm =
    input.checksumAlgorithm ?? source.checksum?.algorithm ?? DEFAULT_CHECKSUM_ALGORITHM;
  const open = await openVersion(context, source);
  try {
    await using staged = stageObject(context, { bucket, key, sizeBytes: source.sizeBytes });
    const md5 = createHash('md5');
    const checksum = createChecksum(algorithm);
    for await (const borrowed of wholeOf(open)) {
      // Pieces are valid until the next pull, and the stage keeps what it is given.
      const piece = Uint8Array.from(borrowed);
      md5.update(piece);
      checksum.update(piece);
      await staged.write(piece);
    }
    const value = Buffer.from(checksum.digest()).toString('base64');
    return await staged.commit({
      attributes,
      etag: md5.digest('hex'),
      checksum: { algorithm, type: 'FULL_OBJECT', value },
      conditions,
    });
  } finally {
    open.close();
  }
}

async function* wholeOf(open: OpenObject): AsyncGenerator<Uint8Array> {
  const body = open.read({ startByte: 0, endByte: open.version.sizeBytes });
  if (body instanceof Uint8Array) yield body;
  else yield* body;
}

function requireUnchangedSource(context: StoreContext, source: ObjectVersion): void {
  const { id } = requireBucketRecord(context, source.bucket);
  if (findObjectRecord(context, id, source.key)?.sequence !== source.sequence) {
    throw new S3Error('OperationAborted', {}, { message: 'The copy source changed; retry' });
  }
}

function requireLayout(context: StoreContext, blobId: string): BlobLayout {
  const bytes = context.environment.get('layouts', blobIdKey(blobId));
  if (bytes === undefined) throw new S3Error('OperationAborted');
  return decodeLayout(bytes);
}
