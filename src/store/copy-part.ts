/**
 * Making a part from stored bytes: by hard link where the part is one whole blob, else by
 * rewriting.
 *
 * @module
 */

import { createChecksum } from '../s3/checksums.js';
import type { ObjectChecksum } from '../s3/object-attributes.js';
import { newBlobId } from '../util/ids.js';
import type { StoreContext } from './context.js';
import { copyBytes, piecesOf, requireSourceLayout, requireUnchangedSource } from './copy-source.js';
import { openVersion } from './open-object.js';
import { writeSidecar } from './sidecar.js';
import { isRefusal } from './staged-object.js';
import type { CopyPart, UploadPart } from './store.js';
import { requireUploadRecord } from './upload-record.js';
import { addPart, stagePart } from './uploads.js';

export async function copyPart(context: StoreContext, input: CopyPart): Promise<UploadPart> {
  const { source, bucket, key, uploadId } = input;
  requireUploadRecord(context, bucket, key, uploadId);
  requireUnchangedSource(context, source);
  const endOpen = context.holds.beginOpen(context.environment.lastSequence());
  try {
    if (isWhole(input)) {
      const linked = await linkPart(context, input);
      if (linked !== undefined) return linked;
      // Time has passed: the source may be gone by now, and its payload is looked up again.
      requireUnchangedSource(context, source);
    }
    return await rewritePart(context, input);
  } finally {
    endOpen();
  }
}

function isWhole({ source, range }: CopyPart): boolean {
  return range.startByte === 0 && range.endByte === source.sizeBytes;
}

/** @returns undefined when the source is not one blob, or the file system refuses the link. */
async function linkPart(context: StoreContext, input: CopyPart): Promise<UploadPart | undefined> {
  const { source, bucket, key, uploadId, partNumber } = input;
  const { placement, etag } = source;
  // Objects of one blob came in one piece, so their ETag is the MD5 that a part has.
  if (placement.kind !== 'plain' || source.partsCount !== undefined) return undefined;

  const layout = requireSourceLayout(context, placement.blobId);
  const checksum = await checksumOfWhole(context, input);
  const lastModifiedMs = context.nowMs();
  const blobId = newBlobId(lastModifiedMs);
  const part = { ...{ bucket, key, blobId, uploadId, partNumber }, lastModifiedMs, checksum };
  const staged = await context.blobs.link(
    { bucket: source.bucket, key: source.key, blobId: placement.blobId },
    { bucket, key, blobId },
    writeSidecar({ kind: 'part', ...part, md5: etag }, layout),
  );
  if (staged === undefined) return undefined;
  try {
    const made = { blobId, etag, checksum, lastModifiedMs };
    const added = await addPart(context, input, made, layout);
    await staged.keep();
    return added;
  } catch (error) {
    // After any other failure the commit may have happened: the sweeper decides by the index.
    if (isRefusal(error)) await staged[Symbol.asyncDispose]();
    throw error;
  }
}

/** The source's own checksum, or the bytes read once more: still cheaper than writing them. */
async function checksumOfWhole(
  context: StoreContext,
  { source, range, checksumAlgorithm: algorithm }: CopyPart,
): Promise<ObjectChecksum> {
  if (source.checksum?.algorithm === algorithm) return source.checksum;
  const open = await openVersion(context, source);
  try {
    const checksum = createChecksum(algorithm);
    for await (const piece of piecesOf(open, range)) checksum.update(piece);
    const value = Buffer.from(checksum.digest()).toString('base64');
    return { algorithm, type: 'FULL_OBJECT', value };
  } finally {
    open.close();
  }
}

/** Reads, verifies and stages the bytes anew: ranges, small and multipart sources. */
async function rewritePart(context: StoreContext, input: CopyPart): Promise<UploadPart> {
  const { source, range, bucket, key, uploadId, partNumber, checksumAlgorithm } = input;
  const sizeBytes = range.endByte - range.startByte;
  const open = await openVersion(context, source);
  try {
    await using staged = stagePart(context, { bucket, key, uploadId, partNumber, sizeBytes });
    return await staged.commit(await copyBytes(open, range, checksumAlgorithm, staged));
  } finally {
    open.close();
  }
}
