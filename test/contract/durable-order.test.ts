/**
 * The order of durable steps of a server process, and of the process that writes the index if there
 * is one, seen from the kernel by strace: payload, sidecar
 * and directories are flushed before the index is, and the index before the answer leaves.
 *
 * Watches system calls, because what a library promises to flush is not what it flushes.
 */

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';

import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteBucketCommand,
  DeleteBucketCorsCommand,
  DeleteBucketTaggingCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  DeleteObjectTaggingCommand,
  PutBucketCorsCommand,
  PutBucketTaggingCommand,
  PutObjectCommand,
  PutObjectTaggingCommand,
  RenameObjectCommand,
  UploadPartCommand,
  UploadPartCopyCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import { createPresignedPost } from '@aws-sdk/s3-presigned-post';

import { notImplemented } from '#src/operations/not-implemented.js';
import { OPERATIONS, type OperationName } from '#src/operations/registry.js';

import { rawRequest } from '../support/raw-request.js';
import { s3Client } from '../support/s3-client.js';
import { startServer, waitFor, type TestServer } from '../support/server.js';
import {
  assertPayloadBeforeRecord,
  assertRecordBeforeAnswer,
  finishedCalls,
  INDEX_WRITE,
  indexOf,
  isTraced,
  whyNoStrace,
} from '../support/traced-calls.js';

const BUCKET = 'durable-order';
const CALLS = 'fsync,fdatasync,pwrite64,pwritev,pwritev2,write,writev,sendto,sendmsg,openat';
const ABOVE_INLINE = Buffer.alloc(100_000, 'x');

const READING = /^(GET|HEAD|OPTIONS) /;
/** An ACL can only be set to what it is. */
const WRITES_NOTHING: ReadonlySet<string> = new Set(['PutBucketAcl', 'PutObjectAcl']);

const missing = whyNoStrace();
if (missing !== undefined) {
  // Seen even where the reporter hides skipped tests: this is a promise that was not checked.
  process.stderr.write(`SKIPPED: the order of durable steps was not checked: ${missing}\n`);
}

for (const writer of ['each', 'process']) orderOf(writer);

