/**
 * The headers of RenameObject: what is renamed, under which conditions, and the client's token.
 *
 * @see https://docs.aws.amazon.com/AmazonS3/latest/API/API_RenameObject.html
 * @module
 */

import { createHash } from 'node:crypto';

import { S3Error } from '../s3/errors.js';
import { assertKey } from '../s3/names.js';
import type { Headers } from './headers.js';
import { decodeUriComponentStrict } from './uri.js';

const SOURCE = 'x-amz-rename-source';
const TOKEN = 'x-amz-client-token';
// Printable ASCII without the space.
const TOKEN_PATTERN = /^[!-~]{1,64}$/;
const PARAMETERS = [
  ...['if-match', 'if-none-match', 'if-modified-since', 'if-unmodified-since'],
  ...[`${SOURCE}-if-match`, `${SOURCE}-if-none-match`],
  ...[`${SOURCE}-if-modified-since`, `${SOURCE}-if-unmodified-since`],
];

/** Headers that RenameObject reads and other operations refuse. */
export const RENAME_HEADERS: readonly string[] = [
  ...[SOURCE, TOKEN],
  ...PARAMETERS.filter((name) => name.startsWith(SOURCE)),
];

/**
 * Reads `x-amz-rename-source`: `[/][bucket/]key`, percent-encoded once; a `+` is a plus. AWS
 * documents the form with the bucket and uses the one without, so both are read. The bucket can
 * only be that of the request: any other first segment belongs to the key.
 *
 * @throws {S3Error} InvalidArgument, KeyTooLongError.
 */
export function parseRenameSource(headers: Headers, bucket: string): string {
  const header = headers.get(SOURCE) ?? '';
  const path = decoded(header);
  const withoutSlash = path.startsWith('/') ? path.slice(1) : path;
  const ownBucket = `${bucket}/`;
  const key = withoutSlash.startsWith(ownBucket)
    ? withoutSlash.slice(ownBucket.length)
    : withoutSlash;
  if (key === '') throw invalidSource(header);
  try {
    assertKey(key);
  } catch (cause) {
    // What is a bad URI in the request line is a bad argument here; a long key stays one.
    if (cause instanceof S3Error && cause.code === 'InvalidURI') throw invalidSource(header, cause);
    throw cause;
  }
  return key;
}

/**
 * The client's token and a digest of what it stands for; undefined when there is none.
 *
 * @throws {S3Error} InvalidArgument.
 */
export function renameMemory(
  headers: Headers,
  sourceKey: string,
): { readonly token: string; readonly parameters: string } | undefined {
  const token = headers.get(TOKEN);
  if (token === undefined) return undefined;
  if (!TOKEN_PATTERN.test(token)) {
    const details = { ArgumentName: TOKEN, ArgumentValue: token };
    throw new S3Error('InvalidArgument', details, { message: 'Invalid client token' });
  }
  const asked = [sourceKey, ...PARAMETERS.map((name) => headers.get(name) ?? null)];
  return { token, parameters: createHash('sha256').update(JSON.stringify(asked)).digest('hex') };
}

function decoded(header: string): string {
  try {
    return decodeUriComponentStrict(header);
  } catch (cause) {
    throw invalidSource(header, cause);
  }
}

function invalidSource(header: string, cause?: unknown): S3Error {
  return new S3Error(
    'InvalidArgument',
    { ArgumentName: SOURCE, ArgumentValue: header },
    { message: 'Invalid rename source object key', cause },
  );
}
