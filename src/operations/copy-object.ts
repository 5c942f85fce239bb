/**
 * CopyObject and UploadPartCopy: make an object or a part from a stored object without moving its
 * bytes through the client.
 *
 * @see https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html
 * @see https://docs.aws.amazon.com/AmazonS3/latest/API/API_UploadPartCopy.html
 * @module
 */

import { DEFAULT_CHECKSUM_ALGORITHM } from '../s3/checksums.js';
import { evaluateSourceConditions, sourceConditions, writeConditions } from '../s3/conditions.js';
import { invalidRequest } from '../s3/errors.js';
import { COPY_SIZE_BYTES_MAX } from '../s3/limits.js';
import type { ObjectAttributes } from '../s3/object-attributes.js';
import { assertExpectedOwner } from '../s3/owner.js';
import { parsePartNumber } from '../s3/part-number.js';
import { parseCopySourceRange, type ByteRange } from '../s3/range.js';
import { assertReadable } from '../s3/storage-class.js';
import type { ObjectVersion } from '../store/store.js';
import { copyChecksumAlgorithm } from '../wire/checksum-headers.js';
import {
  metadataDirective,
  parseCopySource,
  taggingDirective,
  type Directive,
} from '../wire/copy-headers.js';
import { copyObjectDocument, copyPartDocument } from '../wire/documents/copy-result.js';
import { objectAttributes, type Headers } from '../wire/headers.js';
import { queryValue } from '../wire/list-parameters.js';
import { requestedTags, TAGGING } from '../wire/tagging-header.js';
import { refuseUnsupportedHeaders } from '../wire/unsupported-headers.js';
import type { Call, Reply } from './operation.js';
import { uploadIdOf } from './upload-id.js';
import { xmlReply } from './xml-reply.js';

const COPY_SOURCE = 'x-amz-copy-source';
/** What a copy never takes from its source: the request alone decides it. */
const OWN_HEADERS = ['x-amz-storage-class', 'x-amz-website-redirect-location'] as const;

/**
 * Copies the source as it is when the request arrives, and publishes the copy in one transaction.
 *
 * @throws {S3Error} AccessDenied, BadRequest, InvalidArgument, InvalidObjectState, InvalidRequest,
 * InvalidTag, KeyTooLongError, MetadataTooLarge, NoSuchBucket, NoSuchKey, NoSuchVersion, NotImplemented,
 * PreconditionFailed.
 */
export async function copyObject(call: Call): Promise<Reply> {
  const { headers, bucket, key } = call;
  refuseUnsupportedHeaders(headers, { isCopy: true, offered: [TAGGING] });
  const directive = metadataDirective(headers);
  const requestTags = taggingDirective(headers) === 'REPLACE' ? requestedTags(headers) : undefined;
  const checksumAlgorithm = copyChecksumAlgorithm(headers);
  const conditions = writeConditions(headers);
  const requested = objectAttributes(directive === 'REPLACE' ? headers : ownHeaders(headers));

  const source = findSource(call);
  const sourceWishes = sourceConditions(headers, COPY_SOURCE);
  evaluateSourceConditions(sourceWishes, source, call.nowMs, COPY_SOURCE);
  assertCopyable(source);
  assertSomethingChanges(call, source, directive);

  const attributes = directive === 'REPLACE' ? requested : keptAttributes(source, requested);
  const tags = requestTags ?? source.tags;
  const copy = { source, bucket, key, attributes, tags, checksumAlgorithm, conditions };
  return xmlReply(copyObjectDocument(await call.store.copyObject(copy)));
}

/**
 * Copies a range of the source, or all of it, as it is when the request arrives, into a part.
 *
 * @throws {S3Error} AccessDenied, InvalidArgument, InvalidObjectState, InvalidRequest,
 * KeyTooLongError, NoSuchBucket, NoSuchKey, NoSuchUpload, NoSuchVersion, NotImplemented,
 * PreconditionFailed.
 */
export async function uploadPartCopy(call: Call): Promise<Reply> {
  const { headers, bucket, key, limits } = call;
  refuseUnsupportedHeaders(headers, { isCopy: true });
  const partNumber = parsePartNumber(queryValue(call.query, 'partNumber'), limits.partsCountMax);
  const uploadId = uploadIdOf(call);
  const upload = call.store.headUpload(bucket, key, uploadId);

  const source = findSource(call);
  const sourceWishes = sourceConditions(headers, COPY_SOURCE);
  evaluateSourceConditions(sourceWishes, source, call.nowMs, COPY_SOURCE);
  assertReadable(source.attributes.storageClass);
  const range = copiedRange(headers.get('x-amz-copy-source-range'), source.sizeBytes);

  const part = await call.store.copyPart({
    ...{ source, range, bucket, key, uploadId, partNumber },
    checksumAlgorithm: upload.checksumAlgorithm ?? DEFAULT_CHECKSUM_ALGORITHM,
  });
  // Parts of an upload without an algorithm have a checksum for our own use only.
  const checksum = upload.checksumAlgorithm === undefined ? undefined : part.checksum;
  return xmlReply(copyPartDocument({ ...part, checksum }));
}

function copiedRange(header: string | undefined, sizeBytes: number): ByteRange {
  const range = parseCopySourceRange(header, sizeBytes) ?? { startByte: 0, endByte: sizeBytes };
  assertCopySize(range.endByte - range.startByte);
  return range;
}

/** The source's record. Nothing about it shows to a caller who may not read its bucket. */
function findSource(call: Call): ObjectVersion {
  const { bucket, key, versionId } = parseCopySource(call.headers.get(COPY_SOURCE) ?? '');
  const { account } = call.authorizeBucket(bucket);
  assertExpectedOwner(call.headers.get('x-amz-source-expected-bucket-owner'), account);
  return call.store.headObject(bucket, key, versionId);
}

function assertCopyable({ attributes, sizeBytes }: ObjectVersion): void {
  assertReadable(attributes.storageClass);
  assertCopySize(sizeBytes);
}

function assertCopySize(sizeBytes: number): void {
  if (sizeBytes <= COPY_SIZE_BYTES_MAX) return;
  throw invalidRequest(
    `The specified copy source is larger than the maximum allowable size for a copy source: ${COPY_SIZE_BYTES_MAX}`,
  );
}

// Naming a header is change enough, also when its value is what the object has: so does AWS.
function assertSomethingChanges(call: Call, source: ObjectVersion, directive: Directive): void {
  const isItself = source.bucket === call.bucket && source.key === call.key;
  if (!isItself || directive === 'REPLACE') return;
  if (OWN_HEADERS.some((name) => call.headers.has(name))) return;
  throw invalidRequest(
    "This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata, storage class, website redirect location or encryption attributes.",
  );
}

function ownHeaders(headers: Headers): Headers {
  const own = new Map<string, string>();
  for (const name of OWN_HEADERS) {
    const value = headers.get(name);
    if (value !== undefined) own.set(name, value);
  }
  return own;
}

function keptAttributes(source: ObjectVersion, requested: ObjectAttributes): ObjectAttributes {
  const {
    storageClass: _storageClass,
    websiteRedirectLocation: _websiteRedirectLocation,
    ...kept
  } = source.attributes;
  return { ...requested, ...kept };
}
