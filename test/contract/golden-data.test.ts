/**
 * A data directory of format 1, packed once, is opened and served: what users have on their disks.
 *
 * It was left by a server that was killed: every placement, an upload in progress, garbage that was
 * not swept, and a blob that was never committed.
 */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';

import {
  CompleteMultipartUploadCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListBucketsCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  ListPartsCommand,
  type S3Client,
} from '@aws-sdk/client-s3';

import { readSidecar } from '#src/store/sidecar.js';
import { openLmdbEnvironment } from '#src/metadata/lmdb-environment.js';
import { FORMAT_KEY } from '#src/metadata/keys.js';
import { encodeNumber } from '#src/metadata/record-codec.js';

import { reportFigure } from '../support/reliability.js';
import { s3Client } from '../support/s3-client.js';
import { MAIN_FILE, startServer, waitFor } from '../support/server.js';

const PACKED = fileURLToPath(new URL('../../../test/golden/format-1/data.tar.gz', import.meta.url));
const Bucket = 'golden';
const LONG_KEY = 'k'.repeat(1024);

/** Payloads were made by this rule. */
function bytesOf(count: number, factor: number): Buffer {
  return Buffer.from(Array.from({ length: count }, (_, index) => (index * factor) % 251));
}

const OBJECTS: Readonly<Record<string, Buffer>> = {
  'copy.bin': bytesOf(40_000, 7),
  empty: Buffer.alloc(0),
  'inline.txt': Buffer.from('inline payload\n'),
  [LONG_KEY]: bytesOf(40_001, 5),
  'multipart.bin': Buffer.concat([bytesOf(1024 * 1024, 2), bytesOf(1000, 6)]),
  'odd/é %+/..': bytesOf(300_000, 3),
  'plain.bin': bytesOf(40_000, 7),
};

