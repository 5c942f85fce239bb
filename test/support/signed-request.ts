/**
 * Requests with any part of their signature or framing wrong, sent to a running server.
 *
 * The heads come from `signed-head.ts`; here they get the server's address, its keys and the time.
 *
 * @module
 */

import { createHash } from 'node:crypto';

import { encodeBody, testSigningKey } from './aws-chunked-body.js';
import { sendUnsigned, type RawReply, type Signer } from './raw-request.js';
import { presignedHead, signedHead, type Head, type HeadInput } from './signed-head.js';

/** What `x-amz-content-sha256` can say besides a hash. */
export const CHUNKED_MODES = [
  'STREAMING-AWS4-HMAC-SHA256-PAYLOAD',
  'STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER',
  'STREAMING-UNSIGNED-PAYLOAD-TRAILER',
] as const;

export type ChunkedMode = (typeof CHUNKED_MODES)[number];

/** Now, or another moment, as signatures write it. */
export function amzTimestamp(ms = Date.now()): string {
  return new Date(ms).toISOString().replace(/[-:]|\.\d+/g, '');
}

export function sha256Hex(bytes: string | Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** A signature of 64 hexadecimal digits with one of its 256 bits flipped. */
export function flippedBit(signature: string, bit: number): string {
  const bytes = Buffer.from(signature, 'hex');
  const index = bit >>> 3;
  bytes[index] = (bytes[index] ?? 0) ^ (1 << (bit & 7));
  return bytes.toString('hex');
}

/** A head signed in its header with the server's key and the time of now. */
export function headerSigned(signer: Signer, input: HeadInput): Head {
  return signedHead(filledIn(signer, input));
}

/** A head signed in its query with the server's key and the time of now. */
export function querySigned(signer: Signer, input: HeadInput): Head {
  return presignedHead(filledIn(signer, input));
}

/** Sends a head and a body as they are. `repeated` replaces headers by several lines. */
export function sendHead(
  signer: Signer,
  head: Head,
  body?: string | Uint8Array,
  repeated: Readonly<Record<string, readonly string[]>> = {},
): Promise<RawReply> {
  const bytes = typeof body === 'string' ? Buffer.from(body) : body;
  const headers: Record<string, string | readonly string[]> = Object.fromEntries(head.headers);
  if (bytes !== undefined && !head.headers.has('transfer-encoding')) {
    headers['content-length'] = String(bytes.byteLength);
  }
  const target = head.rawQuery === '' ? head.rawPath : `${head.rawPath}?${head.rawQuery}`;
  const request = { port: signer.port, method: head.method, target, body: bytes };
  return sendUnsigned({ ...request, headers: { ...headers, ...repeated } });
}

/** The bytes of a head, without any header that the client would add. */
export function wireHead(head: Head, lines = ''): string {
  const headers = [...head.headers].map(([name, value]) => `${name}: ${value}\r\n`).join('');
  return `${head.method} ${head.rawPath} HTTP/1.1\r\n${headers}${lines}\r\n`;
}

/** A PUT in aws-chunked framing. */
export interface ChunkedPut {
  readonly path: string;
  readonly query?: string;
  readonly mode: ChunkedMode;
  readonly chunks: readonly Uint8Array[];
  /** Sent and announced; the modes without `-TRAILER` have none. */
  readonly trailers?: readonly (readonly [name: string, value: string])[];
  /** More headers, or others; undefined leaves one out. */
  readonly headers?: Readonly<Record<string, string | undefined>>;
  /** Damages the framed body after it was signed. */
  readonly edit?: (body: string) => string;
}

/** Frames, signs and sends a body; correct unless the input says otherwise. */
export function sendChunked(signer: Signer, input: ChunkedPut): Promise<RawReply> {
  const { mode, chunks, trailers = [], edit } = input;
  const hasTrailer = mode.endsWith('-TRAILER');
  const timestamp = amzTimestamp();
  const head = headerSigned(signer, {
    method: 'PUT',
    rawPath: input.path,
    rawQuery: input.query ?? '',
    payloadHash: mode,
    timestamp,
    headers: defined({
      'content-encoding': 'aws-chunked',
      'x-amz-decoded-content-length': String(Buffer.concat(chunks).byteLength),
      'x-amz-trailer': trailers.length === 0 ? undefined : trailers.map(([name]) => name).join(','),
      ...input.headers,
    }),
  });
  const date = timestamp.slice(0, 8);
  const signing = mode.startsWith('STREAMING-AWS4')
    ? {
        signingKey: testSigningKey(signer.secretKey, date, signer.region),
        timestamp,
        scope: `${date}/${signer.region}/s3/aws4_request`,
        seedSignature: head.headers.get('authorization')?.split('Signature=')[1] ?? '',
      }
    : undefined;
  const body = encodeBody(chunks, { signing, trailers: hasTrailer ? trailers : undefined });
  const text = edit?.(body.toString('latin1'));
  return sendHead(signer, head, text === undefined ? body : Buffer.from(text, 'latin1'));
}

function filledIn(signer: Signer, input: HeadInput): HeadInput {
  const { accessKey, secretKey: secret, region, port } = signer;
  const timestamp = amzTimestamp();
  const headers = { host: `127.0.0.1:${port}`, ...input.headers };
  return { accessKey, secret, region, timestamp, ...input, headers };
}

function defined(headers: Readonly<Record<string, string | undefined>>): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) if (value !== undefined) kept[name] = value;
  return kept;
}
