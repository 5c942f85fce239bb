/**
 * The order of durable steps of a server process, seen from the kernel by strace: payload, sidecar
 * and directories are flushed before the index is, and the index before the answer leaves.
 *
 * Watches system calls, because what a library promises to flush is not what it flushes.
 */

import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { constants, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';

import {
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteBucketCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  PutBucketTaggingCommand,
  PutObjectCommand,
  PutObjectTaggingCommand,
  RenameObjectCommand,
  UploadPartCommand,
  UploadPartCopyCommand,
  type S3Client,
} from '@aws-sdk/client-s3';

import { s3Client } from '../support/s3-client.js';
import { startServer, waitFor, type TestServer } from '../support/server.js';

const BUCKET = 'durable-order';
const CALLS = 'fsync,fdatasync,pwrite64,pwritev,pwritev2,write,writev,sendto,sendmsg,openat';
const ABOVE_INLINE = Buffer.alloc(100_000, 'x');

const missing = reasonAgainstStrace();
if (missing !== undefined) {
  // Seen even where the reporter hides skipped tests: this is a promise that was not checked.
  process.stderr.write(`SKIPPED: the order of durable steps was not checked: ${missing}\n`);
}

describe('order of durable steps', { skip: missing ?? false }, () => {
  let server: TestServer;
  let client: S3Client;
  let directory: string;
  before(async () => {
    directory = mkdtempSync(join(tmpdir(), 's3ish-strace-'));
    server = await startServer({ processes: 1 });
    client = s3Client(server);
    await client.send(new CreateBucketCommand({ Bucket: BUCKET }));
  });
  after(async () => {
    client.destroy();
    await server.stop();
    rmSync(directory, { recursive: true });
  });

  const pid = (): number | undefined => server.childPids('server')[0];

  /** System calls of the server process while `work` runs, those that were finished, in order. */
  const watch = async (name: string, work: () => Promise<unknown>): Promise<string[]> => {
    const file = join(directory, name);
    const args = ['-f', '-qq', '-y', '-s', '32', '-e', `trace=${CALLS}`, '-o', file];
    const tracer = spawn('strace', [...args, '-p', String(pid())], { stdio: 'ignore' });
    await waitFor('strace to be attached', () => isTraced(pid()));
    await work();
    const ended = once(tracer, 'exit');
    tracer.kill('SIGINT');
    await ended;
    return finishedCalls(readFileSync(file, 'utf8'));
  };

  const key = { Bucket: BUCKET, Key: 'key' };

  test('PutObject of a blob: data, sidecar, directories, record, answer', async () => {
    const put = new PutObjectCommand({ ...key, Body: ABOVE_INLINE });
    const calls = await watch('put', () => client.send(put));
    assertPayloadBeforeRecord(calls, 'key');
    assertRecordBeforeAnswer(calls, pid());
  });

  test('PutObject inline: record, answer', async () => {
    const put = new PutObjectCommand({ ...key, Body: 'small' });
    assertRecordBeforeAnswer(await watch('inline', () => client.send(put)), pid());
  });

  test('CopyObject by link: sidecar, directories, record, answer', async () => {
    await client.send(new PutObjectCommand({ ...key, Body: ABOVE_INLINE }));
    const copy = new CopyObjectCommand({ ...key, Key: 'copy', CopySource: `${BUCKET}/key` });
    const calls = await watch('copy', () => client.send(copy));
    assertPayloadBeforeRecord(calls, 'copy', { isLinked: true });
    assertRecordBeforeAnswer(calls, pid());
  });

  test('PutObjectTagging of a blob: sidecar, directories, record, answer', async () => {
    await client.send(new PutObjectCommand({ ...key, Key: 'tagged', Body: ABOVE_INLINE }));
    const Tagging = { TagSet: [{ Key: 'a', Value: '1' }] };
    const change = new PutObjectTaggingCommand({ ...key, Key: 'tagged', Tagging });
    const calls = await watch('tags', () => client.send(change));
    assertPayloadBeforeRecord(calls, 'tagged', { isLinked: true });
    assertRecordBeforeAnswer(calls, pid());
  });

  test('UploadPart and CompleteMultipartUpload: blob, record, answer', async () => {
    const { UploadId } = await client.send(new CreateMultipartUploadCommand(key));
    const name = { ...key, UploadId };
    const part = new UploadPartCommand({ ...name, PartNumber: 1, Body: ABOVE_INLINE });
    let etag: string | undefined;
    const partCalls = await watch('part', async () => ({ ETag: etag } = await client.send(part)));
    assertPayloadBeforeRecord(partCalls, 'key');
    assertRecordBeforeAnswer(partCalls, pid());
    const complete = new CompleteMultipartUploadCommand({
      ...name,
      MultipartUpload: { Parts: [{ PartNumber: 1, ETag: etag }] },
    });
    const calls = await watch('complete', () => client.send(complete));
    assertPayloadBeforeRecord(calls, 'key');
    assertRecordBeforeAnswer(calls, pid());
  });

  test('DeleteObject: record, answer', async () => {
    const calls = await watch('delete', () => client.send(new DeleteObjectCommand(key)));
    assertRecordBeforeAnswer(calls, pid());
  });

  test('UploadPartCopy by link: sidecar, directories, record, answer', async () => {
    const name = { ...key, Key: 'part-copy' };
    await client.send(new PutObjectCommand({ ...key, Key: 'part-source', Body: ABOVE_INLINE }));
    const { UploadId } = await client.send(new CreateMultipartUploadCommand(name));
    const copy = new UploadPartCopyCommand({
      ...{ ...name, UploadId, PartNumber: 1 },
      CopySource: `${BUCKET}/part-source`,
    });
    const calls = await watch('part-copy', () => client.send(copy));
    assertPayloadBeforeRecord(calls, 'part-copy', { isLinked: true });
    assertRecordBeforeAnswer(calls, pid());
  });

  test('CopyObject by bytes: data, sidecar, directories, record, answer', async () => {
    await putInParts(client, 'in-parts');
    const copy = new CopyObjectCommand({
      ...{ ...key, Key: 'joined' },
      CopySource: `${BUCKET}/in-parts`,
    });
    const calls = await watch('bytes', () => client.send(copy));
    assertPayloadBeforeRecord(calls, 'joined');
    assertRecordBeforeAnswer(calls, pid());
  });

  test('PutObject over a blob: data, sidecar, directories, record, answer', async () => {
    const put = new PutObjectCommand({ ...key, Key: 'over', Body: ABOVE_INLINE });
    await client.send(put);
    const calls = await watch('over', () => client.send(put));
    assertPayloadBeforeRecord(calls, 'over');
    assertRecordBeforeAnswer(calls, pid());
  });

  test('append to a blob: data, sidecar, directories, record, answer', async () => {
    const name = { ...key, Key: 'grown' };
    await client.send(new PutObjectCommand({ ...name, Body: ABOVE_INLINE }));
    const append = new PutObjectCommand({
      ...{ ...name, Body: ABOVE_INLINE },
      WriteOffsetBytes: ABOVE_INLINE.byteLength,
    });
    const calls = await watch('append', () => client.send(append));
    assertPayloadBeforeRecord(calls, 'grown');
    assertRecordBeforeAnswer(calls, pid());
  });

  test('RenameObject of a blob: sidecar, directories, record, answer', async () => {
    await client.send(new PutObjectCommand({ ...key, Key: 'old', Body: ABOVE_INLINE }));
    const rename = new RenameObjectCommand({
      ...{ ...key, Key: 'renamed' },
      RenameSource: `/${BUCKET}/old`,
    });
    const calls = await watch('rename', () => client.send(rename));
    assertPayloadBeforeRecord(calls, 'renamed', { isLinked: true });
    assertRecordBeforeAnswer(calls, pid());
  });

  test('PutObjectTagging of a multipart object: manifest, directories, record, answer', async () => {
    await putInParts(client, 'tagged-parts');
    const Tagging = { TagSet: [{ Key: 'a', Value: '1' }] };
    const change = new PutObjectTaggingCommand({ ...key, Key: 'tagged-parts', Tagging });
    const calls = await watch('tagged-parts', () => client.send(change));
    assertPayloadBeforeRecord(calls, 'tagged-parts', { isLinked: true });
    assertRecordBeforeAnswer(calls, pid());
  });

  test('the first object of a new bucket: the directory that names the bucket, too', async () => {
    await client.send(new CreateBucketCommand({ Bucket: 'fresh' }));
    const put = new PutObjectCommand({ Bucket: 'fresh', Key: 'first', Body: ABOVE_INLINE });
    const calls = await watch('fresh', () => client.send(put));
    const record = indexOf(calls, INDEX_WRITE);
    assert(indexOf(calls, `fsync\\(\\d+<${server.dataPath}>`) < record);
    assert(indexOf(calls, `fsync\\(\\d+<${server.dataPath}/fresh>`) < record);
    assertRecordBeforeAnswer(calls, pid());
  });

  const inIndexOnly: [string, () => Promise<unknown>][] = [
    ['CreateBucket', () => client.send(new CreateBucketCommand({ Bucket: 'second' }))],
    ['CreateMultipartUpload', () => client.send(new CreateMultipartUploadCommand(key))],
    [
      'PutBucketTagging',
      () => {
        const Tagging = { TagSet: [{ Key: 'a', Value: '1' }] };
        return client.send(new PutBucketTaggingCommand({ Bucket: BUCKET, Tagging }));
      },
    ],
    [
      'DeleteObjects',
      () => {
        const Objects = [{ Key: 'key' }, { Key: 'over' }];
        return client.send(new DeleteObjectsCommand({ Bucket: BUCKET, Delete: { Objects } }));
      },
    ],
    ['DeleteBucket', () => client.send(new DeleteBucketCommand({ Bucket: 'second' }))],
  ];
  for (const [name, work] of inIndexOnly) {
    test(`${name}: record, answer`, async () => {
      assertRecordBeforeAnswer(await watch(name, work), pid());
    });
  }
});

/** An object of one part. */
async function putInParts(client: S3Client, name: string): Promise<void> {
  const key = { Bucket: BUCKET, Key: name };
  const { UploadId } = await client.send(new CreateMultipartUploadCommand(key));
  const part = { ...key, UploadId, PartNumber: 1 };
  const { ETag } = await client.send(new UploadPartCommand({ ...part, Body: ABOVE_INLINE }));
  const MultipartUpload = { Parts: [{ PartNumber: 1, ETag }] };
  await client.send(new CompleteMultipartUploadCommand({ ...key, UploadId, MultipartUpload }));
}

/** Every flush of the payload is over before the first byte goes to the index. */
function assertPayloadBeforeRecord(
  calls: readonly string[],
  keyName: string,
  { isLinked = false } = {},
): void {
  const blob = `/${BUCKET}/[0-9a-f]{2}/${keyName}/[0-9a-f]{32}`;
  const steps = [
    ...(isLinked ? [] : [`fdatasync\\(\\d+<.*${blob}/data>`]),
    `fdatasync\\(\\d+<.*${blob}/metadata.json>`,
    `fsync\\(\\d+<.*${blob}>`,
    `fsync\\(\\d+<.*/${BUCKET}/[0-9a-f]{2}/${keyName}>`,
    `fsync\\(\\d+<.*/${BUCKET}/[0-9a-f]{2}>`,
    `fsync\\(\\d+<.*/${BUCKET}>`,
  ].map((pattern) => indexOf(calls, pattern));
  const [directory = 0] = steps.slice(-4);
  for (const file of steps.slice(0, -4)) assert(file < directory, 'files before directories');
  const record = indexOf(calls, INDEX_WRITE);
  for (const step of steps) assert(step < record, `${calls[step]} precedes ${calls[record]}`);
}

/** LMDB writes pages, flushes them, then writes its meta page through a descriptor of its own. */
function assertRecordBeforeAnswer(calls: readonly string[], pid: number | undefined): void {
  const answer = indexOf(calls, '(sendto|sendmsg|write|writev)\\(\\d+<(TCP|socket).*"HTTP/1.1 2');
  const before = calls.slice(0, answer);
  const writes = before.filter((call) => new RegExp(INDEX_WRITE).test(call));
  assert(writes.length >= 2, 'pages and a meta page are written before the answer');
  const firstWrite = indexOf(before, INDEX_WRITE);
  const flush = before.findIndex(
    (call, at) => at > firstWrite && /f(data)?sync\(\d+<.*data\.mdb>/.test(call),
  );
  assert(flush > firstWrite, 'the pages are flushed before the answer');
  const early = before.slice(0, flush).filter((call) => isMetaWrite(call));
  assert.deepEqual(early, [], 'nobody sees the record before it is flushed');
  const meta = before.findLast((call) => new RegExp(INDEX_WRITE).test(call)) ?? '';
  assert(before.lastIndexOf(meta) > flush, 'the meta page is written after the flush of the pages');
  const [, descriptor = ''] = /\((\d+)</.exec(meta) ?? [];
  const info = readFileSync(`/proc/${pid}/fdinfo/${descriptor}`, 'utf8');
  const [, flags = ''] = /^flags:\s+([0-7]+)$/m.exec(info) ?? [];
  assert(
    (parseInt(flags, 8) & constants.O_DSYNC) !== 0,
    'the meta page is flushed as it is written',
  );
  const late = calls.slice(answer).filter((call) => new RegExp(INDEX_WRITE).test(call));
  assert.deepEqual(late, [], 'nothing of the record is written after the answer');
}

/** The first two pages of the file; whichever is newer names the tree that readers see. */
function isMetaWrite(call: string): boolean {
  const [, offset] = /^pwrite64\(.*data\.mdb>.*, (\d+)(?:\)|$)/.exec(call) ?? [];
  return offset !== undefined && Number(offset) < 2 * 4096;
}

const INDEX_WRITE = '(pwrite64|pwritev2?|writev?)\\(\\d+<.*data\\.mdb>';

function indexOf(calls: readonly string[], pattern: string): number {
  const index = calls.findIndex((call) => new RegExp(pattern).test(call));
  assert(index >= 0, `${pattern} is among\n${calls.join('\n')}`);
  return index;
}

/**
 * Calls as `name(arguments) = result`, ordered by their ends; one that another thread interrupts is
 * printed in two halves. Writes are ordered by their beginnings, which is the stricter reading.
 */
function finishedCalls(trace: string): string[] {
  const begun = new Map<string, string>();
  const calls: string[] = [];
  for (const line of trace.split('\n')) {
    const [, thread = '', text = ''] = /^(\d+)\s+(.*)$/.exec(line) ?? [];
    const [, beginning] = /^(.*) <unfinished \.\.\.>$/.exec(text) ?? [];
    const [, ending] = /^<\.\.\. \w+ resumed>(.*)$/.exec(text) ?? [];
    if (beginning !== undefined) {
      if (/^f(data)?sync/.test(beginning)) begun.set(thread, beginning);
      else calls.push(beginning);
    } else if (ending !== undefined) {
      const whole = begun.get(thread);
      if (whole !== undefined) calls.push(`${whole}${ending}`);
      begun.delete(thread);
    } else if (text !== '') calls.push(text);
  }
  return calls;
}

/** Whether every thread of a process has a tracer. */
function isTraced(pid: number | undefined): boolean {
  return readdirSync(`/proc/${pid}/task`).every((thread) => {
    const status = readFileSync(`/proc/${pid}/task/${thread}/status`, 'utf8');
    return !/^TracerPid:\s+0$/m.test(status);
  });
}

function reasonAgainstStrace(): string | undefined {
  const { error, status, stderr } = spawnSync('strace', ['-qq', '-o', '/dev/null', 'true']);
  if (error !== undefined) return `strace cannot be run: ${error.message}`;
  return status === 0 ? undefined : `strace cannot trace: ${stderr.toString().trim()}`;
}
