/**
 * Where blobs lie: the one file that knows file names.
 *
 * ```text
 * {base}/{bucket}/{hh}/{key name}/{blob id}/data            exactly the payload
 * {base}/{bucket}/{hh}/{key name}/{blob id}/metadata.json   enough to make the record again
 * {base}/.s3ish/staging/{incarnation}/{blob id}             symlink: the blob is not committed yet
 *
 * key name = every byte outside [A-Za-z0-9._-] as %XX, and the first dot of a name of dots only;
 *            above 200 characters: the first 150, "%~", 40 hex digits of the key's SHA-256
 * hh       = first two hex digits of the key's SHA-256
 * ```
 *
 * `%~` never appears in an escaped name, so a cut name equals no other. Request data reaches the
 * file system only through these functions.
 *
 * @see docs/ON_DISK_FORMAT.md, "Blob directories"
 * @module
 */

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';

import type { BlobLocation } from './blob-store.js';

export const DATA_NAME = 'data';
export const SIDECAR_NAME = 'metadata.json';
const INTERNAL_NAME = '.s3ish';
const KEY_NAME_CHARACTERS_MAX = 200;
const KEY_NAME_CHARACTERS_KEPT = 150;

const BUCKET_PATTERN = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/;
const BLOB_ID_PATTERN = /^[0-9a-f]{32}$/;
const INCARNATION_PATTERN = /^[0-9a-z]{1,64}$/;

/** The directories that lead to a blob, outermost first. */
export interface BlobPaths {
  readonly bucket: string;
  readonly fanOut: string;
  readonly key: string;
  readonly blob: string;
}

export function blobPaths(basePath: string, location: BlobLocation): BlobPaths {
  assert(BLOB_ID_PATTERN.test(location.blobId), 'a blob id is 32 hex digits');
  const bucket = bucketPath(basePath, location.bucket);
  const hash = createHash('sha256').update(location.key, 'utf8').digest('hex');
  const fanOut = `${bucket}/${hash.slice(0, 2)}`;
  const key = `${fanOut}/${keyName(location.key, hash)}`;
  return { bucket, fanOut, key, blob: `${key}/${location.blobId}` };
}

function bucketPath(basePath: string, bucket: string): string {
  assert(
    BUCKET_PATTERN.test(bucket) && !bucket.includes('..'),
    'a bucket name is a safe file name',
  );
  return `${basePath}/${bucket}`;
}

export function stagingPath(basePath: string): string {
  return `${basePath}/${INTERNAL_NAME}/staging`;
}

export function incarnationPath(basePath: string, incarnation: string): string {
  assert(INCARNATION_PATTERN.test(incarnation), 'an incarnation is lower-case letters and digits');
  return `${stagingPath(basePath)}/${incarnation}`;
}

/** Whether a directory name inside the base may be a bucket. */
export function isBucketName(name: string): boolean {
  return BUCKET_PATTERN.test(name);
}

export function isBlobId(name: string): boolean {
  return BLOB_ID_PATTERN.test(name);
}

function keyName(key: string, hash: string): string {
  const escaped = escapeKey(key);
  if (escaped.length <= KEY_NAME_CHARACTERS_MAX) return escaped;
  return `${escaped.slice(0, KEY_NAME_CHARACTERS_KEPT)}%~${hash.slice(0, 40)}`;
}

function escapeKey(key: string): string {
  let escaped = '';
  for (const byte of Buffer.from(key, 'utf8')) {
    escaped += isPlain(byte)
      ? String.fromCharCode(byte)
      : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  }
  return /^\.+$/.test(escaped) ? `%2E${escaped.slice(1)}` : escaped;
}

function isPlain(byte: number): boolean {
  return (
    (byte >= 0x61 && byte <= 0x7a) ||
    (byte >= 0x41 && byte <= 0x5a) ||
    (byte >= 0x30 && byte <= 0x39) ||
    byte === 0x2e ||
    byte === 0x5f ||
    byte === 0x2d
  );
}
