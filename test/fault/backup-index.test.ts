// `s3ish backup`, `restore`, `release-orphans` and `rebuild-index --backup`: a copy made under load holds
// what was acknowledged before; a restored index does not cost what was written after it.

import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';

import {
  CreateBucketCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutBucketTaggingCommand,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3';

import { backupIndex, restoreIndex } from '#src/maintenance/backup-index.js';
import { bumpEpoch, openStore } from '#src/store/open-store.js';

import { spyOnFlushes } from '../support/flush-spy.js';
import { reportFigure } from '../support/reliability.js';
import { s3Client } from '../support/s3-client.js';
import { startServer, waitFor, type TestServer } from '../support/server.js';
import { complete, uploaded } from '../support/uploads.js';
import { metadataPathOf, rowCountOf, runVerb } from './index-copies.js';

const BUCKET = 'bucket-a';
const INLINE = 'small';
const FILE = 'x'.repeat(40_000);

function start(): Promise<TestServer> {
  return startServer({
    processes: 2,
    settings: {
      storage: { sweep_interval_secs: 1, scrub_interval_hours: 0 },
      limits: { min_part_size_mb: 0 },
      log: { level: 'error' },
    },
  });
}

function put(client: S3Client, Key: string, Body: string): Promise<unknown> {
  return client.send(new PutObjectCommand({ Bucket: BUCKET, Key, Body }));
}

async function textsOf(client: S3Client): Promise<Record<string, string | undefined>> {
  const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket: BUCKET }));
  const texts: Record<string, string | undefined> = {};
  for (const { Key = '' } of Contents) {
    const { Body } = await client.send(new GetObjectCommand({ Bucket: BUCKET, Key }));
    texts[Key] = await Body?.transformToString();
  }
  return texts;
}

async function onlyBackup(directory: string): Promise<string> {
  const names = await readdir(directory);
  assert.equal(names.length, 1, names.join());
  return join(directory, names[0] ?? '');
}

/** One walk over all blobs, whatever their age, as the jobs process does it daily. */
async function sweepOrphans(server: TestServer): Promise<number> {
  const store = await openStore({
    ...{ backend: 'file', basePath: server.dataPath, metadataPath: metadataPathOf(server) },
    ...{ isFsyncEnabled: true, inlineBytesMax: 0, incarnation: 'walker' },
  });
  try {
    return await store.reclaimer.sweepOrphans(-1);
  } finally {
    await store.close();
  }
}

test('P-27 backup under load holds every object that was acknowledged before, and stays in its number', async () => {
  const server = await start();
  try {
    const client = s3Client(server);
    await client.send(new CreateBucketCommand({ Bucket: BUCKET }));
    const backups = join(server.dataPath, '..', 'backups');
    const acknowledged: string[] = [];
    let isWriting = true;
    const write = async (writer: number): Promise<void> => {
      for (let count = 0; isWriting; count += 1) {
        const key = `${writer}-${count}`;
        await put(client, key, count % 4 === 0 ? FILE : INLINE);
        acknowledged.push(key);
      }
    };
    const writers = Promise.all([0, 1, 2, 3, 4, 5, 6, 7].map(write));
    const copies: string[][] = [];
    for (let round = 0; round < 4; round += 1) {
      const least = acknowledged.length + 20;
      await waitFor('writes', () => acknowledged.length >= least);
      copies.push([...acknowledged]);
      const { code, output } = await runVerb(server, 'backup', backups, '--keep', '2');
      assert.equal(code, 0, output);
    }
    isWriting = false;
    await writers;
    const names = (await readdir(backups)).sort();
    assert.equal(names.length, 2, names.join());
    for (const [index, name] of names.entries()) {
      const path = join(backups, name);
      const before = copies.slice(-2)[index] ?? [];
      const store = await openStore({
        ...{ backend: 'file', basePath: server.dataPath, metadataPath: path },
        ...{ isFsyncEnabled: true, inlineBytesMax: 0, incarnation: 'reader' },
      });
      const missing = before.filter((key) => store.findObject(BUCKET, key) === undefined);
      const { objectCount } = store.bucketCounters(BUCKET);
      await store.close();
      assert.deepEqual(missing, []);
      assert.equal(objectCount, await rowCountOf(path, 'objects'));
      assert.equal((await stat(join(path, 'root-credentials'))).mode & 0o777, 0o600);
      assert.equal((await stat(join(path, 'data.mdb'))).mode & 0o777, 0o600);
    }
    reportFigure('P-27', {
      what: 'backup under load',
      figure: `4 copies beside 8 writers, ${acknowledged.length} acknowledged writes, none missing`,
    });
  } finally {
    await server.stop();
  }
});

