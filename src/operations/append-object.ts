/**
 * PutObject with `x-amz-write-offset-bytes`: put the body behind the bytes of an object.
 *
 * @see https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html
 * @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/directory-buckets-objects-append.html
 * @module
 */

import { appendAlgorithm, invalidWriteOffset } from '../s3/append.js';
import { writeConditions } from '../s3/conditions.js';
import { invalidRequest, S3Error } from '../s3/errors.js';
import { quoteEtag } from '../s3/etag.js';
import { PUT_SIZE_BYTES_MAX } from '../s3/limits.js';
import { checksumHeaders } from '../wire/checksum-headers.js';
import { objectAttributes } from '../wire/headers.js';
import { requestedTags, TAGGING } from '../wire/tagging-header.js';
import { refuseUnsupportedHeaders } from '../wire/unsupported-headers.js';
import type { Call, Reply } from './operation.js';
import { openPayload } from './payload.js';

const OFFSET = 'x-amz-write-offset-bytes';

/**
 * Streams the body into a stage as PutObject does; the commit holds only if the object is still the
 * one that was there when the request arrived. Of two appends at one offset one wins.
 *
 * @throws {S3Error} BadDigest, EntityTooLarge, InvalidArgument, InvalidRequest, InvalidWriteOffset,
 * NoSuchBucket, NoSuchKey, NotImplemented, OperationAborted, PreconditionFailed, TooManyParts.
 */
export async function appendObject(call: Call): Promise<Reply> {
  const { headers, bucket, key, limits } = call;
  refuseUnsupportedHeaders(headers, { isCopy: false, offered: [OFFSET, TAGGING] });
  const offsetBytes = writeOffset(headers.get(OFFSET) ?? '');
  const attributes = objectAttributes(headers);
  const tags = requestedTags(headers);
  const conditions = writeConditions(headers);

  const base = call.store.findObject(bucket, key);
  if ((base?.sizeBytes ?? 0) !== offsetBytes) {
    throw invalidWriteOffset(offsetBytes, base?.sizeBytes ?? 0);
  }
  if (base !== undefined && Object.keys(attributes.userMetadata).length > 0) {
    throw invalidRequest(
      'Cannot specify both a write offset value and user-defined object metadata for existing objects.',
    );
  }
  if (base !== undefined && tags.length > 0) {
    throw invalidRequest('Cannot specify both a write offset value and tags for existing objects.');
  }
  const payload = openPayload(call, {
    sizeBytesMax: Math.min(PUT_SIZE_BYTES_MAX, limits.objectSizeBytesMax - offsetBytes),
    checksumAlgorithm: base?.checksum?.algorithm,
  });
  appendAlgorithm(base, payload.requestedAlgorithm);
  if (payload.sizeBytes === 0) {
    throw invalidRequest("Request body cannot be empty when 'write offset' is specified.");
  }

  await using staged = await call.store.stageAppend({
    ...{ bucket, key, base, offsetBytes, sizeBytes: payload.sizeBytes },
    partsCountMax: limits.partsCountMax,
  });
  for await (const piece of payload) await staged.write(piece);

  // Digests are known only after the last byte, and nothing may be committed before they match.
  const { md5Hex, checksum } = await payload.verify();
  const object = await staged.commit({ attributes, tags, etag: md5Hex, checksum, conditions });
  return {
    status: 200,
    headers: {
      etag: quoteEtag(object.etag),
      'x-amz-object-size': object.sizeBytes,
      ...checksumHeaders(object.checksum),
    },
  };
}

function writeOffset(header: string): number {
  if (/^\d{1,15}$/.test(header)) return Number(header);
  const details = { ArgumentName: OFFSET, ArgumentValue: header };
  const message = 'The write offset must be a whole number that is not negative';
  throw new S3Error('InvalidArgument', details, { message });
}
