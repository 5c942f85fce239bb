/**
 * May the caller do this: the account of the bucket, and the owner that the request expects.
 *
 * @module
 */

import { authorizeBucket } from '../auth/authorize.js';
import type { Principal } from '../auth/principal.js';
import { S3Error } from '../s3/errors.js';
import { assertExpectedOwner } from '../s3/owner.js';
import type { Bucket, Store } from '../store/store.js';

/** @throws {S3Error} AccessDenied, InvalidBucketOwnerAWSAccountID, NoSuchBucket. */
export function authorizeCall(
  store: Store,
  operation: string,
  principal: Principal,
  bucket: string,
  headers: ReadonlyMap<string, string>,
): void {
  if (principal.kind === 'anonymous') throw new S3Error('AccessDenied');
  if (bucket === '' || operation === 'CreateBucket') return;
  const found = requireOwnBucket(store, principal, bucket, operation);
  assertExpectedOwner(headers.get('x-amz-expected-bucket-owner'), found.account);
}

/** @throws {S3Error} AccessDenied, NoSuchBucket. */
export function requireOwnBucket(
  store: Store,
  principal: Principal,
  bucket: string,
  operation?: string,
): Bucket {
  const found = store.findBucket(bucket);
  if (found === undefined) throw new S3Error('NoSuchBucket', { BucketName: bucket });
  authorizeBucket(principal, found, { isRegionShown: operation === 'HeadBucket' });
  return found;
}
