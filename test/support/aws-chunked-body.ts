/**
 * Encodes aws-chunked bodies the way clients do, with its own arithmetic: it shares nothing with
 * the decoder under test.
 *
 * @module
 */

import { createHash, createHmac } from 'node:crypto';

/** First link and key of a chain of chunk signatures. */
export interface BodySigning {
  readonly signingKey: Uint8Array;
  readonly timestamp: string;
  readonly scope: string;
  readonly seedSignature: string;
}

/** How a body is written. */
export interface BodyOptions {
  /** Present signs every chunk and the trailer. */
  readonly signing?: BodySigning | undefined;
  /** `[name, value]`, as the `-TRAILER` modes send them; undefined for the other modes. */
  readonly trailers?: readonly (readonly [string, string])[] | undefined;
  /** Bare line feeds and an empty line before the signature, as minio-go writes trailers. */
  readonly isMinioStyle?: boolean;
}

/** Signs with the four derivation steps spelt out. */
export function testSigningKey(secret: string, date: string, region: string): Buffer {
  let key: string | Buffer = `AWS4${secret}`;
  for (const step of [date, region, 's3', 'aws4_request']) {
    key = createHmac('sha256', key).update(step).digest();
  }
  return key as Buffer;
}

/** Writes chunks of the given payloads, the last chunk and the trailer. */
export function encodeBody(chunks: readonly Uint8Array[], options: BodyOptions = {}): Buffer {
  const { signing, trailers, isMinioStyle = false } = options;
  const pieces: (string | Uint8Array)[] = [];
  let previous = signing?.seedSignature ?? '';
  for (const chunk of [...chunks, Buffer.alloc(0)]) {
    let extension = '';
    if (signing !== undefined) {
      previous = link(signing, 'PAYLOAD', previous, `${sha256('')}\n${sha256(chunk)}`);
      extension = `;chunk-signature=${previous}`;
    }
    pieces.push(`${chunk.length.toString(16)}${extension}\r\n`);
    if (chunk.length > 0) pieces.push(chunk, '\r\n');
  }
  const lineEnd = isMinioStyle ? '\n' : '\r\n';
  for (const [name, value] of trailers ?? []) pieces.push(`${name}:${value}${lineEnd}`);
  if (signing !== undefined && trailers !== undefined) {
    const text = trailers.map(([name, value]) => `${name}:${value}\n`).join('');
    const signature = link(signing, 'TRAILER', previous, sha256(text));
    pieces.push(`${isMinioStyle ? '\r\n' : ''}x-amz-trailer-signature:${signature}\r\n`);
  }
  pieces.push('\r\n');
  return Buffer.concat(pieces.map((piece) => Buffer.from(piece as string)));
}

function link(signing: BodySigning, kind: string, previous: string, content: string): string {
  const { signingKey, timestamp, scope } = signing;
  const text = `AWS4-HMAC-SHA256-${kind}\n${timestamp}\n${scope}\n${previous}\n${content}`;
  return createHmac('sha256', signingKey).update(text).digest('hex');
}

function sha256(bytes: string | Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
