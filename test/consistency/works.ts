/**
 * The operations that clients of a consistency run do, each with what its answers mean.
 *
 * @module
 */

import assert from 'node:assert/strict';

import type { KeptReply } from '../support/kept-connection.js';
import type { RequestParts } from '../support/prepared-request.js';
import { elementText } from '../support/raw-request.js';
import { effect, type Effect, type Recorder } from './recorder.js';
import { md5, type Content } from './values.js';

export const BUCKET = 'linear';

/** One client's way to the server. */
export interface Wire {
  /** @throws {NoAnswer} the connection ended before the answer. */
  send(request: RequestParts): Promise<KeptReply>;
}

/** The connection ended before the answer; the request may have been carried out. */
export class NoAnswer extends Error {}

export interface Worker {
  readonly wire: Wire;
  readonly recorder: Recorder;
  /** Below `limit`. */
  random(limit: number): number;
}

type Work = (worker: Worker, key: string) => Promise<void>;

/** What the answers of one request mean: by status, or by the code of an error. */
interface Meaning {
  readonly request: RequestParts;
  /** By key, when it succeeds. */
  readonly success: Readonly<Record<string, Effect>>;
  /** By code, when it is refused; none: it says nothing. */
  readonly refusals: Readonly<Record<string, Readonly<Record<string, Effect>>>>;
  /** The ETag that the answer must show, if it shows one. */
  readonly etag?: string;
}

/** Mostly small, some of several kilobytes, some above the inline limit of 32 KiB. */
const SIZES = [64, 100, 200, 300, 500, 800, 1000, 5_000, 20_000, 40_000];
/** Appending goes on up to this. */
const APPENDED_BYTES_MAX = 60_000;
const APPENDED_PARTS_MAX = 3;

/** Listed as often as it shall happen. */
export const WORKS: readonly Work[] = [
  ...Array<Work>(10).fill(get),
  ...Array<Work>(3).fill(head),
  ...Array<Work>(7).fill(put),
  ...Array<Work>(3).fill(remove),
  ...Array<Work>(3).fill(putIfNoneMatch),
  ...Array<Work>(3).fill(putIfMatch),
  ...[removeIfMatch, copy, copy, append, append, rename, multipart, list, list, list],
];

async function get({ wire, recorder }: Worker, key: string): Promise<void> {
  await observe(recorder, async () => {
    const reply = await wire.send({ method: 'GET', path: pathOf(key) });
    if (reply.status === 404) return { [key]: 0 };
    assert.equal(reply.status, 200, codeOf(reply));
    const { id, md5Hex } = recorder.values.require(etagIn(reply));
    assert.equal(md5(reply.body), md5Hex, 'the bytes are those of the ETag');
    return { [key]: id };
  });
}

async function head({ wire, recorder }: Worker, key: string): Promise<void> {
  await observe(recorder, async () => {
    const reply = await wire.send({ method: 'HEAD', path: pathOf(key) });
    if (reply.status === 404) return { [key]: 0 };
    assert.equal(reply.status, 200);
    return { [key]: recorder.values.require(etagIn(reply)).id };
  });
}

/** A list is a read of every key: what it does not show is not there. */
async function list({ wire, recorder }: Worker): Promise<void> {
  await observe(recorder, async () => {
    const reply = await wire.send({ method: 'GET', path: `/${BUCKET}`, query: 'list-type=2' });
    assert.equal(reply.status, 200, codeOf(reply));
    const seen = Object.fromEntries(recorder.keys.map((key) => [key, 0]));
    for (const [, entry = ''] of reply.body.toString().matchAll(/<Contents>(.*?)<\/Contents>/gs)) {
      const etag = (elementText(entry, 'ETag') ?? '').replaceAll('"', '');
      const { id, sizeBytes } = recorder.values.require(etag);
      assert.equal(Number(elementText(entry, 'Size')), sizeBytes);
      seen[elementText(entry, 'Key') ?? ''] = id;
    }
    return seen;
  });
}

async function put(worker: Worker, key: string): Promise<void> {
  const { value, bytes } = fresh(worker);
  await change(worker, {
    request: { method: 'PUT', path: pathOf(key), body: bytes },
    success: { [key]: effect('write', { to: value.id }) },
    ...{ refusals: {}, etag: value.etag },
  });
}

