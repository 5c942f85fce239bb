/**
 * The trailer of an aws-chunked body: checksum fields and, in a signed body, their signature.
 *
 * ```text
 * trailer = *( [ CR ] LF ) *( name ":" value [ CR ] LF ) [ "x-amz-trailer-signature:" 64HEXDIG [ CR ] LF ] [ CR ] LF
 * ```
 *
 * SDKs disagree on empty lines: some put one before the signature or send two at the end, and
 * minio-go ends fields with a bare LF. So empty lines may stand anywhere, and the last line must
 * be one: it shows that nothing was cut off.
 *
 * @see https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming-trailers.html
 * @module
 */

import { S3Error } from '../s3/errors.js';
import type { ChunkSignatures } from './chunk-signatures.js';

/** Longest line of a trailer. Beyond it: MalformedTrailerError. */
export const TRAILER_LINE_BYTES_MAX = 1024;

/** Fields and empty lines together. S3 has one checksum, its signature and up to three blanks. */
const LINES_COUNT_MAX = 16;
const SIGNATURE_FIELD = 'x-amz-trailer-signature';
const FIELD_NAME = /^[A-Za-z0-9-]+$/;

/** Collects the lines of one trailer. */
export class ChunkTrailer {
  readonly #announced: readonly string[];
  readonly #fields = new Map<string, string>();
  #signature: string | undefined;
  #linesCount = 0;
  #isLastLineEmpty = false;

  /** @param announced - lower-case names of `x-amz-trailer`. */
  constructor(announced: readonly string[]) {
    this.#announced = announced;
  }

  /** Takes one line without its line end. @throws {S3Error} MalformedTrailerError. */
  addLine(line: string): void {
    this.#linesCount += 1;
    if (this.#linesCount > LINES_COUNT_MAX) throw malformed();
    this.#isLastLineEmpty = line === '';
    if (line !== '') this.#addField(line);
  }

  /**
   * Checks that the trailer is whole, is the announced one, and is signed when it must be.
   *
   * @throws {S3Error} IncompleteBody, MalformedTrailerError, SignatureDoesNotMatch.
   */
  finish(signatures: ChunkSignatures | undefined): ReadonlyMap<string, string> {
    if (!this.#isLastLineEmpty) throw new S3Error('IncompleteBody');
    const announced = new Set(this.#announced);
    if (announced.size !== this.#fields.size) throw malformed();
    for (const name of this.#fields.keys()) if (!announced.has(name)) throw malformed();
    if ((signatures === undefined) !== (this.#signature === undefined)) throw malformed();
    signatures?.verifyTrailer(this.#canonical(), this.#signature ?? '');
    return this.#fields;
  }

  #addField(line: string): void {
    const colon = line.indexOf(':');
    if (colon === -1) throw malformed();
    const name = line.slice(0, colon).toLowerCase();
    const value = line.slice(colon + 1).trim();
    if (!FIELD_NAME.test(name)) throw malformed();
    // The signature covers what stands before it, so nothing may follow it or be named twice.
    if (this.#signature !== undefined || this.#fields.has(name)) throw malformed();
    if (name === SIGNATURE_FIELD) this.#signature = value;
    else this.#fields.set(name, value);
  }

  #canonical(): string {
    return [...this.#fields]
      .sort(([left], [right]) => (left < right ? -1 : 1))
      .map(([name, value]) => `${name}:${value}\n`)
      .join('');
  }
}

function malformed(): S3Error {
  return new S3Error('MalformedTrailerError');
}
