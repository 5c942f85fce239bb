/**
 * How an account appears on the wire: as an owner id in documents and as a twelve-digit number
 * where S3 expects an AWS account id.
 *
 * Both are derived from the account's name, so they are stable without being stored.
 *
 * @module
 */

import { createHash } from 'node:crypto';

import { S3Error } from './errors.js';

// Part of every stored expectation of clients: changing it changes all owner ids.
const OWNER_ID_PREFIX = 's3ish-owner\n';
const ACCOUNTS_CACHED_MAX = 1024;
const ACCOUNT_ID = /^\d{12}$/;

const ownerIds = new Map<string, string>();

/** The owner id of an account: 64 hex characters, always the same for the same account. */
export function ownerIdOf(account: string): string {
  const known = ownerIds.get(account);
  if (known !== undefined) return known;
  const ownerId = createHash('sha256').update(OWNER_ID_PREFIX).update(account).digest('hex');
  // Accounts come from the credentials file, so the bound is a guard, not a working limit.
  if (ownerIds.size >= ACCOUNTS_CACHED_MAX) ownerIds.clear();
  ownerIds.set(account, ownerId);
  return ownerId;
}

/** The twelve digits of an account: its name if that is twelve digits, else made from its owner id. */
export function accountIdOf(account: string): string {
  if (ACCOUNT_ID.test(account)) return account;
  const number = BigInt(`0x${ownerIdOf(account).slice(0, 16)}`) % 1_000_000_000_000n;
  return number.toString().padStart(12, '0');
}

/**
 * Checks a bucket's owner against what the caller expects of it.
 *
 * @param expected - value of `x-amz-expected-bucket-owner`, or of the header for a copy's source.
 * @param account - account that owns the bucket.
 * @throws {S3Error} AccessDenied, InvalidBucketOwnerAWSAccountID.
 */
export function assertExpectedOwner(expected: string | undefined, account: string): void {
  if (expected === undefined) return;
  if (!ACCOUNT_ID.test(expected)) {
    throw new S3Error(
      'InvalidBucketOwnerAWSAccountID',
      {},
      { message: 'The value of the expected bucket owner parameter must be an AWS Account ID' },
    );
  }
  if (expected !== accountIdOf(account)) throw new S3Error('AccessDenied');
}
