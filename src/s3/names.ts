/**
 * What buckets and objects may be called.
 *
 * Keys are any text of 1 to 1,024 UTF-8 bytes and are never normalised: `a//b`, `a/./b` and `a/b`
 * are three objects. Refused are only NUL, and keys that read as a path climb above their bucket,
 * which AWS's front end refuses too.
 *
 * @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
 * @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html
 * @module
 */

import { S3Error } from './errors.js';
import { KEY_BYTES_MAX } from './limits.js';

const BUCKET_NAME = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/;
// Dots next to dots or hyphens cannot be labels of a host name.
const BUCKET_NAME_BAD_PAIR = /\.\.|\.-|-\./;
const IPV4_FORM = /^\d+\.\d+\.\d+\.\d+$/;

// Reserved by AWS for access points, directory and table buckets, and documentation.
const RESERVED_PREFIXES = ['xn--', 'sthree-', 'amzn-s3-demo-'] as const;
const RESERVED_SUFFIXES = ['-s3alias', '--ol-s3', '.mrap', '--x-s3', '--table-s3'] as const;

/** Says whether a new bucket may have this name. */
export function isBucketName(name: string): boolean {
  return (
    BUCKET_NAME.test(name) &&
    !BUCKET_NAME_BAD_PAIR.test(name) &&
    !IPV4_FORM.test(name) &&
    !RESERVED_PREFIXES.some((prefix) => name.startsWith(prefix)) &&
    !RESERVED_SUFFIXES.some((suffix) => name.endsWith(suffix))
  );
}

/**
 * Checks the name of a bucket.
 *
 * @throws {S3Error} InvalidBucketName.
 */
export function assertBucketName(name: string): void {
  if (!isBucketName(name)) throw new S3Error('InvalidBucketName', { BucketName: name });
}

/**
 * Checks a decoded key.
 *
 * @throws {S3Error} InvalidURI, KeyTooLongError.
 */
export function assertKey(key: string): void {
  // No character takes more than three bytes per UTF-16 unit: short keys need no counting.
  if (key.length * 3 > KEY_BYTES_MAX) assertKeyBytes(key);
  if (key === '' || key.includes('\0') || climbsAboveRoot(key)) throw new S3Error('InvalidURI');
}

/** Says whether `..` segments lead above the bucket when the key is read as a path. */
export function climbsAboveRoot(key: string): boolean {
  if (!key.includes('..')) return false;
  let depth = 0;
  for (const segment of key.split('/')) {
    if (segment === '..') depth -= 1;
    else if (segment !== '' && segment !== '.') depth += 1;
    if (depth < 0) return true;
  }
  return false;
}

function assertKeyBytes(key: string): void {
  const keyBytes = Buffer.byteLength(key);
  if (keyBytes <= KEY_BYTES_MAX) return;
  throw new S3Error('KeyTooLongError', { Size: keyBytes, MaxSizeAllowed: KEY_BYTES_MAX });
}