async function putIfNoneMatch(worker: Worker, key: string): Promise<void> {
  const { value, bytes } = fresh(worker);
  const headers = { 'if-none-match': '*' };
  await change(worker, {
    request: { method: 'PUT', path: pathOf(key), body: bytes, headers },
    success: { [key]: effect('exchange', { to: value.id }) },
    refusals: { PreconditionFailed: { [key]: effect('other', {}) } },
    etag: value.etag,
  });
}

async function putIfMatch(worker: Worker, key: string): Promise<void> {
  const expected = worker.recorder.hint(key);
  if (expected === '') return putIfNoneMatch(worker, key);
  const { value, bytes } = fresh(worker);
  const headers = { 'if-match': `"${expected}"` };
  const from = worker.recorder.values.require(expected).id;
  await change(worker, {
    request: { method: 'PUT', path: pathOf(key), body: bytes, headers },
    success: { [key]: effect('exchange', { from, to: value.id }) },
    refusals: notMatching(key, from),
    etag: value.etag,
  });
}

async function remove(worker: Worker, key: string): Promise<void> {
  await change(worker, {
    request: { method: 'DELETE', path: pathOf(key) },
    success: { [key]: effect('write', { to: 0 }) },
    refusals: {},
  });
}

async function removeIfMatch(worker: Worker, key: string): Promise<void> {
  const expected = worker.recorder.hint(key);
  if (expected === '') return remove(worker, key);
  const from = worker.recorder.values.require(expected).id;
  await change(worker, {
    request: { method: 'DELETE', path: pathOf(key), headers: { 'if-match': `"${expected}"` } },
    success: { [key]: effect('remove', { from }) },
    refusals: { PreconditionFailed: { [key]: effect('other', { from }) } },
  });
}

/** Of a known version: the copy reads one key and writes another, not both at one moment. */
async function copy(worker: Worker, key: string): Promise<void> {
  const { recorder } = worker;
  const chosen = chooseSource(worker, key);
  if (chosen === undefined) return put(worker, key);
  const { source, content } = chosen;
  const from = content.value.id;
  const { value } = recorder.values.copied(content);
  await change(worker, {
    request: {
      ...{ method: 'PUT', path: pathOf(key) },
      headers: {
        'x-amz-copy-source': `/${BUCKET}/${source}`,
        'x-amz-copy-source-if-match': `"${content.value.etag}"`,
      },
    },
    success: { [source]: effect('read', { from }), [key]: effect('write', { to: value.id }) },
    refusals: { ...notMatching(source, from), OperationAborted: {} },
    etag: value.etag,
  });
}

/** Looked at one key at a time; that both change at once is shown by rename-append.test.ts. */
async function rename(worker: Worker, key: string): Promise<void> {
  const chosen = chooseSource(worker, key);
  if (chosen === undefined) return put(worker, key);
  const { source, content } = chosen;
  const { id, etag } = content.value;
  await change(worker, {
    request: {
      ...{ method: 'PUT', path: pathOf(key), query: 'renameObject=' },
      headers: {
        'x-amz-rename-source': `/${BUCKET}/${source}`,
        'x-amz-rename-source-if-match': `"${etag}"`,
      },
    },
    success: {
      [source]: effect('exchange', { from: id, to: 0 }),
      [key]: effect('write', { to: id }),
    },
    refusals: { ...notMatching(source, id), OperationAborted: {} },
  });
}

/** Bytes behind a known version. */
async function append(worker: Worker, key: string): Promise<void> {
  const { recorder } = worker;
  const base = recorder.values.contentOf(recorder.hint(key));
  if (base === undefined || base.bytes.byteLength > APPENDED_BYTES_MAX) return put(worker, key);
  if (base.partDigests.length >= APPENDED_PARTS_MAX) return put(worker, key);
  const body = recorder.values.fresh(sizeOf(worker));
  const { value } = recorder.values.appended(base, body);
  const from = base.value.id;
  await change(worker, {
    request: {
      ...{ method: 'PUT', path: pathOf(key), body },
      headers: {
        'if-match': `"${base.value.etag}"`,
        'x-amz-write-offset-bytes': String(base.bytes.byteLength),
      },
    },
    success: { [key]: effect('exchange', { from, to: value.id }) },
    refusals: {
      ...notMatching(key, from),
      InvalidWriteOffset: { [key]: effect('not', { from }) },
      OperationAborted: {},
    },
    etag: value.etag,
  });
}

