/**
 * Decodes a body in `Content-Encoding: aws-chunked`, piece by piece as it arrives.
 *
 * ```text
 * body  = *chunk last-chunk ( CRLF | trailer )
 * chunk = chunk-header sizeBytes-of-payload CRLF
 * last-chunk = chunk-header                     ; size 0
 * ```
 *
 * Invariants
 * 1. Payload is passed on as views of the pieces: nothing is copied, nothing is allocated from a
 *    declared size, and at most one line is kept between pieces.
 * 2. Payload may be passed on before its signature was checked. Whoever stores it must not
 *    acknowledge it before `finish` has returned.
 * 3. After a failure every further call throws the same error.
 *
 * @see https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html
 * @module
 */

import { createHash, hash, type Hash } from 'node:crypto';

import { S3Error, type S3ErrorCode } from '../s3/errors.js';
import { CHUNK_SIZE_BYTES_MIN } from '../s3/limits.js';
import { CHUNK_HEADER_BYTES_MAX, parseChunkHeader } from './chunk-header.js';
import { ChunkSignatures, EMPTY_SHA256_HEX, type ChunkSigning } from './chunk-signatures.js';
import { ChunkTrailer, TRAILER_LINE_BYTES_MAX } from './chunk-trailer.js';

/** How one body is framed. */
export interface AwsChunkedOptions {
  /** `x-amz-decoded-content-length`: payload bytes, no more and no fewer. */
  readonly decodedBytes: number;
  /** The payload mode ends in `-TRAILER`. */
  readonly hasTrailer: boolean;
  /** Lower-case names of `x-amz-trailer`; the trailer must have exactly these. */
  readonly announcedTrailers: readonly string[];
  /** Present when chunks and trailer are signed. */
  readonly signing: ChunkSigning | undefined;
}

/** What a body had besides its payload. */
export interface AwsChunkedEnd {
  /** Lower-case names to values; the trailer's signature is not among them. */
  readonly trailers: ReadonlyMap<string, string>;
}

type State = 'header' | 'payload' | 'payload-end' | 'body-end' | 'trailer' | 'done';

const CARRIAGE_RETURN = 0x0d;
const LINE_FEED = 0x0a;
const NO_TRAILERS: ReadonlyMap<string, string> = new Map();

/** Decodes one body. */
export class AwsChunkedDecoder {
  readonly #signatures: ChunkSignatures | undefined;
  readonly #trailer: ChunkTrailer | undefined;
  #state: State = 'header';
  #failure: Error | undefined;
  /** Start of a line whose end has not arrived yet. */
  #line = '';
  /** Payload bytes that later chunks must bring. */
  #decodedBytesLeft: number;
  #chunkBytes = CHUNK_SIZE_BYTES_MIN;
  #chunkBytesLeft = 0;
  #chunkSignature = '';
  /** Undefined until a chunk is seen to span several pieces. */
  #chunkHash: Hash | undefined;

  constructor(options: AwsChunkedOptions) {
    this.#decodedBytesLeft = options.decodedBytes;
    this.#signatures = options.signing && new ChunkSignatures(options.signing);
    this.#trailer = options.hasTrailer ? new ChunkTrailer(options.announcedTrailers) : undefined;
  }

