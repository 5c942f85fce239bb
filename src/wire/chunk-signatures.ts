/**
 * The chain of signatures through an aws-chunked body: each link covers the one before it, the
 * first covers the request head, and the last may cover the trailer.
 *
 * @see https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html
 * @see https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming-trailers.html
 * @module
 */

import { hash } from 'node:crypto';

import { S3Error } from '../s3/errors.js';
import { HmacSha256Key } from './hmac-sha256.js';
import { signaturesEqual } from './sigv4.js';

/** What is needed to check chunk and trailer signatures. */
export interface ChunkSigning {
  readonly signingKey: Uint8Array;
  /** `20130524T000000Z` form. */
  readonly timestamp: string;
  /** `20130524/us-east-1/s3/aws4_request`. */
  readonly scope: string;
  /** Signature of the request head, hex: the first link of the chain. */
  readonly seedSignature: string;
}

/** SHA-256 of nothing, in hexadecimal. */
export const EMPTY_SHA256_HEX = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';

/** Checks the links of one body in order. */
export class ChunkSignatures {
  readonly #key: HmacSha256Key;
  /** Timestamp and scope, which every link repeats. */
  readonly #context: string;
  #previous: string;

  constructor(signing: ChunkSigning) {
    this.#key = new HmacSha256Key(signing.signingKey);
    this.#context = `${signing.timestamp}\n${signing.scope}`;
    this.#previous = signing.seedSignature;
  }

  /** Checks the next chunk; the last one is empty. @throws {S3Error} SignatureDoesNotMatch. */
  verifyChunk(payloadSha256Hex: string, signature: string): void {
    this.#verify('AWS4-HMAC-SHA256-PAYLOAD', `${EMPTY_SHA256_HEX}\n${payloadSha256Hex}`, signature);
  }

  /**
   * Checks the trailer.
   *
   * @param canonicalTrailer - each field as `name:value` and a line feed, sorted by name.
   * @throws {S3Error} SignatureDoesNotMatch.
   */
  verifyTrailer(canonicalTrailer: string, signature: string): void {
    this.#verify('AWS4-HMAC-SHA256-TRAILER', hash('sha256', canonicalTrailer), signature);
  }

  #verify(algorithm: string, content: string, signature: string): void {
    const text = `${algorithm}\n${this.#context}\n${this.#previous}\n${content}`;
    const expected = this.#key.signHex(text);
    if (!signaturesEqual(expected, signature)) throw new S3Error('SignatureDoesNotMatch');
    this.#previous = expected;
  }
}
