/**
 * The body of a request, wrapped once: framing, length, digests and checksum.
 *
 * Bytes are handed on as they come; nothing may be committed before `verify` has returned.
 *
 * @see docs/LIFECYCLE.md, "PutObject"
 * @module
 */

import assert from 'node:assert/strict';
import { createHash, hash, type Hash } from 'node:crypto';

import { createChecksum, DEFAULT_CHECKSUM_ALGORITHM, type Checksum } from '../s3/checksums.js';
import { invalidRequest, S3Error } from '../s3/errors.js';
import type { ChecksumAlgorithm, ObjectChecksum } from '../s3/object-attributes.js';
import { AwsChunkedDecoder } from '../wire/aws-chunked.js';
import {
  checksumMismatch,
  isChecksumValueHeader,
  requestChecksum,
  trailerValue,
  type RequestChecksum,
} from '../wire/checksum-headers.js';
import { contentMd5Hex, contentMd5Mismatch } from '../wire/content-md5.js';
import type { Call } from './operation.js';

/** The part of a call that describes its body. */
export type PayloadCall = Pick<Call, 'headers' | 'body' | 'verification' | 'openMd5'>;

export interface PayloadOptions {
  readonly sizeBytesMax: number;
  /** 0 unless given. Below it: EntityTooSmall. */
  readonly sizeBytesMin?: number;
  /** Computed when the request names no algorithm of its own; CRC64NVME unless given. */
  readonly checksumAlgorithm?: ChecksumAlgorithm | undefined;
}

export interface VerifiedPayload {
  readonly md5Hex: string;
  readonly sizeBytes: number;
  readonly checksum: ObjectChecksum;
}

/** Decoded bytes, to be iterated once, and the proof that they are what was sent. */
export interface Payload extends AsyncIterable<Uint8Array> {
  /** Decoded bytes announced by the request; of a file in a form, those that have come. */
  readonly sizeBytes: number;
  /** The algorithm the client chose; undefined when it named none. */
  readonly requestedAlgorithm: ChecksumAlgorithm | undefined;
  /**
   * Call once, after the last byte.
   *
   * @throws {S3Error} BadDigest, EntityTooSmall, IncompleteBody, InvalidRequest,
   * MalformedTrailerError, SignatureDoesNotMatch, XAmzContentSHA256Mismatch.
   */
  verify(): Promise<VerifiedPayload>;
}

/** @throws {S3Error} EntityTooLarge, InvalidDigest, InvalidRequest, MissingContentLength, NotImplemented. */
export function openPayload(call: PayloadCall, options: PayloadOptions): Payload {
  const sizeBytes = announcedSize(call);
  if (sizeBytes > options.sizeBytesMax) throw tooLarge(sizeBytes, options.sizeBytesMax);
  return new RequestPayload(call, sizeBytes, options);
}

/**
 * The file of a form as a payload. Its size is known when it ends.
 *
 * @param form.headers - those that the fields of the form stand for.
 * @throws {S3Error} InvalidDigest, InvalidRequest; while iterating also EntityTooLarge.
 */
export function openFilePayload(
  form: Omit<PayloadCall, 'verification'>,
  options: PayloadOptions,
): Payload {
  return new RequestPayload({ ...form, verification: { mode: 'unsigned' } }, undefined, options);
}

class RequestPayload implements Payload {
  readonly requestedAlgorithm: ChecksumAlgorithm | undefined;
  readonly #call: PayloadCall;
  readonly #options: PayloadOptions;
  readonly #announcedBytes: number | undefined;
  readonly #requested: RequestChecksum | undefined;
  readonly #algorithm: ChecksumAlgorithm;
  readonly #contentMd5Hex: string | undefined;
  readonly #decoder: AwsChunkedDecoder | undefined;
  #md5Hex: string | Promise<string> | undefined;
  readonly #sha256: Hash | undefined;
  readonly #checksum: Checksum;
  #receivedBytes = 0;

