/**
 * RenameObject: give an object another key in its bucket, at once and without moving its bytes.
 *
 * @see https://docs.aws.amazon.com/AmazonS3/latest/API/API_RenameObject.html
 * @module
 */

import { renameConditions, sourceConditions } from '../s3/conditions.js';
import { invalidRequest } from '../s3/errors.js';
import { parseRenameSource, RENAME_HEADERS, renameMemory } from '../wire/rename-headers.js';
import { refuseUnsupportedHeaders } from '../wire/unsupported-headers.js';
import type { Call, Reply } from './operation.js';

/**
 * Moves the source's record to the new key in one transaction, which decides the conditions on both;
 * what the new key held before is replaced. A repetition with the same client token finds its work
 * done.
 *
 * Reading and deleting the source needs no check of its own: it lies in the bucket of the request,
 * and whoever may write to a bucket may do everything there.
 *
 * @throws {S3Error} IdempotencyParameterMismatch, InvalidArgument, InvalidRequest, KeyTooLongError,
 * NoSuchBucket, NoSuchKey, NotImplemented, OperationAborted, PreconditionFailed.
 */
export async function renameObject(call: Call): Promise<Reply> {
  const { headers, bucket, key } = call;
  refuseUnsupportedHeaders(headers, { isCopy: false, offered: RENAME_HEADERS });
  const sourceKey = parseRenameSource(headers, bucket);
  const memory = renameMemory(headers, sourceKey);
  const conditions = renameConditions(headers);
  if (sourceKey.endsWith('/') || key.endsWith('/')) {
    throw invalidRequest('Objects whose key ends with a slash (/) cannot be renamed');
  }
  if (sourceKey === key) {
    throw invalidRequest('The source and the destination of a rename must be different keys');
  }
  await call.store.renameObject({
    ...{ bucket, sourceKey, key, conditions, memory },
    sourceConditions: sourceConditions(headers, 'x-amz-rename-source'),
  });
  return { status: 200 };
}
