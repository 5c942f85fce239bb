/**
 * UploadPart: one part of an upload from a streamed body.
 *
 * @see https://docs.aws.amazon.com/AmazonS3/latest/API/API_UploadPart.html
 * @module
 */

import { createChecksum, DEFAULT_CHECKSUM_ALGORITHM } from '../s3/checksums.js';
import { invalidRequest } from '../s3/errors.js';
import { quoteEtag } from '../s3/etag.js';
import { PART_SIZE_BYTES_MAX } from '../s3/limits.js';
import type { ChecksumAlgorithm, ObjectChecksum } from '../s3/object-attributes.js';
import { parsePartNumber } from '../s3/part-number.js';
import type { Upload } from '../store/store.js';
import { checksumHeaderName } from '../wire/checksum-headers.js';
import { queryValue } from '../wire/list-parameters.js';
import { refuseUnsupportedHeaders } from '../wire/unsupported-headers.js';
import type { Call, Reply } from './operation.js';
import { openPayload } from './payload.js';
import { uploadIdOf } from './upload-id.js';

/**
 * Streams the body into a staged part, proves its digests, then adds it to the upload.
 *
 * A part of the same number is replaced; of two that arrive together the later to finish stays.
 *
 * @throws {S3Error} BadDigest, EntityTooLarge, IncompleteBody, InvalidArgument, InvalidDigest,
 * InvalidRequest, MissingContentLength, NoSuchBucket, NoSuchUpload, NotImplemented.
 */
export async function uploadPart(call: Call): Promise<Reply> {
  const { bucket, key, limits } = call;
  refuseUnsupportedHeaders(call.headers, { isCopy: false });
  const partNumber = parsePartNumber(queryValue(call.query, 'partNumber'), limits.partsCountMax);
  const uploadId = uploadIdOf(call);
  const upload = call.store.headUpload(bucket, key, uploadId);
  const algorithm = upload.checksumAlgorithm ?? DEFAULT_CHECKSUM_ALGORITHM;
  const payload = openPayload(call, {
    sizeBytesMax: PART_SIZE_BYTES_MAX,
    checksumAlgorithm: algorithm,
  });
  const { requestedAlgorithm, sizeBytes } = payload;
  assertUploadAlgorithm(upload, requestedAlgorithm);

  // An upload without an algorithm ends with ours, whatever its parts were sent with.
  const isOther = requestedAlgorithm !== undefined && requestedAlgorithm !== algorithm;
  const own = isOther ? createChecksum(algorithm) : undefined;
  await using staged = await call.store.stagePart({ bucket, key, uploadId, partNumber, sizeBytes });
  for await (const piece of payload) {
    own?.update(piece);
    await staged.write(piece);
  }

  const { md5Hex, checksum } = await payload.verify();
  const value = own === undefined ? checksum.value : base64(own.digest());
  const part = await staged.commit({
    etag: md5Hex,
    checksum: { algorithm, type: 'FULL_OBJECT', value },
  });
  const isShown = requestedAlgorithm !== undefined || upload.checksumAlgorithm !== undefined;
  return {
    status: 200,
    headers: { etag: quoteEtag(part.etag), ...(isShown ? checksumHeader(checksum) : {}) },
  };
}

function assertUploadAlgorithm(upload: Upload, requested: ChecksumAlgorithm | undefined): void {
  const expected = upload.checksumAlgorithm;
  if (expected === undefined || requested === undefined || requested === expected) return;
  const message = `Checksum Type mismatch occurred, expected checksum Type: ${expected.toLowerCase()}, actual checksum Type: ${requested.toLowerCase()}`;
  throw invalidRequest(message);
}

// The type is a property of the finished object; parts answer with the value alone.
function checksumHeader({ algorithm, value }: ObjectChecksum): Readonly<Record<string, string>> {
  return { [checksumHeaderName(algorithm)]: value };
}

function base64(digest: Uint8Array): string {
  return Buffer.from(digest.buffer, digest.byteOffset, digest.byteLength).toString('base64');
}