  constructor(call: PayloadCall, announcedBytes: number | undefined, options: PayloadOptions) {
    this.#call = call;
    this.#options = options;
    this.#announcedBytes = announcedBytes;
    this.#contentMd5Hex = contentMd5Hex(call.headers);
    this.#requested = requestChecksum(call.headers);
    this.requestedAlgorithm = this.#requested?.algorithm;
    this.#algorithm =
      this.#requested?.algorithm ?? options.checksumAlgorithm ?? DEFAULT_CHECKSUM_ALGORITHM;
    this.#checksum = createChecksum(this.#algorithm);
    const { verification } = call;
    this.#sha256 = verification.mode === 'sha256' ? createHash('sha256') : undefined;
    this.#decoder =
      verification.mode === 'aws-chunked'
        ? new AwsChunkedDecoder({
            decodedBytes: this.sizeBytes,
            hasTrailer: verification.hasTrailer,
            announcedTrailers: trailerNames(call.headers),
            signing: verification.signing,
          })
        : undefined;
  }

  get sizeBytes(): number {
    return this.#announcedBytes ?? this.#receivedBytes;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    const md5 = this.#call.openMd5(this.#announcedBytes ?? 0);
    let isWhole = false;
    try {
      for await (const received of this.#call.body) {
        const pieces = this.#decoder === undefined ? [received] : this.#decoder.push(received);
        for (const piece of pieces) {
          this.#take(piece);
          const taken = md5.update(piece);
          if (taken !== undefined) await taken;
          yield piece;
        }
      }
      isWhole = true;
    } finally {
      if (isWhole) this.#md5Hex = md5.finish();
      else md5.abandon();
    }
  }