test('format 1: a whole data directory is opened and served', async (context) => {
  const dataPath = unpack(context);
  const server = await startServer({
    dataPath,
    settings: { storage: { sweep_interval_secs: 1 }, limits: { min_part_size_mb: 1 } },
  });
  context.after(() => server.stop());
  const client = s3Client(server);
  context.after(() => client.destroy());

  const { Buckets } = await client.send(new ListBucketsCommand());
  assert.deepEqual(
    Buckets?.map(({ Name }) => Name),
    ['golden', 'golden.empty'],
  );
  const { Contents } = await client.send(new ListObjectsV2Command({ Bucket }));
  assert.deepEqual(
    Contents?.map(({ Key, Size }) => [Key, Size]),
    Object.entries(OBJECTS).map(([key, payload]) => [key, payload.length]),
  );
  for (const [key, payload] of Object.entries(OBJECTS)) {
    assert.deepEqual(await payloadOf(client, key), payload, key);
  }

  const inline = await client.send(
    new HeadObjectCommand({ Bucket, Key: 'inline.txt', ChecksumMode: 'ENABLED' }),
  );
  assert.equal(inline.ContentType, 'text/plain');
  assert.equal(inline.CacheControl, 'no-cache');
  assert.equal(inline.StorageClass, 'STANDARD_IA');
  assert.deepEqual(inline.Metadata, { name: 'value' });
  assert.equal(inline.ChecksumSHA256, 'ouYhdZ6YF0BwL18Ay4mrjE59oyPMbyjBlnKexfcyar4=');
  const second = { Bucket, Key: 'multipart.bin', PartNumber: 2 };
  const part = await client.send(new GetObjectCommand(second));
  assert.deepEqual([part.PartsCount, part.ContentLength], [2, 1000]);
  assert.match(part.ETag ?? '', /-2"$/);

  await finishUpload(client);
  const leftovers = ['unfinished.bin', 'deleted.bin'];
  await waitFor('the sweeper to remove what nobody can read', () => {
    const names = readdirSync(join(dataPath, Bucket), { recursive: true }).map(String);
    return leftovers.every((leftover) => !names.some((name) => name.includes(leftover)));
  });
  reportFigure('P-34', {
    what: 'data of format 1',
    figure: `${Object.keys(OBJECTS).length} objects of every placement and an upload in progress read back, leftovers swept`,
  });
});

test('format 1: every sidecar in the directory names its blob', (context) => {
  const dataPath = unpack(context);
  const names = readdirSync(join(dataPath, Bucket), { recursive: true }).map(String);
  const kinds = names
    .filter((name) => name.endsWith('/metadata.json'))
    .map((name) => {
      const { sidecar } = readSidecar(readFileSync(join(dataPath, Bucket, name), 'utf8'));
      assert.equal(name.split('/').at(-2), sidecar.blobId);
      assert.equal(sidecar.bucket, Bucket);
      return sidecar.kind;
    });
  assert.deepEqual(kinds.sort(), [
    ...['manifest', 'object', 'object', 'object', 'object', 'object'],
    ...['part', 'part', 'part'],
  ]);
});

test('a data directory of a newer format is refused in words, and nothing is written', async (context) => {
  const dataPath = unpack(context);
  const path = join(dataPath, '.s3ish', 'metadata');
  const environment = openLmdbEnvironment({ path, isFsyncEnabled: true, epoch: undefined });
  await environment.write((txn) => txn.put('system', FORMAT_KEY, encodeNumber(2)), undefined);
  await environment.close();
  rmSync(join(path, 'lock.mdb'), { force: true });
  const before = treeOf(dataPath);

  const args = ['serve', '--listen', '127.0.0.1:0', '--data', dataPath];
  const config = join(dataPath, '..', 'empty.toml');
  writeFileSync(config, '');
  const { status, stderr } = spawnSync(process.execPath, [MAIN_FILE, ...args, '--config', config], {
    encoding: 'utf8',
    timeout: 30_000,
  });
  assert.equal(status, 1, stderr);
  assert.match(stderr, /^The index in .* has format 2; this version of s3ish reads 1\n$/);
  assert.deepEqual(treeOf(dataPath), before);
  reportFigure('P-34', {
    what: 'data of a later version',
    figure: 'refused with a message that names both formats; no file was changed',
  });
});

async function payloadOf(client: S3Client, Key: string): Promise<Buffer> {
  const { Body } = await client.send(new GetObjectCommand({ Bucket, Key }));
  return Buffer.from((await Body?.transformToByteArray()) ?? []);
}

/** The upload in progress can be listed and completed. */
async function finishUpload(client: S3Client): Promise<void> {
  const { Uploads } = await client.send(new ListMultipartUploadsCommand({ Bucket }));
  assert.deepEqual(
    Uploads?.map(({ Key }) => Key),
    ['in-progress.bin'],
  );
  const upload = { Bucket, Key: 'in-progress.bin', UploadId: Uploads[0]?.UploadId };
  const { Parts } = await client.send(new ListPartsCommand(upload));
  assert.deepEqual(
    Parts?.map(({ PartNumber, Size }) => [PartNumber, Size]),
    [[2, 50_000]],
  );
  const parts = [{ PartNumber: 2, ETag: Parts[0]?.ETag }];
  const MultipartUpload = { Parts: parts };
  await client.send(new CompleteMultipartUploadCommand({ ...upload, MultipartUpload }));
  assert.deepEqual(await payloadOf(client, upload.Key), bytesOf(50_000, 11));
  const { Metadata } = await client.send(new HeadObjectCommand({ Bucket, Key: upload.Key }));
  assert.deepEqual(Metadata, { upload: 'yes' });
}

function unpack(context: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 's3ish-golden-'));
  context.after(() => rmSync(directory, { recursive: true, force: true }));
  const dataPath = join(directory, 'data');
  mkdirSync(dataPath);
  const { status, stderr } = spawnSync('tar', ['-xzf', PACKED, '-C', dataPath], {
    encoding: 'utf8',
  });
  assert.equal(status, 0, stderr);
  return dataPath;
}

/** Every file with its bytes, without the lock file of LMDB, which readers need as well. */
function treeOf(path: string): Record<string, string> {
  const files = readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.name !== 'lock.mdb')
    .map((entry) => [entry, join(entry.parentPath, entry.name)] as const)
    .map(
      ([entry, file]) => [file, entry.isFile() ? readFileSync(file, 'hex') : 'no file'] as const,
    );
  return Object.fromEntries(files);
}
