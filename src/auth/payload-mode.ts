/**
 * From `x-amz-content-sha256` to how the body is verified.
 *
 * @see https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-auth-using-authorization-header.html
 * @module
 */

import { invalidRequest, S3Error } from '../s3/errors.js';
import type { ChunkSigning } from '../wire/chunk-signatures.js';
import { UNSIGNED_PAYLOAD } from '../wire/sigv4.js';
import type { PayloadVerification } from './payload-verification.js';

const HEADER = 'x-amz-content-sha256';
const SHA256_HEX = /^[0-9A-Fa-f]{64}$/;

interface Streaming {
  readonly isSigned: boolean;
  readonly hasTrailer: boolean;
}

const STREAMING: ReadonlyMap<string, Streaming> = new Map([
  ['STREAMING-AWS4-HMAC-SHA256-PAYLOAD', { isSigned: true, hasTrailer: false }],
  ['STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER', { isSigned: true, hasTrailer: true }],
  ['STREAMING-UNSIGNED-PAYLOAD-TRAILER', { isSigned: false, hasTrailer: true }],
]);

/** Signature Version 4A, which this server does not offer. */
const NOT_OFFERED: ReadonlySet<string> = new Set([
  'STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD',
  'STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD-TRAILER',
]);

const UNSIGNED: PayloadVerification = { mode: 'unsigned' };

/**
 * Refuses values that no request may have, whoever signed them.
 *
 * @throws {S3Error} InvalidArgument, NotImplemented.
 */
export function assertPayloadHash(payloadHash: string): void {
  if (payloadHash === UNSIGNED_PAYLOAD || SHA256_HEX.test(payloadHash)) return;
  if (STREAMING.has(payloadHash)) return;
  if (NOT_OFFERED.has(payloadHash)) throw new S3Error('NotImplemented', { Header: HEADER });
  const details = { ArgumentName: HEADER, ArgumentValue: payloadHash };
  const accepted = [UNSIGNED_PAYLOAD, ...STREAMING.keys()].join(', ');
  const message = `${HEADER} must be ${accepted}, or a valid sha256 value.`;
  throw new S3Error('InvalidArgument', details, { message });
}

/**
 * How the body of a request with this payload hash is verified.
 *
 * @param payloadHash - has passed {@link assertPayloadHash}.
 * @param signing - makes the first link of the chunk signatures; undefined for anonymous requests.
 * @throws {S3Error} InvalidRequest when a chunk signature would have nothing to follow.
 */
export function payloadVerification(
  payloadHash: string,
  signing: (() => ChunkSigning) | undefined,
): PayloadVerification {
  if (payloadHash === UNSIGNED_PAYLOAD) return UNSIGNED;
  const streaming = STREAMING.get(payloadHash);
  if (streaming === undefined) return { mode: 'sha256', sha256Hex: payloadHash.toLowerCase() };
  const { isSigned, hasTrailer } = streaming;
  if (!isSigned) return { mode: 'aws-chunked', hasTrailer, signing: undefined };
  if (signing === undefined) {
    const message = 'Chunk signatures need a request that is signed itself';
    throw invalidRequest(message);
  }
  return { mode: 'aws-chunked', hasTrailer, signing: signing() };
}
