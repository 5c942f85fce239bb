/**
 * User metadata: the `x-amz-meta-*` headers in both directions.
 *
 * @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingMetadata.html#UserMetadata
 * @module
 */

import { S3Error } from '../s3/errors.js';
import { USER_METADATA_BYTES_MAX } from '../s3/limits.js';
import { decodeRfc2047, encodeRfc2047 } from './rfc2047.js';

const META_PREFIX = 'x-amz-meta-';
// A header has such a name by nature; a query parameter of a presigned URL may have any.
const TOKEN = /^[!#$%&'*+.^_`|~0-9a-z-]*$/;
// The decoder of the transport puts U+FFFD where bytes were not UTF-8.
const REPLACEMENT_CHARACTER = '\ufffd';

const NO_METADATA: Readonly<Record<string, string>> = Object.freeze({});

/**
 * The user metadata of a request: names lower-case without the prefix, values decoded.
 *
 * @throws {S3Error} InvalidArgument, MetadataTooLarge.
 */
export function userMetadata(
  headers: ReadonlyMap<string, string>,
): Readonly<Record<string, string>> {
  let entries: [string, string][] | undefined;
  for (const [header, value] of headers) {
    if (!header.startsWith(META_PREFIX)) continue;
    entries ??= [];
    entries.push([header.slice(META_PREFIX.length), metadataValue(header, value)]);
  }
  if (entries === undefined) return NO_METADATA;
  assertMetadataBytes(entries);
  // fromEntries makes own properties of names such as `__proto__`; assignment would not.
  return Object.fromEntries(entries);
}

/** Adds the response headers of user metadata to `headers`. */
export function addMetadataHeaders(
  headers: Record<string, string | undefined>,
  metadata: Readonly<Record<string, string>>,
): void {
  for (const name in metadata) headers[META_PREFIX + name] = encodeRfc2047(metadata[name] ?? '');
}

function metadataValue(header: string, value: string): string {
  if (value.includes(REPLACEMENT_CHARACTER) || !TOKEN.test(header)) {
    throw new S3Error(
      'InvalidArgument',
      { ArgumentName: header, ArgumentValue: value },
      { message: 'User metadata must have header names and UTF-8 values' },
    );
  }
  return decodeRfc2047(value);
}

function assertMetadataBytes(entries: readonly (readonly [string, string])[]): void {
  let metadataBytes = 0;
  for (const [name, value] of entries) {
    metadataBytes += Buffer.byteLength(name) + Buffer.byteLength(value);
  }
  if (metadataBytes <= USER_METADATA_BYTES_MAX) return;
  throw new S3Error('MetadataTooLarge', {
    Size: metadataBytes,
    MaxSizeAllowed: USER_METADATA_BYTES_MAX,
  });
}
