/**
 * What a caller may do: an account owns the buckets it creates, and nobody else may touch them.
 *
 * @module
 */

import { S3Error } from '../s3/errors.js';
import type { Bucket } from '../store/store.js';
import type { Principal } from './principal.js';

/**
 * Lets the owner of a bucket pass.
 *
 * @param options.isRegionShown - the refusal says where the bucket is, as AWS does to HeadBucket:
 * clients ask it for nothing else.
 * @throws {S3Error} AccessDenied for other accounts and anonymous callers.
 */
export function authorizeBucket(
  principal: Principal,
  bucket: Bucket,
  options: { readonly isRegionShown?: boolean } = {},
): void {
  if (principal.kind === 'user' && principal.account === bucket.account) return;
  const headers = options.isRegionShown === true ? { 'x-amz-bucket-region': bucket.region } : {};
  throw new S3Error('AccessDenied', {}, { headers });
}

/**
 * Lets anybody with an account pass: for creating and listing one's own buckets.
 *
 * @returns the account.
 * @throws {S3Error} AccessDenied for anonymous callers.
 */
export function authorizeAccount(principal: Principal): string {
  if (principal.kind === 'user') return principal.account;
  throw new S3Error('AccessDenied');
}