test('P-27 a copy is on disk before it gets its name, there and back', async (context) => {
  const directory = mkdtempSync(join(tmpdir(), 's3ish-backup-'));
  try {
    const metadataPath = join(directory, 'metadata');
    await bumpEpoch(metadataPath, true);
    await writeFile(join(metadataPath, 'root-credentials'), 'key:secret\n', { mode: 0o600 });
    const spy = await spyOnFlushes(context);
    const backups = join(directory, 'backups');
    const { path } = await backupIndex({
      ...{ metadataPath, directory: backups, keepCount: undefined, nowMs: Date.now() },
    });
    const made = spy.flushes.filter((flush) => flush.startsWith(`fsync ${backups}`));
    assert.deepEqual(made, [
      `fsync ${path}.new/root-credentials`,
      `fsync ${path}.new/data.mdb`,
      `fsync ${path}.new`,
      `fsync ${backups}`,
    ]);
    const target = join(directory, 'restored');
    spy.flushes.length = 0;
    await restoreIndex(path, target, undefined);
    const restored = spy.flushes.filter((flush) => flush.startsWith(`fsync ${target}`));
    assert.deepEqual(restored, [
      `fsync ${target}/root-credentials`,
      `fsync ${target}/index.new/data.mdb`,
      `fsync ${target}`,
    ]);
  } finally {
    rmSync(directory, { recursive: true });
  }
});

test('P-27 a restored index keeps the files of later objects, and rebuild-index --backup brings them in', async () => {
  const server = await start();
  try {
    const client = s3Client(server);
    await client.send(new CreateBucketCommand({ Bucket: BUCKET }));
    const TagSet = [{ Key: 'of', Value: 'bucket' }];
    await client.send(new PutBucketTaggingCommand({ Bucket: BUCKET, Tagging: { TagSet } }));
    for (const key of ['stays', 'overwritten', 'deleted']) await put(client, key, `${key} ${FILE}`);
    for (const key of ['inline', 'inline-becomes-file']) await put(client, key, key);
    await put(client, 'file-becomes-inline', FILE);
    const pending = await uploaded(client, BUCKET, 'completed', [Buffer.from(FILE)]);
    const backups = join(server.dataPath, '..', 'backups');
    const made = await runVerb(server, 'backup', backups);
    assert.equal(made.code, 0, made.output);
    const backup = await onlyBackup(backups);
    for (const key of ['overwritten', 'new', 'inline-becomes-file']) {
      await put(client, key, `later ${key} ${FILE}`);
    }
    await complete(client, pending.name, pending.parts);
    await put(client, 'file-becomes-inline', 'lost with the index');
    await client.send(new DeleteObjectCommand({ Bucket: BUCKET, Key: 'deleted' }));
    const wanted = await textsOf(client);
    delete wanted['file-becomes-inline'];
    await waitFor('garbage to be swept', async () => {
      return (await rowCountOf(metadataPathOf(server), 'garbage')) === 0;
    });
    const keyPair = await readFile(join(metadataPathOf(server), 'root-credentials'), 'utf8');
    await server.terminate();

    const refused = await runVerb(server, 'restore', backup);
    assert.equal(refused.code, 1);
    const replaced = await runVerb(server, 'restore', backup, '--replace');
    assert.equal(replaced.code, 0, replaced.output);
    const aside = (await readdir(metadataPathOf(server))).filter((name) =>
      name.includes('replaced'),
    );
    assert.equal(aside.length, 1);
    // The walk takes nothing of what was written since.
    assert.equal(await sweepOrphans(server), 0);

    await rm(metadataPathOf(server), { recursive: true });
    const rebuilt = await runVerb(server, 'rebuild-index', '--backup', backups);
    assert.equal(rebuilt.code, 0, rebuilt.output);
    assert.match(rebuilt.output, /^2 objects, 2 newer than in the backup, 2 gone since;/m);
    // The key pair comes with an index that is restored, not with one that is built.
    assert.equal(existsSync(join(metadataPathOf(server), 'root-credentials')), false);
    await rm(metadataPathOf(server), { recursive: true });
    const again = await runVerb(server, 'restore', backup);
    assert.equal(again.code, 0, again.output);
    assert.equal(await readFile(join(metadataPathOf(server), 'root-credentials'), 'utf8'), keyPair);
    await rm(join(metadataPathOf(server), 'data.mdb'));
    const last = await runVerb(server, 'rebuild-index', '--backup', backup);
    assert.equal(last.code, 0, last.output);
    await server.restart();
    assert.deepEqual(await textsOf(client), wanted);

    assert.equal(await sweepOrphans(server), 0);
    const released = await runVerb(server, 'release-orphans');
    assert.equal(released.code, 0, released.output);
    await sweepOrphans(server);
    assert.deepEqual(await textsOf(client), wanted);
  } finally {
    await server.stop();
  }
});
