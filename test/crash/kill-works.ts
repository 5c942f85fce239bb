/**
 * One piece of work for every write path, with what it needs to begin, in terms of the ledger.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  PutObjectCommand,
  PutObjectTaggingCommand,
  RenameObjectCommand,
  UploadPartCommand,
  UploadPartCopyCommand,
  type S3Client,
} from '@aws-sdk/client-s3';

import type { CallShim } from '../support/call-shim.js';
import { waitFor, type TestServer } from '../support/server.js';
import { md5, multipartVersionOf, versionOf, type Ledger, type State } from './ledger.js';
import { BUCKET } from './load.js';

const INLINE = 1_000;
const BLOB = 100_000;
/** Several checksum blocks. */
const LARGE = 1_500_000;

/** What work is done with. */
export interface Bench {
  readonly server: TestServer;
  readonly shim: CallShim;
  readonly client: S3Client;
  readonly ledger: Ledger;
}

export interface Work {
  readonly name: string;
  /** Where the write is made; server unless told. */
  readonly victim?: 'server' | 'jobs';
  /** Makes what the work begins with; what it returns is done when the kill is armed. */
  readonly prepare: (bench: Bench) => Promise<() => Promise<void>>;
}

// prettier-ignore -- a table: exempt from the 100-column rule, read it as one.
export const WORKS: readonly Work[] = [
  { name: 'PutObject inline', prepare: async (bench) => () => put(bench, 'inline', INLINE) },
  {
    name: 'PutObject of a blob under a new key',
    prepare: async (bench) => () => put(bench, `new-${randomBytes(4).toString('hex')}`, BLOB),
  },
  {
    name: 'PutObject of several blocks',
    prepare: async (bench) => () => put(bench, 'large', LARGE),
  },
  {
    name: 'PutObject over a blob',
    prepare: after(
      (bench) => put(bench, 'over', BLOB),
      (bench) => put(bench, 'over', BLOB),
    ),
  },
  {
    name: 'PutObject inline over a blob',
    prepare: after(
      (bench) => put(bench, 'shrunk', BLOB),
      (bench) => put(bench, 'shrunk', INLINE),
    ),
  },
  {
    name: 'CopyObject by link',
    prepare: after(
      (bench) => put(bench, 'source', BLOB),
      (bench) => copy(bench, 'source', 'linked'),
    ),
  },
  {
    name: 'CopyObject by bytes',
    prepare: after(
      (bench) => multipart(bench, 'parts'),
      (bench) => copy(bench, 'parts', 'copied'),
    ),
  },
  { name: 'UploadPart', prepare: uploadPart },
  { name: 'UploadPart in place of another', prepare: uploadPartAgain },
  { name: 'UploadPartCopy', prepare: uploadPartCopy },
  { name: 'CompleteMultipartUpload', prepare: complete },
  { name: 'AbortMultipartUpload', prepare: abort },
  { name: 'append to an inline object', prepare: (bench) => append(bench, INLINE) },
  { name: 'append to a blob', prepare: (bench) => append(bench, BLOB) },
  {
    name: 'RenameObject',
    prepare: after(
      (bench) => put(bench, 'old', BLOB),
      (bench) => rename(bench, 'old', 'renamed'),
    ),
  },
  {
    name: 'PutObjectTagging of a blob',
    prepare: after(
      (bench) => put(bench, 'tagged', BLOB),
      (bench) => tag(bench, 'tagged'),
    ),
  },
  {
    name: 'PutObjectTagging of a multipart object',
    prepare: after(
      (bench) => multipart(bench, 'tagged-parts'),
      (bench) => tag(bench, 'tagged-parts'),
    ),
  },
  {
    name: 'DeleteObject',
    prepare: after(
      (bench) => put(bench, 'gone', BLOB),
      (bench) => remove(bench, 'gone'),
    ),
  },
  {
    name: 'DeleteObjects',
    prepare: after(
      async (bench) => {
        await put(bench, 'gone', BLOB);
        await put(bench, 'gone-too', INLINE);
      },
      (bench) => removeAll(bench, ['gone', 'gone-too']),
    ),
  },
  { name: 'sweeping', victim: 'jobs', prepare: after((bench) => put(bench, 'swept', BLOB), sweep) },
];

