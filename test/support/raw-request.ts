/**
 * One signed HTTP request, byte for byte as the test writes it, and its whole answer.
 *
 * An SDK normalises, validates and retries; these requests do not. The signature is computed
 * here, independently of the code under test.
 *
 * @module
 */

import { createHash, createHmac } from 'node:crypto';
import {
  request as httpRequest,
  type Agent,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
} from 'node:http';

export interface Signer {
  readonly port: number;
  readonly region: string;
  readonly accessKey: string;
  readonly secretKey: string;
}

export interface RawRequest {
  readonly method: string;
  /** As it goes on the wire, escapes included: `/bucket/a%2Bb`. */
  readonly path: string;
  /** As it goes on the wire: `prefix=a%2F&max-keys=3`. */
  readonly query?: string;
  /** Sent as UTF-8. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Bytes to send in place of a header's value after it was signed. */
  readonly headerBytes?: Readonly<Record<string, Uint8Array>>;
  readonly body?: string | Uint8Array;
  /** Keeps the connections; Node's own unless told. */
  readonly agent?: Agent;
  /** Not signed at all. */
  readonly isAnonymous?: boolean;
}

export interface RawReply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  /** The body as text. */
  readonly text: string;
  /** `<Code>` of an error document; empty when there is none. */
  readonly code: string;
}

/** Sends a request with a Signature Version 4 header that covers every header and the body. */
export async function rawRequest(signer: Signer, input: RawRequest): Promise<RawReply> {
  const body = typeof input.body === 'string' ? Buffer.from(input.body) : input.body;
  const headers: Record<string, string> = {
    host: `127.0.0.1:${signer.port}`,
    ...lowerCase(input.headers ?? {}),
  };
  if (body !== undefined) headers['content-length'] = String(body.byteLength);
  if (input.isAnonymous !== true) sign(signer, input, headers, body);
  // Node writes headers as Latin-1, one byte a character.
  for (const name in headers) headers[name] = Buffer.from(headers[name] ?? '').toString('latin1');
  for (const [name, bytes] of Object.entries(input.headerBytes ?? {})) {
    headers[name] = Buffer.from(bytes).toString('latin1');
  }
  const target = input.query === undefined ? input.path : `${input.path}?${input.query}`;
  const { method, agent } = input;
  return sendUnsigned({ port: signer.port, method, target, headers, body, agent });
}

/** A request that goes on the wire as it is: nothing is signed and no header of S3 is added. */
export interface UnsignedRequest {
  readonly port: number;
  readonly method: string;
  readonly target: string;
  /** A list is sent as that many header lines. */
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  readonly body?: Uint8Array | undefined;
  readonly agent?: Agent | undefined;
}

/** Sends a request and reads the whole answer. */
export function sendUnsigned(request: UnsignedRequest): Promise<RawReply> {
  const { port, method, target, body } = request;
  const headers: OutgoingHttpHeaders = {};
  for (const [name, value] of Object.entries(request.headers)) {
    headers[name] = typeof value === 'string' ? value : [...value];
  }
  return new Promise((resolve, reject) => {
    const outgoing = httpRequest(
      { host: '127.0.0.1', port, method, path: target, headers, agent: request.agent },
      (incoming) => {
        const pieces: Buffer[] = [];
        incoming.on('data', (piece: Buffer) => pieces.push(piece));
        incoming.on('error', reject);
        incoming.on('end', () => {
          const bytes = Buffer.concat(pieces);
          const text = bytes.toString('utf8');
          resolve({
            status: incoming.statusCode ?? 0,
            headers: incoming.headers,
            body: bytes,
            text,
            code: elementText(text, 'Code') ?? '',
          });
        });
      },
    );
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

/** Texts of all elements of a name, in order, XML escapes undone. */
export function elementTexts(xml: string, name: string): string[] {
  const pattern = new RegExp(`<${name}>([^<]*)</${name}>`, 'g');
  return [...xml.matchAll(pattern)].map(([, text = '']) => unescapeXml(text));
}

/** Text of the first element of a name. */
export function elementText(xml: string, name: string): string | undefined {
  return elementTexts(xml, name)[0];
}

function sign(
  signer: Signer,
  input: RawRequest,
  headers: Record<string, string>,
  body: Uint8Array | undefined,
): void {
  const timestamp = new Date().toISOString().replace(/[-:]|\.\d+/g, '');
  const date = timestamp.slice(0, 8);
  headers['x-amz-date'] ??= timestamp;
  headers['x-amz-content-sha256'] ??= sha256(body ?? '');
  const names = Object.keys(headers)
    .filter((name) => name !== 'content-length')
    .sort();
  const canonical = [
    input.method,
    input.path,
    canonicalQuery(input.query ?? ''),
    ...names.map((name) => `${name}:${(headers[name] ?? '').trim().replace(/ +/g, ' ')}`),
    '',
    names.join(';'),
    headers['x-amz-content-sha256'],
  ].join('\n');
  const scope = `${date}/${signer.region}/s3/aws4_request`;
  const text = `AWS4-HMAC-SHA256\n${timestamp}\n${scope}\n${sha256(canonical)}`;
  let key: Buffer = Buffer.from(`AWS4${signer.secretKey}`);
  for (const step of [date, signer.region, 's3', 'aws4_request']) key = hmac(key, step);
  const signature = hmac(key, text).toString('hex');
  headers['authorization'] =
    `AWS4-HMAC-SHA256 Credential=${signer.accessKey}/${scope}, ` +
    `SignedHeaders=${names.join(';')}, Signature=${signature}`;
}

function canonicalQuery(query: string): string {
  if (query === '') return '';
  return (
    query
      .split('&')
      .map((pair) => (pair.includes('=') ? pair : `${pair}=`))
      // By name, then by value: `a=` comes before `a-b=`, although `-` is below `=`.
      .map((pair) => pair.replace('=', '\0'))
      .sort()
      .map((pair) => pair.replace('\0', '='))
      .join('&')
  );
}

function lowerCase(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]),
  );
}

function sha256(data: string | Uint8Array): string {
  return createHash('sha256').update(data).digest('hex');
}

function hmac(key: Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}

function unescapeXml(text: string): string {
  return text
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&#13;', '\r')
    .replaceAll('&amp;', '&');
}
