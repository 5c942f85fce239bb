/**
 * Which bucket and key a request line names.
 *
 * The path is decoded before it is split: `%2F` and `/` have one canonical form in a signature, so
 * they must name one resource. Nothing is normalised; whether the names are legal is decided by
 * `s3/names.ts` when the resource is used.
 *
 * @module
 */

import { S3Error } from '../s3/errors.js';
import { decodeUriComponentStrict } from './uri.js';

/** The target of a request. Both are empty for the service, `key` alone for a bucket. */
export interface ResourceAddress {
  readonly bucket: string;
  /** Decoded; may start with `/` or hold any other character but NUL. */
  readonly key: string;
}

const SERVICE: ResourceAddress = { bucket: '', key: '' };

/**
 * Splits a path-style request path.
 *
 * @param rawPath - byte for byte as sent, starting with `/`.
 * @throws {S3Error} InvalidBucketName when a key follows an empty bucket, InvalidURI.
 */
export function parsePath(rawPath: string): ResourceAddress {
  if (rawPath === '/') return SERVICE;
  const path = decodeUriComponentStrict(rawPath);
  if (!path.startsWith('/')) throw new S3Error('InvalidURI', { URI: rawPath });
  const slash = path.indexOf('/', 1);
  if (slash === -1) return { bucket: path.slice(1), key: '' };
  // Without this, `//key` would be taken for a request to the service.
  if (slash === 1) throw new S3Error('InvalidBucketName', { BucketName: '' });
  return { bucket: path.slice(1, slash), key: path.slice(slash + 1) };
}
