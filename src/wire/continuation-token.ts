/**
 * Continuation tokens: where the next page of a listing starts, opaque to clients.
 *
 * ```text
 * token := base64url( version:u8 = 1 ++ kind:u8 ++ name as UTF-8 )
 * kind  := 0, the page ended with a key (or bucket) | 1, with a common prefix
 * ```
 *
 * A token names a position, not a stored entry: it stays good when the entry is deleted.
 *
 * @module
 */

import { S3Error } from '../s3/errors.js';

/** The last entry of a page. */
export interface ListPosition {
  readonly name: string;
  readonly isCommonPrefix: boolean;
}

const FORMAT_VERSION = 1;
const HEAD_BYTES = 2;
const TOKEN = /^[\w-]+$/;
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Makes the token for the page after `position`. */
export function encodeContinuationToken(position: ListPosition): string {
  const head = Buffer.from([FORMAT_VERSION, position.isCommonPrefix ? 1 : 0]);
  return Buffer.concat([head, Buffer.from(position.name, 'utf8')]).toString('base64url');
}

/**
 * Reads a token.
 *
 * @throws {S3Error} InvalidArgument when it is not one of ours.
 */
export function decodeContinuationToken(token: string): ListPosition {
  const bytes = TOKEN.test(token) ? Buffer.from(token, 'base64url') : Buffer.alloc(0);
  const isCanonical = bytes.toString('base64url') === token;
  const [version, kind] = bytes;
  const isKnown = version === FORMAT_VERSION && (kind === 0 || kind === 1);
  if (!isCanonical || !isKnown) throw invalidToken(token);
  try {
    return { name: utf8.decode(bytes.subarray(HEAD_BYTES)), isCommonPrefix: kind === 1 };
  } catch (cause) {
    throw invalidToken(token, cause);
  }
}

function invalidToken(token: string, cause?: unknown): S3Error {
  return new S3Error(
    'InvalidArgument',
    { ArgumentName: 'continuation-token', ArgumentValue: token },
    { message: 'The continuation token provided is incorrect', cause },
  );
}