  async verify(): Promise<VerifiedPayload> {
    const trailers = this.#decoder?.finish().trailers;
    if (this.#receivedBytes !== this.sizeBytes) throw new S3Error('IncompleteBody');
    this.#assertNotTooSmall();
    this.#verifySha256();
    const md5Hex = await this.#md5Hex;
    assert(md5Hex !== undefined, 'the body has been iterated to its end');
    if (this.#contentMd5Hex !== undefined && this.#contentMd5Hex !== md5Hex) {
      throw contentMd5Mismatch(this.#contentMd5Hex, md5Hex);
    }
    const value = Buffer.from(this.#checksum.digest()).toString('base64');
    const promised = this.#promisedValue(trailers);
    if (promised !== undefined && promised !== value) throw checksumMismatch(this.#algorithm);
    return {
      md5Hex,
      sizeBytes: this.sizeBytes,
      checksum: { algorithm: this.#algorithm, type: 'FULL_OBJECT', value },
    };
  }

  #take(piece: Uint8Array): void {
    this.#receivedBytes += piece.byteLength;
    if (this.#receivedBytes > this.sizeBytes) throw new S3Error('IncompleteBody');
    const { sizeBytesMax } = this.#options;
    if (this.#receivedBytes > sizeBytesMax) throw tooLarge(this.#receivedBytes, sizeBytesMax);
    this.#sha256?.update(piece);
    this.#checksum.update(piece);
  }

  #assertNotTooSmall(): void {
    const { sizeBytesMin = 0 } = this.#options;
    if (this.sizeBytes >= sizeBytesMin) return;
    throw new S3Error(
      'EntityTooSmall',
      { ProposedSize: this.sizeBytes, MinSizeAllowed: sizeBytesMin },
      { message: 'Your proposed upload is smaller than the minimum allowed size' },
    );
  }

  #verifySha256(): void {
    const { verification } = this.#call;
    if (verification.mode !== 'sha256' || this.#sha256 === undefined) return;
    const computed = this.#sha256.digest('hex');
    if (computed === verification.sha256Hex) return;
    throw sha256Mismatch(verification.sha256Hex, computed);
  }

  #promisedValue(trailers: ReadonlyMap<string, string> | undefined): string | undefined {
    if (this.#requested === undefined) return undefined;
    if (this.#requested.value !== undefined) return this.#requested.value;
    return trailers === undefined ? undefined : trailerValue(this.#requested, trailers);
  }
}

/**
 * Reads a small body as text and proves its digests.
 *
 * @throws {S3Error} BadDigest, InvalidDigest, InvalidRequest, MaxMessageLengthExceeded,
 * MissingContentLength, XAmzContentSHA256Mismatch.
 */
export async function collectDocument(
  call: PayloadCall,
  documentBytesMax: number,
): Promise<Uint8Array> {
  if (call.verification.mode === 'aws-chunked') {
    throw new S3Error(
      'InvalidRequest',
      {},
      {
        message: 'A streaming payload is not accepted by this operation',
      },
    );
  }
  const { contentLength } = call.body;
  if ((contentLength ?? 0) > documentBytesMax) throw new S3Error('MaxMessageLengthExceeded');
  const pieces: Uint8Array[] = [];
  let sizeBytes = 0;
  for await (const piece of call.body) {
    sizeBytes += piece.byteLength;
    if (sizeBytes > documentBytesMax) throw new S3Error('MaxMessageLengthExceeded');
    // Valid until the next is pulled.
    pieces.push(Buffer.from(piece));
  }
  const bytes = Buffer.concat(pieces);
  verifyDocument(call, bytes);
  return bytes;
}

function verifyDocument(call: PayloadCall, bytes: Buffer): void {
  const { verification, headers } = call;
  if (verification.mode === 'sha256') {
    const computed = hash('sha256', bytes);
    if (computed !== verification.sha256Hex) throw sha256Mismatch(verification.sha256Hex, computed);
  }
  const expectedMd5 = contentMd5Hex(headers);
  if (expectedMd5 !== undefined) {
    const computed = hash('md5', bytes);
    if (computed !== expectedMd5) throw contentMd5Mismatch(expectedMd5, computed);
  }
}

/** @throws {S3Error} when the checksum a document's request promises is not the document's. */
export function verifyDocumentChecksum(headers: Call['headers'], bytes: Uint8Array): void {
  const requested = requestChecksum(headers);
  if (requested?.value === undefined) return;
  const checksum = createChecksum(requested.algorithm);
  checksum.update(bytes);
  if (Buffer.from(checksum.digest()).toString('base64') !== requested.value) {
    throw checksumMismatch(requested.algorithm);
  }
}

/** @throws {S3Error} InvalidRequest when the request promises no digest of its document. */
export function requireIntegrity({ headers }: Pick<Call, 'headers'>): void {
  if (headers.has('content-md5')) return;
  for (const name of headers.keys()) if (isChecksumValueHeader(name)) return;
  const message = 'Missing required header for this request: Content-MD5 OR x-amz-checksum-*';
  throw invalidRequest(message);
}

/**
 * The payload bytes that a request announces.
 *
 * @throws {S3Error} MissingContentLength, NotImplemented.
 */
export function announcedSize({ headers, body, verification }: PayloadCall): number {
  if (verification.mode === 'aws-chunked') {
    const decoded = headers.get('x-amz-decoded-content-length');
    if (decoded === undefined || !/^\d{1,15}$/.test(decoded))
      throw new S3Error('MissingContentLength');
    return Number(decoded);
  }
  if (body.contentLength === undefined) {
    throw new S3Error('NotImplemented', { Header: 'Transfer-Encoding' });
  }
  // To HTTP a request without a length has no body; S3 does not take that for an empty object.
  if (!headers.has('content-length')) throw new S3Error('MissingContentLength');
  return body.contentLength;
}

function tooLarge(sizeBytes: number, sizeBytesMax: number): S3Error {
  const details = { ProposedSize: sizeBytes, MaxSizeAllowed: sizeBytesMax };
  const message = 'Your proposed upload exceeds the maximum allowed size';
  return new S3Error('EntityTooLarge', details, { message });
}

function trailerNames(headers: Call['headers']): readonly string[] {
  const trailer = headers.get('x-amz-trailer');
  if (trailer === undefined) return [];
  return trailer.split(',').map((name) => name.trim().toLowerCase());
}

/** The error of a body whose SHA-256 is not the promised one. Both digests are hex. */
export function sha256Mismatch(sent: string, computed: string): S3Error {
  return new S3Error('XAmzContentSHA256Mismatch', {
    ClientComputedContentSHA256: sent,
    S3ComputedContentSHA256: computed,
  });
}
