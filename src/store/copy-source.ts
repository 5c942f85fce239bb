/**
 * What copies of objects and of parts share: a source that must still be what it was, and bytes
 * that are verified, digested and staged anew.
 *
 * @module
 */

import { createHash } from 'node:crypto';

import type { BlobLayout } from '../blobs/blob-store.js';
import { blobIdKey } from '../metadata/keys.js';
import { decodeLayout } from '../metadata/payload-records.js';
import { createChecksum } from '../s3/checksums.js';
import { S3Error } from '../s3/errors.js';
import type { ChecksumAlgorithm, ObjectChecksum } from '../s3/object-attributes.js';
import { findObjectRecord, requireBucketRecord, type StoreContext } from './context.js';
import { isSamePayload } from './object-version.js';
import type { ByteRange, ObjectVersion, OpenObject } from './store.js';

/** Digests of copied bytes. */
export interface CopiedBytes {
  readonly etag: string;
  readonly checksum: ObjectChecksum;
}

/**
 * Checks that the key still holds this version, in this place: new tags move its payload.
 *
 * @throws {S3Error} NoSuchBucket; OperationAborted.
 */
export function requireUnchangedSource(context: StoreContext, source: ObjectVersion): void {
  const { id } = requireBucketRecord(context, source.bucket);
  const record = findObjectRecord(context, id, source.key);
  if (record === undefined || !isSamePayload(record, source)) {
    throw new S3Error('OperationAborted', {}, { message: 'The copy source changed; retry' });
  }
}

/** @throws {S3Error} OperationAborted. */
export function requireSourceLayout(context: StoreContext, blobId: string): BlobLayout {
  const bytes = context.environment.get('layouts', blobIdKey(blobId));
  if (bytes === undefined) throw new S3Error('OperationAborted');
  return decodeLayout(bytes);
}

/** Reads a range, verified, into a stage. */
export async function copyBytes(
  open: OpenObject,
  range: ByteRange,
  algorithm: ChecksumAlgorithm,
  staged: { write(piece: Uint8Array): Promise<void> },
): Promise<CopiedBytes> {
  const md5 = createHash('md5');
  const checksum = createChecksum(algorithm);
  for await (const piece of piecesOf(open, range)) {
    md5.update(piece);
    checksum.update(piece);
    await staged.write(piece);
  }
  const value = Buffer.from(checksum.digest()).toString('base64');
  return { etag: md5.digest('hex'), checksum: { algorithm, type: 'FULL_OBJECT', value } };
}

/** Verified bytes of a range; each piece is valid until the next pull. */
export async function* piecesOf(open: OpenObject, range: ByteRange): AsyncGenerator<Uint8Array> {
  const body = open.read(range, true);
  if (body instanceof Uint8Array) yield body;
  else yield* body;
}