type Step = (bench: Bench) => Promise<void>;

function after(first: Step, then: Step): Work['prepare'] {
  return async (bench) => {
    await first(bench);
    return () => then(bench);
  };
}

async function put({ client, ledger }: Bench, key: string, what: number | Buffer): Promise<void> {
  const body = typeof what === 'number' ? randomBytes(what) : what;
  const version = versionOf(body);
  ledger.attempt(key, version);
  await client.send(new PutObjectCommand({ Bucket: BUCKET, Key: key, Body: body }));
  ledger.acknowledge(key, version);
}

async function copy({ client, ledger }: Bench, source: string, key: string): Promise<void> {
  const state = stateOf(ledger, source);
  const version = { ...state, etag: state.md5Hex };
  ledger.attempt(key, version);
  const CopySource = `${BUCKET}/${source}`;
  await client.send(new CopyObjectCommand({ Bucket: BUCKET, Key: key, CopySource }));
  ledger.acknowledge(key, version);
}

async function rename({ client, ledger }: Bench, source: string, key: string): Promise<void> {
  const state = stateOf(ledger, source);
  ledger.attempt(key, state);
  ledger.attempt(source, undefined);
  const RenameSource = `/${BUCKET}/${source}`;
  await client.send(new RenameObjectCommand({ Bucket: BUCKET, Key: key, RenameSource }));
  ledger.acknowledge(key, state);
  ledger.acknowledge(source, undefined);
}

/** An inline object stays one; a file becomes the first part. */
async function append(bench: Bench, sizeBytes: number): Promise<() => Promise<void>> {
  const { client, ledger } = bench;
  const name = { Bucket: BUCKET, Key: 'appended' };
  const [existing, body] = [randomBytes(sizeBytes), randomBytes(sizeBytes)];
  await put(bench, name.Key, existing);
  const whole = Buffer.concat([existing, body]);
  const version = sizeBytes > INLINE ? multipartVersionOf([existing, body]) : versionOf(whole);
  return async () => {
    ledger.attempt(name.Key, version);
    await client.send(new PutObjectCommand({ ...name, Body: body, WriteOffsetBytes: sizeBytes }));
    ledger.acknowledge(name.Key, version);
  };
}

async function tag({ client, ledger }: Bench, key: string): Promise<void> {
  const version = { ...stateOf(ledger, key), tag: randomBytes(4).toString('hex') };
  const Tagging = { TagSet: [{ Key: 'tag', Value: version.tag }] };
  ledger.attempt(key, version);
  await client.send(new PutObjectTaggingCommand({ Bucket: BUCKET, Key: key, Tagging }));
  ledger.acknowledge(key, version);
}

async function remove({ client, ledger }: Bench, key: string): Promise<void> {
  ledger.attempt(key, undefined);
  await client.send(new DeleteObjectCommand({ Bucket: BUCKET, Key: key }));
  ledger.acknowledge(key, undefined);
}

async function removeAll({ client, ledger }: Bench, keys: readonly string[]): Promise<void> {
  for (const key of keys) ledger.attempt(key, undefined);
  const Delete = { Objects: keys.map((Key) => ({ Key })) };
  const answer = await client.send(new DeleteObjectsCommand({ Bucket: BUCKET, Delete }));
  assert.deepEqual(answer.Errors ?? [], []);
  for (const key of keys) ledger.acknowledge(key, undefined);
}

/** Ends when the payload is gone or when whoever removes it is. */
async function sweep(bench: Bench): Promise<void> {
  await remove(bench, 'swept');
  const path = join(bench.server.dataPath, BUCKET);
  const isSwept = (): boolean =>
    !readdirSync(path).some((name) => existsSync(join(path, name, 'swept')));
  await waitFor('the sweeper', () => bench.shim.fired() !== undefined || isSwept());
}

async function createUpload({ client, ledger }: Bench, key: string): Promise<string> {
  const { UploadId: uploadId = '' } = await client.send(
    new CreateMultipartUploadCommand({ Bucket: BUCKET, Key: key }),
  );
  ledger.uploads.set(uploadId, { key, uploadId, parts: new Map() });
  return uploadId;
}