function orderOf(indexWriter: string): void {
  describe(
    `order of durable steps, index_writer = ${indexWriter}`,
    { skip: missing ?? false },
    () => {
      let server: TestServer;
      let client: S3Client;
      let directory: string;
      before(async () => {
        directory = mkdtempSync(join(tmpdir(), 's3ish-strace-'));
        const settings = { cluster: { index_writer: indexWriter } };
        server = await startServer({ processes: 1, settings });
        client = s3Client(server);
        await client.send(new CreateBucketCommand({ Bucket: BUCKET }));
      });
      after(async () => {
        client.destroy();
        await server.stop();
        rmSync(directory, { recursive: true });
      });

      const pid = (): number | undefined => server.childPids('server')[0];
      const writerPid = (): number | undefined => server.childPids('writer')[0] ?? pid();

      /** Operations whose calls were watched. */
      const watched = new Set<string>();

      /** System calls of the server process while `work` runs, those that were finished, in order. */
      const watch = async (
        operation: OperationName,
        work: () => Promise<unknown>,
      ): Promise<string[]> => {
        watched.add(operation);
        const file = join(directory, operation);
        const args = ['-f', '-qq', '-y', '-s', '32', '-e', `trace=${CALLS}`, '-o', file];
        const pids = [...new Set([pid(), writerPid()])];
        const traced = pids.flatMap((one) => ['-p', String(one)]);
        const tracer = spawn('strace', [...args, ...traced], { stdio: 'ignore' });
        await waitFor('strace to be attached', () => pids.every(isTraced));
        await work();
        const ended = once(tracer, 'exit');
        tracer.kill('SIGINT');
        await ended;
        return finishedCalls(readFileSync(file, 'utf8'));
      };

      const key = { Bucket: BUCKET, Key: 'key' };

      test('PutObject of a blob: data, sidecar, directories, record, answer', async () => {
        const put = new PutObjectCommand({ ...key, Body: ABOVE_INLINE });
        const calls = await watch('PutObject', () => client.send(put));
        assertPayloadBeforeRecord(calls, BUCKET, 'key');
        assertRecordBeforeAnswer(calls, writerPid());
      });

      test('PutObject inline: record, answer', async () => {
        const put = new PutObjectCommand({ ...key, Body: 'small' });
        assertRecordBeforeAnswer(await watch('PutObject', () => client.send(put)), writerPid());
      });

      test('CopyObject by link: sidecar, directories, record, answer', async () => {
        await client.send(new PutObjectCommand({ ...key, Body: ABOVE_INLINE }));
        const copy = new CopyObjectCommand({ ...key, Key: 'copy', CopySource: `${BUCKET}/key` });
        const calls = await watch('CopyObject', () => client.send(copy));
        assertPayloadBeforeRecord(calls, BUCKET, 'copy', { isLinked: true });
        assertRecordBeforeAnswer(calls, writerPid());
      });

      test('PutObjectTagging of a blob: sidecar, directories, record, answer', async () => {
        await client.send(new PutObjectCommand({ ...key, Key: 'tagged', Body: ABOVE_INLINE }));
        const Tagging = { TagSet: [{ Key: 'a', Value: '1' }] };
        const change = new PutObjectTaggingCommand({ ...key, Key: 'tagged', Tagging });
        const calls = await watch('PutObjectTagging', () => client.send(change));
        assertPayloadBeforeRecord(calls, BUCKET, 'tagged', { isLinked: true });
        assertRecordBeforeAnswer(calls, writerPid());
      });

      test('UploadPart and CompleteMultipartUpload: blob, record, answer', async () => {
        const { UploadId } = await client.send(new CreateMultipartUploadCommand(key));
        const name = { ...key, UploadId };
        const part = new UploadPartCommand({ ...name, PartNumber: 1, Body: ABOVE_INLINE });
        let etag: string | undefined;
        const partCalls = await watch(
          'UploadPart',
          async () => ({ ETag: etag } = await client.send(part)),
        );
        assertPayloadBeforeRecord(partCalls, BUCKET, 'key');
        assertRecordBeforeAnswer(partCalls, pid());
        const complete = new CompleteMultipartUploadCommand({
          ...name,
          MultipartUpload: { Parts: [{ PartNumber: 1, ETag: etag }] },
        });
        const calls = await watch('CompleteMultipartUpload', () => client.send(complete));
        assertPayloadBeforeRecord(calls, BUCKET, 'key');
        assertRecordBeforeAnswer(calls, writerPid());
      });

      test('DeleteObject: record, answer', async () => {
        const calls = await watch('DeleteObject', () => client.send(new DeleteObjectCommand(key)));
        assertRecordBeforeAnswer(calls, writerPid());
      });

      test('UploadPartCopy by link: sidecar, directories, record, answer', async () => {
        const name = { ...key, Key: 'part-copy' };
        await client.send(new PutObjectCommand({ ...key, Key: 'part-source', Body: ABOVE_INLINE }));
        const { UploadId } = await client.send(new CreateMultipartUploadCommand(name));
        const copy = new UploadPartCopyCommand({
          ...{ ...name, UploadId, PartNumber: 1 },
          CopySource: `${BUCKET}/part-source`,
        });
        const calls = await watch('UploadPartCopy', () => client.send(copy));
        assertPayloadBeforeRecord(calls, BUCKET, 'part-copy', { isLinked: true });
        assertRecordBeforeAnswer(calls, writerPid());
      });

      test('CopyObject by bytes: data, sidecar, directories, record, answer', async () => {
        await putInParts(client, 'in-parts');
        const copy = new CopyObjectCommand({
          ...{ ...key, Key: 'joined' },
          CopySource: `${BUCKET}/in-parts`,
        });
        const calls = await watch('CopyObject', () => client.send(copy));
        assertPayloadBeforeRecord(calls, BUCKET, 'joined');
        assertRecordBeforeAnswer(calls, writerPid());
      });

      test('PutObject over a blob: data, sidecar, directories, record, answer', async () => {
        const put = new PutObjectCommand({ ...key, Key: 'over', Body: ABOVE_INLINE });
        await client.send(put);
        const calls = await watch('PutObject', () => client.send(put));
        assertPayloadBeforeRecord(calls, BUCKET, 'over');
        assertRecordBeforeAnswer(calls, writerPid());
      });

      test('append to a blob: data, sidecar, directories, record, answer', async () => {
        const name = { ...key, Key: 'grown' };
        await client.send(new PutObjectCommand({ ...name, Body: ABOVE_INLINE }));
        const append = new PutObjectCommand({
          ...{ ...name, Body: ABOVE_INLINE },
          WriteOffsetBytes: ABOVE_INLINE.byteLength,
        });
        const calls = await watch('PutObjectAppend', () => client.send(append));
        assertPayloadBeforeRecord(calls, BUCKET, 'grown');
        assertRecordBeforeAnswer(calls, writerPid());
      });

      test('RenameObject of a blob: sidecar, directories, record, answer', async () => {
        await client.send(new PutObjectCommand({ ...key, Key: 'old', Body: ABOVE_INLINE }));
        const rename = new RenameObjectCommand({
          ...{ ...key, Key: 'renamed' },
          RenameSource: `/${BUCKET}/old`,
        });
        const calls = await watch('RenameObject', () => client.send(rename));
        assertPayloadBeforeRecord(calls, BUCKET, 'renamed', { isLinked: true });
        assertRecordBeforeAnswer(calls, writerPid());
      });

      test('PutObjectTagging of a multipart object: manifest, directories, record, answer', async () => {
        await putInParts(client, 'tagged-parts');
        const Tagging = { TagSet: [{ Key: 'a', Value: '1' }] };
        const change = new PutObjectTaggingCommand({ ...key, Key: 'tagged-parts', Tagging });
        const calls = await watch('PutObjectTagging', () => client.send(change));
        assertPayloadBeforeRecord(calls, BUCKET, 'tagged-parts', { isLinked: true });
        assertRecordBeforeAnswer(calls, writerPid());
      });

      test('the first object of a new bucket: the directory that names the bucket, too', async () => {
        await client.send(new CreateBucketCommand({ Bucket: 'fresh' }));
        const put = new PutObjectCommand({ Bucket: 'fresh', Key: 'first', Body: ABOVE_INLINE });
        const calls = await watch('PutObject', () => client.send(put));
        const record = indexOf(calls, INDEX_WRITE);
        assert(indexOf(calls, `fsync\\(\\d+<${server.dataPath}>`) < record);
        assert(indexOf(calls, `fsync\\(\\d+<${server.dataPath}/fresh>`) < record);
        assertRecordBeforeAnswer(calls, writerPid());
      });

      test('PostObject of a blob: data, sidecar, directories, record, answer', async () => {
        const { url, fields } = await createPresignedPost(client, {
          Bucket: BUCKET,
          Key: 'posted',
        });
        const form = new FormData();
        for (const [name, value] of Object.entries(fields)) form.set(name, value);
        form.set('file', new Blob([ABOVE_INLINE]));
        const calls = await watch('PostObject', async () => {
          assert.equal((await fetch(url, { method: 'POST', body: form })).status, 204);
        });
        assertPayloadBeforeRecord(calls, BUCKET, 'posted');
        assertRecordBeforeAnswer(calls, writerPid());
      });

      test('CopyObject by PATCH: sidecar, directories, record, answer', async () => {
        await client.send(new PutObjectCommand({ ...key, Body: ABOVE_INLINE }));
        const headers = { 'x-amz-copy-source': `${BUCKET}/key` };
        const calls = await watch('CopyObjectByPatch', async () => {
          const path = `/${BUCKET}/patched`;
          assert.equal((await rawRequest(server, { method: 'PATCH', path, headers })).status, 200);
        });
        assertPayloadBeforeRecord(calls, BUCKET, 'patched', { isLinked: true });
        assertRecordBeforeAnswer(calls, writerPid());
      });

      test('DeleteObjectTagging of a blob: sidecar, directories, record, answer', async () => {
        const name = { ...key, Key: 'untagged' };
        await client.send(new PutObjectCommand({ ...name, Body: ABOVE_INLINE, Tagging: 'a=1' }));
        const change = new DeleteObjectTaggingCommand(name);
        const calls = await watch('DeleteObjectTagging', () => client.send(change));
        assertPayloadBeforeRecord(calls, BUCKET, 'untagged', { isLinked: true });
        assertRecordBeforeAnswer(calls, writerPid());
      });

      const inIndexOnly: [OperationName, () => Promise<unknown>][] = [
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
        [
          'DeleteBucketTagging',
          () => client.send(new DeleteBucketTaggingCommand({ Bucket: BUCKET })),
        ],
        [
          'PutBucketCors',
          () => {
            const CORSRules = [{ AllowedMethods: ['GET'], AllowedOrigins: ['*'] }];
            const CORSConfiguration = { CORSRules };
            return client.send(new PutBucketCorsCommand({ Bucket: BUCKET, CORSConfiguration }));
          },
        ],
        ['DeleteBucketCors', () => client.send(new DeleteBucketCorsCommand({ Bucket: BUCKET }))],
        ['DeleteBucket', () => client.send(new DeleteBucketCommand({ Bucket: 'second' }))],
      ];
      for (const [name, work] of inIndexOnly) {
        test(`${name}: record, answer`, async () => {
          assertRecordBeforeAnswer(await watch(name, work), writerPid());
        });
      }

      test('AbortMultipartUpload: record, answer', async () => {
        const { UploadId } = await client.send(new CreateMultipartUploadCommand(key));
        const abort = new AbortMultipartUploadCommand({ ...key, UploadId });
        const calls = await watch('AbortMultipartUpload', () => client.send(abort));
        assertRecordBeforeAnswer(calls, writerPid());
      });

      test('every operation that writes was watched', () => {
        const writing = Object.entries(OPERATIONS).flatMap(([name, { requestLine, handler }]) =>
          READING.test(requestLine) || handler === notImplemented || WRITES_NOTHING.has(name)
            ? []
            : [name],
        );
        assert.deepEqual([...watched].sort(), writing.sort());
      });
    },
  );

  /** An object of one part. */
  async function putInParts(client: S3Client, name: string): Promise<void> {
    const key = { Bucket: BUCKET, Key: name };
    const { UploadId } = await client.send(new CreateMultipartUploadCommand(key));
    const part = { ...key, UploadId, PartNumber: 1 };
    const { ETag } = await client.send(new UploadPartCommand({ ...part, Body: ABOVE_INLINE }));
    const MultipartUpload = { Parts: [{ PartNumber: 1, ETag }] };
    await client.send(new CompleteMultipartUploadCommand({ ...key, UploadId, MultipartUpload }));
  }
}