/** Creating an upload and its part changes no key; completing it does, here on a condition too. */
async function multipart(worker: Worker, key: string): Promise<void> {
  const { wire, recorder } = worker;
  const bytes = recorder.values.fresh(sizeOf(worker));
  const path = pathOf(key);
  const created = await wire.send({ method: 'POST', path, query: 'uploads=' });
  assert.equal(created.status, 200, codeOf(created));
  const uploadId = elementText(created.body.toString(), 'UploadId') ?? '';
  const query = `partNumber=1&uploadId=${uploadId}`;
  const part = await wire.send({ method: 'PUT', path, query, body: bytes });
  assert.equal(part.status, 200, codeOf(part));
  const { value } = recorder.values.completed(bytes);
  const isConditional = worker.random(2) === 0;
  const listed = `<Part><PartNumber>1</PartNumber><ETag>${etagIn(part)}</ETag></Part>`;
  const body = Buffer.from(`<CompleteMultipartUpload>${listed}</CompleteMultipartUpload>`);
  await change(worker, {
    request: {
      ...{ method: 'POST', path, query: `uploadId=${uploadId}`, body },
      headers: isConditional ? { 'if-none-match': '*' } : {},
    },
    success: { [key]: effect(isConditional ? 'exchange' : 'write', { to: value.id }) },
    refusals: {
      PreconditionFailed: { [key]: effect('other', {}) },
      ConditionalRequestConflict: {},
    },
    etag: value.etag,
  });
}

/** What a read showed, by key; when no answer came it showed nothing and changed nothing. */
async function observe(
  recorder: Recorder,
  read: () => Promise<Readonly<Record<string, number>>>,
): Promise<void> {
  const invokedAt = recorder.ticks.next();
  const seen = await read();
  const returnedAt = recorder.ticks.next();
  for (const [key, from] of Object.entries(seen)) {
    recorder.answered(key, invokedAt, returnedAt, effect('read', { from }));
  }
}

async function change({ wire, recorder }: Worker, meaning: Meaning): Promise<void> {
  const invokedAt = recorder.ticks.next();
  let reply: KeptReply;
  try {
    reply = await wire.send(meaning.request);
  } catch (error) {
    if (!(error instanceof NoAnswer)) throw error;
    for (const [key, one] of Object.entries(meaning.success)) {
      if (one.kind !== 'read') recorder.unanswered(key, invokedAt, one);
    }
    throw error;
  }
  const returnedAt = recorder.ticks.next();
  const isSuccess = reply.status === 200 || reply.status === 204;
  const effects = isSuccess ? meaning.success : meaning.refusals[codeOf(reply)];
  assert(effects !== undefined, `unexpected answer ${reply.status} ${codeOf(reply)}`);
  if (isSuccess && meaning.etag !== undefined) {
    const shown = etagIn(reply) || etagOfDocument(reply);
    assert.equal(shown, meaning.etag, 'the ETag is that of what was sent');
  }
  for (const [key, one] of Object.entries(effects)) {
    recorder.answered(key, invokedAt, returnedAt, one);
  }
}

/** The refusals of `If-Match`: something else is there, or nothing. */
function notMatching(key: string, from: number): Meaning['refusals'] {
  return {
    PreconditionFailed: { [key]: effect('other', { from }) },
    NoSuchKey: { [key]: effect('read', { from: 0 }) },
  };
}

/** Another key, and what was seen there last. */
function chooseSource(
  { recorder, random }: Worker,
  key: string,
): { source: string; content: Content } | undefined {
  const source = recorder.keys[random(recorder.keys.length)] ?? key;
  const content = recorder.values.contentOf(recorder.hint(source));
  return source === key || content === undefined ? undefined : { source, content };
}

function fresh(worker: Worker): Content {
  const { values } = worker.recorder;
  return values.put(values.fresh(sizeOf(worker)));
}

function sizeOf({ random }: Worker): number {
  return (SIZES[random(SIZES.length)] ?? 0) + random(50);
}

function pathOf(key: string): string {
  return `/${BUCKET}/${key}`;
}

function etagIn({ head: lines }: KeptReply): string {
  return /\r\netag: "([^"]+)"/i.exec(lines)?.[1] ?? '';
}

function etagOfDocument({ body }: KeptReply): string {
  return (elementText(body.toString(), 'ETag') ?? '').replaceAll('"', '');
}

function codeOf({ body }: KeptReply): string {
  return elementText(body.toString(), 'Code') ?? '';
}
