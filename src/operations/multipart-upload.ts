/**
 * CreateMultipartUpload, CompleteMultipartUpload and AbortMultipartUpload: how an upload in parts
 * begins and ends.
 *
 * @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html
 * @module
 */

import { writeConditions } from '../s3/conditions.js';
import { objectUrl } from '../wire/addressing.js';
import { completionChecksum, uploadChecksum } from '../wire/checksum-headers.js';
import {
  completeMultipartUploadDocument,
  parseCompleteMultipartUpload,
} from '../wire/documents/complete-multipart-upload.js';
import { initiateMultipartUploadDocument } from '../wire/documents/uploads.js';
import { objectAttributes } from '../wire/headers.js';
import { requestedTags, TAGGING } from '../wire/tagging-header.js';
import { refuseUnsupportedHeaders } from '../wire/unsupported-headers.js';
import { readLargeDocument } from './large-document.js';
import type { Call, Reply } from './operation.js';
import { uploadIdOf } from './upload-id.js';
import { xmlReply } from './xml-reply.js';

/**
 * Begins an upload. The headers say what the finished object will be.
 *
 * @throws {S3Error} BadRequest, InvalidArgument, InvalidRequest, InvalidStorageClass, InvalidTag,
 * MetadataTooLarge, NoSuchBucket, NotImplemented.
 */
export async function createMultipartUpload(call: Call): Promise<Reply> {
  refuseUnsupportedHeaders(call.headers, { isCopy: false, offered: [TAGGING] });
  const { algorithm, type } = uploadChecksum(call.headers);
  const attributes = objectAttributes(call.headers);
  const tags = requestedTags(call.headers);
  const upload = await call.store.createUpload({
    bucket: call.bucket,
    key: call.key,
    attributes,
    tags,
    checksumAlgorithm: algorithm,
    checksumType: type,
    account: call.authorizeBucket(call.bucket).account,
  });
  return {
    status: 200,
    headers: {
      'content-type': 'application/xml',
      // Who chose nothing is told nothing: the choice of the server shows at the end.
      'x-amz-checksum-algorithm': algorithm,
      'x-amz-checksum-type': algorithm === undefined ? undefined : type,
    },
    body: initiateMultipartUploadDocument(upload),
  };
}

/**
 * Publishes the listed parts as one object, in one transaction and without touching their bytes.
 *
 * A client that lost the answer may repeat the request: the same list gives the same answer.
 *
 * @throws {S3Error} BadDigest, ConditionalRequestConflict, EntityTooLarge, EntityTooSmall,
 * InvalidArgument, InvalidPart, InvalidPartOrder, InvalidRequest, MalformedXML, NoSuchBucket,
 * NoSuchKey, NoSuchUpload, NotImplemented, PreconditionFailed.
 */
export async function completeMultipartUpload(call: Call): Promise<Reply> {
  const { bucket, key, headers, limits } = call;
  refuseUnsupportedHeaders(headers, { isCopy: false });
  const conditions = writeConditions(headers);
  const expected = completionChecksum(headers);
  const parts = await readLargeDocument(call, parseCompleteMultipartUpload);

  const { etag, checksum, partsCount } = await call.store.completeUpload({
    bucket,
    key,
    uploadId: uploadIdOf(call),
    parts,
    conditions,
    expectedChecksum: expected.checksum,
    expectedChecksumType: expected.type,
    expectedSizeBytes: expected.sizeBytes,
    partSizeBytesMin: limits.partSizeBytesMin,
    objectSizeBytesMax: limits.objectSizeBytesMax,
  });
  return xmlReply(
    completeMultipartUploadDocument({
      location: objectUrl(call.origin, call),
      bucket,
      key,
      etag,
      checksum,
      partsCount: partsCount ?? parts.length,
    }),
  );
}

/** Forgets an upload and its parts, arriving ones too. @throws {S3Error} NoSuchBucket, NoSuchUpload. */
export async function abortMultipartUpload(call: Call): Promise<Reply> {
  refuseUnsupportedHeaders(call.headers, { isCopy: false });
  await call.store.abortUpload(call.bucket, call.key, uploadIdOf(call));
  return { status: 204 };
}
