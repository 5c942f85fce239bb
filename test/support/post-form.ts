/**
 * Browser forms, byte for byte as the test writes them, signed by arithmetic of their own.
 *
 * @module
 */

import { createHmac } from 'node:crypto';

import { sendUnsigned, type RawReply, type Signer } from './raw-request.js';

export const BOUNDARY = 'test-boundary-7MA4YWxkTrZu0gW';

/** One part of a form. */
export interface Part {
  readonly name: string;
  readonly content: string | Uint8Array;
  readonly filename?: string | undefined;
}

/** A correct form until something else is said. */
export interface FormInput {
  readonly key?: string;
  /** Further fields, each with a condition of its own unless `conditions` says otherwise. */
  readonly fields?: Readonly<Record<string, string>>;
  /** Replaces all conditions but those of the signature's fields. */
  readonly conditions?: readonly unknown[];
  /** After those that are there anyway. */
  readonly moreConditions?: readonly unknown[];
  /** Replaces the whole policy; a text is sent as it is. */
  readonly policy?: unknown;
  /** Replaces the base64 of the policy, and is signed. */
  readonly encodedPolicy?: string;
  readonly expiration?: string;
  readonly file?: string | Uint8Array;
  readonly filename?: string | undefined;
  /** Changes the fields after they were signed: undefined leaves one out. */
  readonly unsigned?: Readonly<Record<string, string | undefined>>;
  readonly secret?: string;
  readonly accessKey?: string;
  readonly credential?: string;
  readonly algorithm?: string;
  readonly date?: string;
}

/** The parts of a form that the server should accept, in the order of the fields. */
export function signedParts(signer: Signer, bucket: string, input: FormInput = {}): Part[] {
  const { key = 'key', fields = {}, file = 'content', filename = 'file.txt' } = input;
  const timestamp = new Date().toISOString().replace(/[-:]|\.\d+/g, '');
  const accessKey = input.accessKey ?? signer.accessKey;
  const scope = `${timestamp.slice(0, 8)}/${signer.region}/s3/aws4_request`;
  const own = {
    'x-amz-algorithm': input.algorithm ?? 'AWS4-HMAC-SHA256',
    'x-amz-credential': input.credential ?? `${accessKey}/${scope}`,
    'x-amz-date': input.date ?? timestamp,
  };
  const conditions = input.conditions ?? [
    { bucket },
    { key },
    ...Object.entries(fields).map(([name, value]) => ({ [name]: value })),
  ];
  const policy = input.policy ?? {
    expiration: input.expiration ?? new Date(Date.now() + 600_000).toISOString(),
    conditions: [
      ...conditions,
      ...(input.moreConditions ?? []),
      ...Object.entries(own).map(([name, value]) => ({ [name]: value })),
    ],
  };
  const text = typeof policy === 'string' ? policy : JSON.stringify(policy);
  const encoded = input.encodedPolicy ?? Buffer.from(text).toString('base64');
  const all: Record<string, string | undefined> = {
    key,
    ...fields,
    ...own,
    policy: encoded,
    'x-amz-signature': signature(input.secret ?? signer.secretKey, scope, encoded),
    ...input.unsigned,
  };
  const parts = Object.entries(all).flatMap(([name, content]) =>
    content === undefined ? [] : [{ name, content }],
  );
  return [...parts, { name: 'file', content: file, filename }];
}

/** The bytes of a form. */
export function encodeForm(parts: readonly Part[], boundary = BOUNDARY): Buffer {
  const pieces: Uint8Array[] = [];
  for (const { name, content, filename } of parts) {
    const suffix = filename === undefined ? '' : `; filename="${filename}"`;
    pieces.push(
      Buffer.from(
        `--${boundary}\r\nContent-Disposition: form-data; name="${name}"${suffix}\r\n\r\n`,
      ),
      Buffer.from(content),
      Buffer.from('\r\n'),
    );
  }
  pieces.push(Buffer.from(`--${boundary}--\r\n`));
  return Buffer.concat(pieces);
}

/** The headers of a form. */
export function formHeaders(
  { port }: { readonly port: number },
  sizeBytes: number,
  contentType = `multipart/form-data; boundary=${BOUNDARY}`,
): Record<string, string> {
  return {
    host: `127.0.0.1:${port}`,
    'content-type': contentType,
    'content-length': String(sizeBytes),
  };
}

/** Posts the bytes of a form, whatever they are. */
export function postBytes(
  signer: { readonly port: number },
  bucket: string,
  body: Uint8Array,
  headers: Readonly<Record<string, string>> = {},
): Promise<RawReply> {
  return sendUnsigned({
    port: signer.port,
    method: 'POST',
    target: `/${bucket}`,
    headers: { ...formHeaders(signer, body.byteLength), ...headers },
    body,
  });
}

/** Signs and posts a form. */
export function postForm(signer: Signer, bucket: string, input: FormInput = {}): Promise<RawReply> {
  return postBytes(signer, bucket, encodeForm(signedParts(signer, bucket, input)));
}

function signature(secret: string, scope: string, encodedPolicy: string): string {
  let key: string | Buffer = `AWS4${secret}`;
  for (const step of scope.split('/')) key = createHmac('sha256', key).update(step).digest();
  return createHmac('sha256', key).update(encodedPolicy).digest('hex');
}
