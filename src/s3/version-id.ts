/**
 * Version ids: 32 characters that only this server gives meaning to.
 *
 * ```text
 * version id := 8 bytes sequence, big-endian ++ 16 random bytes, six bits a character
 * alphabet   := A-Z a-z 0-9 . _
 * ```
 *
 * The sequence makes ids unique within a store, the random bytes make them unguessable. Order is
 * the server's business and is never read from the text. Callers handle the literal `null`.
 *
 * @module
 */

import assert from 'node:assert/strict';

import { S3Error } from './errors.js';

const SEQUENCE_BYTES = 8;
/** Random bytes of a version id. */
export const VERSION_ID_RANDOM_BYTES = 16;
const VERSION_ID = /^[A-Za-z0-9._]{32}$/;

/**
 * Makes the id of a version.
 *
 * @param sequence - position in the order of all writes; a safe integer from 0.
 * @param random - {@link VERSION_ID_RANDOM_BYTES} bytes from a cryptographic source.
 */
export function formatVersionId(sequence: number, random: Uint8Array): string {
  assert(Number.isSafeInteger(sequence) && sequence >= 0);
  assert.equal(random.byteLength, VERSION_ID_RANDOM_BYTES);
  const bytes = Buffer.allocUnsafe(SEQUENCE_BYTES + VERSION_ID_RANDOM_BYTES);
  bytes.writeUInt32BE(Math.floor(sequence / 2 ** 32), 0);
  bytes.writeUInt32BE(sequence >>> 0, 4);
  bytes.set(random, SEQUENCE_BYTES);
  return bytes.toString('base64url').replaceAll('-', '.');
}

/**
 * Takes a version id apart.
 *
 * @throws {S3Error} InvalidArgument when it cannot be one of ours.
 */
export function parseVersionId(versionId: string): {
  readonly sequence: number;
  readonly random: Uint8Array;
} {
  if (!VERSION_ID.test(versionId)) throw invalidVersionId(versionId);
  const bytes = Buffer.from(versionId.replaceAll('.', '-'), 'base64url');
  const sequence = bytes.readUInt32BE(0) * 2 ** 32 + bytes.readUInt32BE(4);
  // AWS answers NoSuchVersion for any id of the right form; so does a sequence we never reach.
  return {
    sequence: Math.min(sequence, Number.MAX_SAFE_INTEGER),
    random: bytes.subarray(SEQUENCE_BYTES),
  };
}

/**
 * Checks the form of a version id from a request; `null` and well-formed ids pass.
 *
 * @param name - the parameter that carries it.
 * @throws {S3Error} InvalidArgument.
 */
export function assertVersionId(versionId: string, name = 'versionId'): void {
  if (versionId !== 'null' && !VERSION_ID.test(versionId)) throw invalidVersionId(versionId, name);
}

function invalidVersionId(versionId: string, name = 'versionId'): S3Error {
  return new S3Error(
    'InvalidArgument',
    { ArgumentName: name, ArgumentValue: versionId },
    { message: 'Invalid version id specified' },
  );
}
