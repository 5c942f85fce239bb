/**
 * The line that starts a chunk of an aws-chunked body.
 *
 * ```text
 * chunk-header = 1*16HEXDIG *( ";" extension ) CRLF
 * extension    = name "=" value                 ; "chunk-signature=" 64HEXDIG when signed
 * ```
 *
 * @module
 */

import { S3Error } from '../s3/errors.js';

/** Longest header line without its line end. Beyond it: IncompleteBody. */
export const CHUNK_HEADER_BYTES_MAX = 1024;

/** A chunk that is about to arrive. */
export interface ChunkHeader {
  /** 0 announces the end of the payload. May be inexact above 2^53, where no body reaches. */
  readonly sizeBytes: number;
  /** Empty when the body is not signed. */
  readonly signature: string;
}

const HEADER = /^([0-9A-Fa-f]{1,16})((?:;[A-Za-z0-9-]+=[^;\s]*)*)$/;
const SIGNATURE = /;chunk-signature=([0-9a-f]{64})(?:;|$)/;

/**
 * Reads a header line.
 *
 * @param line - without CRLF.
 * @throws {S3Error} IncompleteBody.
 */
export function parseChunkHeader(line: string, isSigned: boolean): ChunkHeader {
  const match = HEADER.exec(line);
  if (match === null) throw new S3Error('IncompleteBody');
  const [, size = '', extensions = ''] = match;
  const sizeBytes = Number.parseInt(size, 16);
  if (!isSigned) return { sizeBytes, signature: '' };
  const signature = SIGNATURE.exec(extensions)?.[1];
  if (signature === undefined) throw new S3Error('IncompleteBody');
  return { sizeBytes, signature };
}
