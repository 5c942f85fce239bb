/**
 * Whole HTTP requests as bytes, signed once and sent many times: the load generator then costs
 * little itself. A signature is good for fifteen minutes.
 *
 * @module
 */

import { createHash, createHmac } from 'node:crypto';

import {
  canonicalRequest,
  credentialScope,
  deriveSigningKey,
  SIGNATURE_ALGORITHM,
  stringToSign,
} from '#src/wire/sigv4.js';
import { encodeBody } from './aws-chunked-body.js';

/** Where requests go and who signs them. */
export interface Target {
  readonly host: string;
  readonly port: number;
  readonly region: string;
  readonly accessKey: string;
  readonly secretKey: string;
}

/** How a body is signed: by its digest, not at all, or chunk by chunk as warp does over HTTP. */
export type PayloadSigning = 'digest' | 'unsigned' | 'streaming';

export interface RequestParts {
  readonly method: 'GET' | 'PUT' | 'HEAD' | 'DELETE' | 'POST';
  /** Needs no escapes. */
  readonly path: string;
  /** In canonical form. */
  readonly query?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
  /** `digest` unless told. */
  readonly payloadSigning?: PayloadSigning;
}

const NO_BODY = new Uint8Array(0);
/** Chunks of a streaming body, as minio-go cuts them. */
const CHUNK_BYTES = 64 * 1024;

/** Makes requests for one target; deriving its signing key once. */
export function requestSigner(target: Target): (parts: RequestParts) => Buffer {
  const timestamp = new Date().toISOString().replace(/[-:]|\.\d+/g, '');
  const date = timestamp.slice(0, 8);
  const scope = credentialScope(date, target.region);
  const signingKey = deriveSigningKey(target.secretKey, date, target.region);
  return ({
    method,
    path,
    query = '',
    headers = {},
    body = NO_BODY,
    payloadSigning = 'digest',
  }) => {
    const payloadHash = payloadHashOf(body, payloadSigning);
    const all = new Map(
      Object.entries({
        host: `${target.host}:${target.port}`,
        'x-amz-content-sha256': payloadHash,
        'x-amz-date': timestamp,
        ...(payloadSigning === 'streaming'
          ? { 'x-amz-decoded-content-length': String(body.byteLength) }
          : {}),
        ...headers,
      }),
    );
    const signedHeaders = [...all.keys()].sort();
    const canonical = canonicalRequest({
      ...{ method, rawPath: path, canonicalQuery: query, headers: all },
      ...{ repeatedHeaders: new Set<string>(), signedHeaders, payloadHash },
    });
    const text = stringToSign(timestamp, scope, canonical);
    const signature = createHmac('sha256', signingKey).update(text).digest('hex');
    const sent =
      payloadSigning === 'streaming'
        ? encodeBody(chunksOf(body), {
            signing: { signingKey, timestamp, scope, seedSignature: signature },
          })
        : body;
    const authorization =
      `${SIGNATURE_ALGORITHM} Credential=${target.accessKey}/${scope}, ` +
      `SignedHeaders=${signedHeaders.join(';')}, Signature=${signature}`;
    const lines = [`${method} ${query === '' ? path : `${path}?${query}`} HTTP/1.1`];
    for (const [name, value] of all) lines.push(`${name}: ${value}`);
    lines.push(`authorization: ${authorization}`);
    if (sent.byteLength > 0) lines.push(`content-length: ${sent.byteLength}`);
    else if (method === 'PUT' || method === 'POST') lines.push('content-length: 0');
    return Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`), sent]);
  };
}

function payloadHashOf(body: Uint8Array, payloadSigning: PayloadSigning): string {
  if (payloadSigning === 'unsigned') return 'UNSIGNED-PAYLOAD';
  if (payloadSigning === 'streaming') return 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD';
  return createHash('sha256').update(body).digest('hex');
}

function chunksOf(body: Uint8Array): Uint8Array[] {
  const count = Math.ceil(body.byteLength / CHUNK_BYTES);
  return Array.from({ length: count }, (_, index) =>
    body.subarray(index * CHUNK_BYTES, (index + 1) * CHUNK_BYTES),
  );
}
