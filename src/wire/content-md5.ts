/**
 * The Content-MD5 header: a digest the body must have.
 *
 * @see https://www.rfc-editor.org/rfc/rfc1864
 * @module
 */

import { S3Error } from '../s3/errors.js';

const HEADER = 'content-md5';
const MD5_BYTES = 16;

/**
 * The MD5 a body must have, hex, or undefined when none was sent.
 *
 * @throws {S3Error} InvalidDigest.
 */
export function contentMd5Hex(headers: ReadonlyMap<string, string>): string | undefined {
  const value = headers.get(HEADER);
  if (value === undefined) return undefined;
  const digest = Buffer.from(value, 'base64');
  if (digest.byteLength !== MD5_BYTES || digest.toString('base64') !== value) {
    throw new S3Error('InvalidDigest', { 'Content-MD5': value });
  }
  return digest.toString('hex');
}

/** The error of a body whose MD5 is not the promised one. Both digests are hex. */
export function contentMd5Mismatch(expectedHex: string, calculatedHex: string): S3Error {
  return new S3Error(
    'BadDigest',
    {
      ExpectedDigest: expectedHex,
      CalculatedDigest: Buffer.from(calculatedHex, 'hex').toString('base64'),
    },
    { message: 'The Content-MD5 you specified did not match what we received.' },
  );
}
