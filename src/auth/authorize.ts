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
 * @throws {S3Error} AccessDenied for other accounts and anonymous callers.
 */
export function authorizeBucket(principal: Principal, bucket: Bucket): void {
  if (principal.kind === 'user' && principal.account === bucket.account) return;
  throw new S3Error('AccessDenied');
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