async function sendPart(bench: Bench, uploadId: string, number: number, body: Buffer) {
  const upload = bench.ledger.uploads.get(uploadId);
  assert(upload !== undefined);
  upload.parts.delete(number);
  await bench.client.send(
    new UploadPartCommand({
      ...{ Bucket: BUCKET, Key: upload.key, UploadId: uploadId },
      ...{ PartNumber: number, Body: body },
    }),
  );
  upload.parts.set(number, { etag: md5(body), sizeBytes: body.byteLength });
}

async function uploadPart(bench: Bench): Promise<() => Promise<void>> {
  const uploadId = await createUpload(bench, 'upload');
  return () => sendPart(bench, uploadId, 2, randomBytes(BLOB));
}

async function uploadPartAgain(bench: Bench): Promise<() => Promise<void>> {
  const uploadId = await createUpload(bench, 'upload');
  await sendPart(bench, uploadId, 1, randomBytes(BLOB));
  await sendPart(bench, uploadId, 2, randomBytes(BLOB));
  return () => sendPart(bench, uploadId, 2, randomBytes(BLOB));
}

async function uploadPartCopy(bench: Bench): Promise<() => Promise<void>> {
  const { client, ledger } = bench;
  await put(bench, 'part-source', BLOB);
  const { md5Hex: etag, sizeBytes } = stateOf(ledger, 'part-source');
  const uploadId = await createUpload(bench, 'upload');
  return async () => {
    await client.send(
      new UploadPartCopyCommand({
        ...{ Bucket: BUCKET, Key: 'upload', UploadId: uploadId, PartNumber: 3 },
        CopySource: `${BUCKET}/part-source`,
      }),
    );
    ledger.uploads.get(uploadId)?.parts.set(3, { etag, sizeBytes });
  };
}

/** With a part that the completion leaves out. */
async function complete(bench: Bench): Promise<() => Promise<void>> {
  const uploadId = await createUpload(bench, 'completed');
  const parts = [randomBytes(BLOB), randomBytes(BLOB)];
  for (const [index, body] of parts.entries()) await sendPart(bench, uploadId, index + 1, body);
  await sendPart(bench, uploadId, 7, randomBytes(BLOB));
  return () => completeUpload(bench, uploadId, parts);
}

/** Its repetition, when no answer comes, is the business of `verify`. */
async function completeUpload(bench: Bench, uploadId: string, bodies: readonly Buffer[]) {
  const { client, ledger } = bench;
  const upload = ledger.uploads.get(uploadId);
  assert(upload !== undefined);
  const version = multipartVersionOf(bodies);
  const parts = bodies.map((body, index) => ({ PartNumber: index + 1, ETag: md5(body) }));
  upload.completion = { parts, version };
  ledger.attempt(upload.key, version);
  await client.send(
    new CompleteMultipartUploadCommand({
      ...{ Bucket: BUCKET, Key: upload.key, UploadId: uploadId },
      MultipartUpload: { Parts: parts },
    }),
  );
  ledger.acknowledge(upload.key, version);
  ledger.uploads.delete(uploadId);
}

async function multipart(bench: Bench, key: string): Promise<void> {
  const uploadId = await createUpload(bench, key);
  const parts = [randomBytes(BLOB), randomBytes(INLINE)];
  for (const [index, body] of parts.entries()) await sendPart(bench, uploadId, index + 1, body);
  await completeUpload(bench, uploadId, parts);
}

async function abort(bench: Bench): Promise<() => Promise<void>> {
  const { client, ledger } = bench;
  const uploadId = await createUpload(bench, 'aborted');
  await sendPart(bench, uploadId, 1, randomBytes(BLOB));
  return async () => {
    // From here on it may be gone; when it is not, the end of the test finds it.
    ledger.uploads.delete(uploadId);
    await client.send(
      new AbortMultipartUploadCommand({ Bucket: BUCKET, Key: 'aborted', UploadId: uploadId }),
    );
  };
}

function stateOf(ledger: Ledger, key: string): NonNullable<State> {
  const state = ledger.known(key)?.state;
  assert(state !== undefined, `${key} is there`);
  return state;
}