  /**
   * Takes the next bytes of the body, cut anywhere.
   *
   * @returns the payload in them, in order, as views of `piece`.
   * @throws {S3Error} IncompleteBody, InvalidChunkSizeError, MalformedTrailerError,
   * SignatureDoesNotMatch.
   */
  push(piece: Uint8Array): Uint8Array[] {
    if (this.#failure !== undefined) throw this.#failure;
    try {
      return this.#decode(piece);
    } catch (error) {
      if (error instanceof Error) this.#failure = error;
      throw error;
    }
  }

  /**
   * Says that the body has ended.
   *
   * @throws {S3Error} what {@link push} throws, now for what is missing.
   */
  finish(): AwsChunkedEnd {
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#state === 'done') return { trailers: NO_TRAILERS };
    if (this.#state !== 'trailer' || this.#line !== '') fail('IncompleteBody');
    return { trailers: this.#trailer?.finish(this.#signatures) ?? NO_TRAILERS };
  }

  #decode(piece: Uint8Array): Uint8Array[] {
    const payload: Uint8Array[] = [];
    let offset = 0;
    while (offset < piece.length) {
      if (this.#state === 'payload') {
        const end = Math.min(piece.length, offset + this.#chunkBytesLeft);
        const bytes = piece.subarray(offset, end);
        payload.push(bytes);
        this.#takePayload(bytes);
        offset = end;
      } else {
        offset = this.#takeLine(piece, offset);
      }
    }
    return payload;
  }

  #takePayload(bytes: Uint8Array): void {
    this.#chunkBytesLeft -= bytes.length;
    const isLast = this.#chunkBytesLeft === 0;
    if (isLast) this.#state = 'payload-end';
    if (this.#signatures === undefined) return;
    if (isLast && this.#chunkHash === undefined) {
      // The whole chunk is here: one call is cheaper than a hash object.
      this.#signatures.verifyChunk(hash('sha256', bytes), this.#chunkSignature);
      return;
    }
    this.#chunkHash ??= createHash('sha256');
    this.#chunkHash.update(bytes);
    if (!isLast) return;
    this.#signatures.verifyChunk(this.#chunkHash.digest('hex'), this.#chunkSignature);
    this.#chunkHash = undefined;
  }

  #takeLine(piece: Uint8Array, offset: number): number {
    if (this.#state === 'done') fail('IncompleteBody');
    const lineFeed = piece.indexOf(LINE_FEED, offset);
    const end = lineFeed === -1 ? piece.length : lineFeed;
    // A carriage return may still follow the longest line.
    const bytesMax = this.#state === 'trailer' ? TRAILER_LINE_BYTES_MAX : CHUNK_HEADER_BYTES_MAX;
    if (this.#line.length + end - offset > bytesMax + 1) fail(this.#lineError());
    const text = this.#line + latin1(piece, offset, end);
    if (lineFeed === -1) {
      this.#line = text;
      return end;
    }
    this.#line = '';
    const hasReturn = text.charCodeAt(text.length - 1) === CARRIAGE_RETURN;
    // Only trailers are known to come with bare line feeds.
    if (!hasReturn && this.#state !== 'trailer') fail('IncompleteBody');
    this.#endLine(hasReturn ? text.slice(0, -1) : text);
    return end + 1;
  }

  #endLine(line: string): void {
    if (this.#state === 'header') return this.#startChunk(line);
    if (this.#state === 'trailer') return this.#trailer?.addLine(line);
    if (line !== '') fail('IncompleteBody');
    this.#state = this.#state === 'payload-end' ? 'header' : 'done';
  }

  #startChunk(line: string): void {
    const { sizeBytes, signature } = parseChunkHeader(line, this.#signatures !== undefined);
    if (sizeBytes === 0) return this.#endPayload(signature);
    if (this.#chunkBytes < CHUNK_SIZE_BYTES_MIN) fail('InvalidChunkSizeError');
    if (sizeBytes > this.#decodedBytesLeft) fail('IncompleteBody');
    this.#decodedBytesLeft -= sizeBytes;
    this.#chunkBytes = sizeBytes;
    this.#chunkBytesLeft = sizeBytes;
    this.#chunkSignature = signature;
    this.#state = 'payload';
  }

  #endPayload(signature: string): void {
    if (this.#decodedBytesLeft > 0) fail('IncompleteBody');
    this.#signatures?.verifyChunk(EMPTY_SHA256_HEX, signature);
    this.#state = this.#trailer === undefined ? 'body-end' : 'trailer';
  }

  #lineError(): S3ErrorCode {
    return this.#state === 'trailer' ? 'MalformedTrailerError' : 'IncompleteBody';
  }
}

function latin1(piece: Uint8Array, start: number, end: number): string {
  return Buffer.from(piece.buffer, piece.byteOffset + start, end - start).toString('latin1');
}

function fail(code: S3ErrorCode): never {
  throw new S3Error(code);
}
