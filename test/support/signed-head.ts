/**
 * Request heads signed by arithmetic of their own, with every part open to being wrong.
 *
 * @module
 */

import { createHash, createHmac } from 'node:crypto';

/** What the code under test takes. */
export interface Head {
  readonly method: string;
  readonly rawPath: string;
  readonly rawQuery: string;
  readonly headers: ReadonlyMap<string, string>;
  readonly repeatedHeaders: ReadonlySet<string>;
}

/** What is signed; every default makes a valid request. */
export interface HeadInput {
  readonly method?: string;
  readonly rawPath?: string;
  /** In canonical form, without the signature's own parameters. */
  readonly rawQuery?: string;
  /** More headers, all signed unless `signedHeaders` says otherwise. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Headers added after signing. */
  readonly unsignedHeaders?: Readonly<Record<string, string>>;
  readonly repeatedHeaders?: readonly string[];
  readonly signedHeaders?: readonly string[];
  readonly payloadHash?: string;
  readonly accessKey?: string;
  readonly secret?: string;
  readonly timestamp?: string;
  readonly date?: string;
  readonly region?: string;
  readonly service?: string;
  readonly terminal?: string;
  /** For presigned heads. */
  readonly expires?: string;
  /** For presigned heads: the parameters of the signature, changed before signing. */
  readonly editParameters?: (parameters: Map<string, string>) => void;
}

export const ACCESS_KEY = 'AKIAIOSFODNN7EXAMPLE';
export const SECRET_KEY = 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY';
export const TIMESTAMP = '20260115T120000Z';
export const NOW_MS = Date.UTC(2026, 0, 15, 12);
export const REGION = 'us-east-1';
export const EMPTY_SHA256 = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';

/** A head signed in its `Authorization` header. */
export function signedHead(input: HeadInput = {}): Head {
  const { timestamp = TIMESTAMP, payloadHash = EMPTY_SHA256, rawQuery = '' } = input;
  const headers: Record<string, string> = {
    host: '127.0.0.1:9000',
    'x-amz-content-sha256': payloadHash,
    'x-amz-date': timestamp,
    ...input.headers,
  };
  const names = input.signedHeaders ?? Object.keys(headers).sort();
  const scope = scopeOf(input);
  const signature = sign(input, rawQuery, headers, names, payloadHash);
  const credential = `${input.accessKey ?? ACCESS_KEY}/${scope}`;
  headers['authorization'] =
    `AWS4-HMAC-SHA256 Credential=${credential}, SignedHeaders=${names.join(';')}, Signature=${signature}`;
  return headOf(input, rawQuery, headers);
}

/** A head signed in its query. */
export function presignedHead(input: HeadInput = {}): Head {
  const { timestamp = TIMESTAMP, payloadHash = 'UNSIGNED-PAYLOAD' } = input;
  const headers: Record<string, string> = { host: '127.0.0.1:9000', ...input.headers };
  const names = input.signedHeaders ?? Object.keys(headers).sort();
  const parameters = new Map<string, string>([
    ['X-Amz-Algorithm', 'AWS4-HMAC-SHA256'],
    ['X-Amz-Credential', `${input.accessKey ?? ACCESS_KEY}/${scopeOf(input)}`],
    ['X-Amz-Date', timestamp],
    ['X-Amz-Expires', input.expires ?? '60'],
    ['X-Amz-SignedHeaders', names.join(';')],
  ]);
  input.editParameters?.(parameters);
  const own = [...parameters].map(([name, value]) => `${name}=${encodeURIComponent(value)}`);
  const rawQuery = [...(input.rawQuery ?? '').split('&').filter(Boolean), ...own].join('&');
  const sorted = rawQuery.split('&').sort().join('&');
  const signature = sign(input, sorted, headers, names, payloadHash);
  return headOf(input, `${rawQuery}&X-Amz-Signature=${signature}`, headers);
}

/** A copy of a head with headers changed or removed after it was signed. */
export function withHeaders(
  head: Head,
  changes: Readonly<Record<string, string | undefined>>,
): Head {
  const headers = new Map(head.headers);
  for (const [name, value] of Object.entries(changes)) {
    if (value === undefined) headers.delete(name);
    else headers.set(name, value);
  }
  return { ...head, headers };
}

function headOf(
  input: HeadInput,
  rawQuery: string,
  headers: Readonly<Record<string, string>>,
): Head {
  return {
    method: input.method ?? 'GET',
    rawPath: input.rawPath ?? '/bucket/key',
    rawQuery,
    headers: new Map(Object.entries({ ...headers, ...input.unsignedHeaders })),
    repeatedHeaders: new Set(input.repeatedHeaders),
  };
}

function scopeOf(input: HeadInput): string {
  const { timestamp = TIMESTAMP, date = timestamp.slice(0, 8), region = REGION } = input;
  return `${date}/${region}/${input.service ?? 's3'}/${input.terminal ?? 'aws4_request'}`;
}

function sign(
  input: HeadInput,
  query: string,
  headers: Readonly<Record<string, string>>,
  names: readonly string[],
  payloadHash: string,
): string {
  const canonical = [
    input.method ?? 'GET',
    input.rawPath ?? '/bucket/key',
    query,
    ...names.map((name) => `${name}:${headers[name] ?? ''}`),
    '',
    names.join(';'),
    payloadHash,
  ].join('\n');
  const scope = scopeOf(input);
  const hashed = createHash('sha256').update(canonical).digest('hex');
  const text = `AWS4-HMAC-SHA256\n${input.timestamp ?? TIMESTAMP}\n${scope}\n${hashed}`;
  let key: string | Buffer = `AWS4${input.secret ?? SECRET_KEY}`;
  for (const step of scope.split('/')) key = createHmac('sha256', key).update(step).digest();
  return createHmac('sha256', key).update(text).digest('hex');
}
