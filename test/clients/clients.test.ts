/**
 * Ordinary round trips of the clients that users have, each against a live server of two processes.
 *
 * Each uploads the same tree of awkward names, downloads it again and compares every byte. Keys
 * that are no file names (`a//b`, `a/` beside `a`, a leading slash) go through boto3 and the SDK for
 * JavaScript: the command-line clients take trees of files, where such names cannot exist.
 */

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { test } from 'node:test';

import {
  CopyObjectCommand,
  CreateBucketCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
} from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';

import { s3Client } from '../support/s3-client.js';
import { absent, openWorkbench, report, type Workbench } from '../support/workbench.js';
import { AWKWARD_KEYS, FILE_KEYS } from './awkward-keys.js';

const LARGE_BYTES = 20 * 1024 * 1024;

/** Runs a test with a server and the tree of awkward names in `source`. */
function clientTest(
  name: string,
  skip: string | false,
  body: (bench: Workbench, source: string) => Promise<void>,
): void {
  test(name, { skip }, async () => {
    const bench = await openWorkbench(name, { processes: 2 });
    try {
      const source = bench.path('source');
      for (const [index, key] of FILE_KEYS.entries()) {
        const path = `${source}/${key}`;
        mkdirSync(dirname(path), { recursive: true });
        writeFileSync(path, randomBytes(1000 * index));
      }
      writeFileSync(`${source}/large.bin`, randomBytes(LARGE_BYTES));
      await body(bench, source);
    } finally {
      await bench.close();
    }
  });
}

clientTest('aws-cli: sync, cp, mv, ls, presign, rm', absent('aws'), async (bench, source) => {
  const { aws } = bench;
  const target = bench.path('target');
  await aws('s3', 'mb', 's3://aws-bucket');
  await aws('s3', 'sync', '--no-progress', source, 's3://aws-bucket');
  await aws('s3', 'sync', '--no-progress', 's3://aws-bucket', target);
  await bench.assertSameTree(source, target);
  await aws('s3', 'cp', 's3://aws-bucket/plain.txt', 's3://aws-bucket/copy.txt');
  await aws('s3', 'mv', 's3://aws-bucket/copy.txt', 's3://aws-bucket/moved file.txt');
  const { stdout: listing } = await aws('s3', 'ls', '--recursive', 's3://aws-bucket');
  assert.equal(listing.trim().split('\n').length, FILE_KEYS.length + 2);
  assert.match(listing, / moved file\.txt$/m);
  const { stdout: url } = await aws('s3', 'presign', 's3://aws-bucket/large.bin');
  await bench.run('curl', ['-sS', '--fail', '--output', bench.path('large'), url.trim()]);
  await bench.run('cmp', [bench.path('large'), `${source}/large.bin`]);
  await aws('s3', 'rm', '--recursive', 's3://aws-bucket');
  await aws('s3', 'rb', 's3://aws-bucket');
});

clientTest('s3cmd: sync, put, get, ls, del', absent('s3cmd'), async (bench, source) => {
  const host = `${bench.server.host}:${bench.server.port}`;
  const flags = ['--no-ssl', `--host=${host}`, `--host-bucket=${host}`, '--no-progress'];
  const s3cmd = (...args: string[]) => bench.run('s3cmd', [...flags, ...args]);
  const target = bench.path('target');
  mkdirSync(target);
  await s3cmd('mb', 's3://s3cmd-bucket');
  await s3cmd('sync', `${source}/`, 's3://s3cmd-bucket/');
  await s3cmd('sync', 's3://s3cmd-bucket/', `${target}/`);
  await bench.assertSameTree(source, target);
  // Above 15 MiB in parts.
  await s3cmd('put', `${source}/large.bin`, 's3://s3cmd-bucket/parts.bin');
  await s3cmd('get', 's3://s3cmd-bucket/parts.bin', bench.path('parts.bin'));
  await bench.run('cmp', [bench.path('parts.bin'), `${source}/large.bin`]);
  const { stdout } = await s3cmd('ls', '--recursive', 's3://s3cmd-bucket');
  assert.equal(stdout.trim().split('\n').length, FILE_KEYS.length + 2);
  await s3cmd('del', '--recursive', '--force', 's3://s3cmd-bucket');
  await s3cmd('rb', 's3://s3cmd-bucket');
});

clientTest('rclone: copy, check, sync', absent('rclone'), async (bench, source) => {
  const { accessKey, secretKey, endpoint } = bench.server;
  const remote = [
    ':s3,provider=Other,env_auth=false,force_path_style=true',
    `access_key_id="${accessKey}",secret_access_key="${secretKey}"`,
    `endpoint="${endpoint}":rclone-bucket`,
  ].join(',');
  const target = bench.path('target');
  await bench.run('rclone', ['copy', source, remote]);
  for (const how of [[], ['--download']]) {
    const { stderr } = await bench.run('rclone', ['check', ...how, source, remote]);
    assert.match(stderr, / 0 differences found/);
    assert.match(stderr, new RegExp(`${FILE_KEYS.length + 1} matching files`));
  }
  await bench.run('rclone', ['copy', remote, target]);
  await bench.assertSameTree(source, target);
  writeFileSync(`${source}/plain.txt`, 'changed');
  await bench.run('rclone', ['sync', source, remote]);
  await bench.run('rclone', ['check', source, remote]);
});

clientTest('AWS SDK for JavaScript v3: awkward keys, copies, lib-storage', false, async (bench) => {
  const client = s3Client(bench.server);
  const Bucket = 'sdk-bucket';
  await client.send(new CreateBucketCommand({ Bucket }));
  for (const Key of AWKWARD_KEYS) {
    await client.send(new PutObjectCommand({ Bucket, Key, Body: `content of ${Key}` }));
  }
  for (const Key of AWKWARD_KEYS) {
    const { Body } = await client.send(new GetObjectCommand({ Bucket, Key }));
    assert.equal(await Body?.transformToString(), `content of ${Key}`);
    const CopySource = `${Bucket}/${encodeURIComponent(Key)}`;
    await client.send(
      new CopyObjectCommand({ Bucket, Key: `${Key.slice(0, 900)}.copy`, CopySource }),
    );
  }
  const { Contents } = await client.send(new ListObjectsV2Command({ Bucket }));
  const listed = (Contents ?? []).map(({ Key }) => Key ?? '');
  for (const key of AWKWARD_KEYS) assert(listed.includes(key), key);

  const large = randomBytes(LARGE_BYTES);
  const upload = new Upload({ client, params: { Bucket, Key: 'large', Body: large } });
  assert.match((await upload.done()).ETag ?? '', /-4"$/);
  const { Body } = await client.send(new GetObjectCommand({ Bucket, Key: 'large' }));
  assert(large.equals((await Body?.transformToByteArray()) ?? Buffer.alloc(0)));

  const Objects = [...listed, 'large'].map((Key) => ({ Key }));
  await client.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects } }));
  assert.equal((await client.send(new ListObjectsV2Command({ Bucket }))).KeyCount, 0);
  client.destroy();
});

test('mc', { skip: mcSkip() }, () => undefined);

/** Debian has no package of it. */
function mcSkip(): string {
  const reason = 'NOT TESTED: mc is in no Debian package and on no registry that npm reaches';
  report(reason);
  return reason;
}
