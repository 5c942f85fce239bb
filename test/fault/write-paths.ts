/**
 * Every way to write, one request each, with what must be seen before and after it.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';

import { elementText, elementTexts, rawRequest, type RawReply } from '../support/raw-request.js';
import type { TestServer } from '../support/server.js';

export const BUCKET = 'fault-bucket';
const INLINE_BYTES = 1_000;
const BLOB_BYTES = 100_000;
/** More than is gathered for one write. */
const LARGE_BYTES = 2_500_000;

/** One request that is about to be sent. */
export interface PreparedWrite {
  send(): Promise<RawReply>;
  /** What is in the store, in a word. */
  observe(): Promise<string>;
  /** What is observed when the request took effect. */
  readonly after: string;
}

export interface WritePath {
  readonly name: string;
  prepare(server: TestServer, key: string): Promise<PreparedWrite>;
}

export const WRITE_PATHS: readonly WritePath[] = [
  put('a new object in the index', undefined, INLINE_BYTES),
  put('a new object in a file', undefined, BLOB_BYTES),
  put('a new large object', undefined, LARGE_BYTES),
  put('over an object in the index', INLINE_BYTES, INLINE_BYTES),
  put('over an object in a file', BLOB_BYTES, BLOB_BYTES),
  {
    name: 'CopyObject',
    prepare: async (server, key) => {
      const body = await stored(server, `${key}-source`, BLOB_BYTES);
      const headers = { 'x-amz-copy-source': `${BUCKET}/${key}-source` };
      return write(server, key, { method: 'PUT', headers }, digestOf(body));
    },
  },
  {
    name: 'RenameObject',
    prepare: async (server, key) => {
      const body = await stored(server, `${key}-source`, BLOB_BYTES);
      const headers = { 'x-amz-rename-source': `/${BUCKET}/${key}-source` };
      const query = 'renameObject';
      return write(server, key, { method: 'PUT', query, headers }, digestOf(body));
    },
  },
  {
    name: 'an append',
    prepare: async (server, key) => {
      const old = await stored(server, key, BLOB_BYTES);
      const body = randomBytes(BLOB_BYTES);
      const headers = { 'x-amz-write-offset-bytes': String(BLOB_BYTES) };
      const after = digestOf(Buffer.concat([old, body]));
      return write(server, key, { method: 'PUT', headers, body }, after);
    },
  },
  {
    name: 'PutObjectTagging',
    prepare: async (server, key) => {
      await stored(server, key, BLOB_BYTES);
      const body = '<Tagging><TagSet><Tag><Key>a</Key><Value>b</Value></Tag></TagSet></Tagging>';
      const headers = { 'content-md5': createHash('md5').update(body).digest('base64') };
      const request = { method: 'PUT', query: 'tagging', headers, body };
      return {
        ...(await write(server, key, request, 'a')),
        observe: async () => elementTexts((await get(server, key, 'tagging')).text, 'Key').join(),
      };
    },
  },
  {
    name: 'DeleteObject',
    prepare: async (server, key) => {
      await stored(server, key, BLOB_BYTES);
      return write(server, key, { method: 'DELETE' }, 'NoSuchKey');
    },
  },
  {
    name: 'UploadPart',
    prepare: async (server, key) => {
      const uploadId = await begun(server, key);
      const body = randomBytes(BLOB_BYTES);
      const query = `partNumber=1&uploadId=${uploadId}`;
      return {
        ...(await write(server, key, { method: 'PUT', query, body }, '1')),
        observe: async () =>
          elementTexts((await get(server, key, `uploadId=${uploadId}`)).text, 'PartNumber').join(),
      };
    },
  },
  {
    name: 'CompleteMultipartUpload',
    prepare: async (server, key) => {
      const uploadId = await begun(server, key);
      const part = randomBytes(BLOB_BYTES);
      const query = `partNumber=1&uploadId=${uploadId}`;
      const reply = await request(server, key, { method: 'PUT', query, body: part });
      const body = `<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>${
        reply.headers.etag ?? ''
      }</ETag></Part></CompleteMultipartUpload>`;
      const complete = { method: 'POST', query: `uploadId=${uploadId}`, body };
      return write(server, key, complete, digestOf(part));
    },
  },
];

function put(what: string, oldBytes: number | undefined, sizeBytes: number): WritePath {
  return {
    name: `PutObject of ${what}`,
    prepare: async (server, key) => {
      if (oldBytes !== undefined) await stored(server, key, oldBytes);
      const body = randomBytes(sizeBytes);
      return write(server, key, { method: 'PUT', body }, digestOf(body));
    },
  };
}

interface Request {
  readonly method: string;
  readonly query?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Buffer | string;
}

export function request(server: TestServer, key: string, input: Request): Promise<RawReply> {
  const path = key === '' ? `/${BUCKET}` : `/${BUCKET}/${key}`;
  return rawRequest(server, { ...input, path });
}

function write(
  server: TestServer,
  key: string,
  input: Request,
  after: string,
): Promise<PreparedWrite> {
  return Promise.resolve({
    after,
    send: () => request(server, key, input),
    observe: async () => {
      const reply = await get(server, key);
      return reply.status === 200 ? digestOf(reply.body) : reply.code;
    },
  });
}

function get(server: TestServer, key: string, query = ''): Promise<RawReply> {
  return request(server, key, { method: 'GET', query });
}

async function stored(server: TestServer, key: string, sizeBytes: number): Promise<Buffer> {
  const body = randomBytes(sizeBytes);
  const { status, text } = await request(server, key, { method: 'PUT', body });
  assert.equal(status, 200, text);
  return body;
}

async function begun(server: TestServer, key: string): Promise<string> {
  const { text } = await request(server, key, { method: 'POST', query: 'uploads' });
  const uploadId = elementText(text, 'UploadId');
  assert.ok(uploadId !== undefined, text);
  return uploadId;
}

export function digestOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
