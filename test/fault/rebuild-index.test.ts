// `s3ish rebuild-index`: the index made again from sidecars is the index that was lost, row for row
// and for clients; what cannot be used is told and costs nothing else; an interruption changes nothing.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { cp, mkdir, readdir, readFile, rename, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';

import {
  CopyObjectCommand,
  CreateBucketCommand,
  DeleteObjectCommand,
  PutObjectCommand,
  PutObjectTaggingCommand,
  RenameObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3';

import { openStore } from '#src/store/open-store.js';

import { fillStore } from '../support/filled-store.js';
import { reportFigure } from '../support/reliability.js';
import { s3Client } from '../support/s3-client.js';
import { MAIN_FILE, startServer, waitFor, type TestServer } from '../support/server.js';
import { complete, uploaded } from '../support/uploads.js';
import {
  blobDirectories,
  BUCKETS,
  metadataPathOf,
  rowCountOf,
  rowsOf,
  runVerb,
  seenBy,
} from './index-copies.js';

const [FIRST, SECOND] = BUCKETS;
const OBJECTS_COUNT = Number(process.env['S3ISH_REBUILD_OBJECTS'] ?? 2_000);
const TAGGING = { TagSet: [{ Key: 'colour', Value: 'grün + blau' }] };

async function start(storage: Record<string, number> = {}): Promise<TestServer> {
  return startServer({
    settings: {
      storage: { inline_max_kb: 0, sweep_interval_secs: 1, scrub_interval_hours: 0, ...storage },
      limits: { min_part_size_mb: 0 },
      log: { level: 'error' },
    },
  });
}

/** One object of every kind that has files. */
async function fill(client: S3Client): Promise<void> {
  for (const Bucket of BUCKETS) await client.send(new CreateBucketCommand({ Bucket }));
  const put = (Key: string, Body: Buffer | string, more: object = {}) =>
    client.send(new PutObjectCommand({ Bucket: FIRST, Key, Body, ...more }));
  await put('plain', randomBytes(300_000), {
    ...{
      ContentType: 'text/x-test',
      CacheControl: 'no-cache',
      Metadata: { one: '1', two: 'zwei' },
    },
    ...{ Tagging: 'a=b&c=d', ChecksumAlgorithm: 'SHA256', StorageClass: 'STANDARD_IA' },
  });
  await put('empty', '');
  await put('.', 'a dot');
  await put(`long/${'ä'.repeat(400)}`, 'a long name');
  for (const version of ['first', 'second', 'third']) await put('replaced', version);
  await put('tagged', 'tagged later');
  await client.send(
    new PutObjectTaggingCommand({ Bucket: FIRST, Key: 'tagged', Tagging: TAGGING }),
  );
  await client.send(
    new CopyObjectCommand({ Bucket: SECOND, Key: 'linked', CopySource: `${FIRST}/plain` }),
  );
  await put('before', randomBytes(1000));
  await client.send(
    new RenameObjectCommand({ Bucket: FIRST, Key: 'renamed', RenameSource: `${FIRST}/before` }),
  );
  await put('appended', randomBytes(400_000));
  for (const offset of [400_000, 400_010]) {
    await put('appended', randomBytes(10), { WriteOffsetBytes: offset });
  }
  const bodies = [randomBytes(300_000), randomBytes(10), randomBytes(77)];
  for (const Key of ['multipart', 'multipart-renamed-before', 'multipart-tagged']) {
    const { name, parts } = await uploaded(client, SECOND, Key, bodies, [2, 5, 9], {
      ...{ ChecksumAlgorithm: 'CRC32C', Tagging: 'x=y', Metadata: { of: 'parts' } },
    });
    await complete(client, name, Key === 'multipart' ? parts.slice(1) : parts);
  }
  await client.send(
    new RenameObjectCommand({
      ...{ Bucket: SECOND, Key: 'multipart-renamed' },
      RenameSource: `${SECOND}/multipart-renamed-before`,
    }),
  );
  const tagged = { Bucket: SECOND, Key: 'multipart-tagged', Tagging: TAGGING };
  await client.send(new PutObjectTaggingCommand(tagged));
  await put('deleted', 'deleted');
  await client.send(new DeleteObjectCommand({ Bucket: FIRST, Key: 'deleted' }));
}

async function loseIndex(server: TestServer): Promise<string> {
  const lost = `${metadataPathOf(server)}-lost`;
  await rename(metadataPathOf(server), lost);
  // The key pair is not what this is about.
  await mkdir(metadataPathOf(server), { recursive: true });
  await cp(join(lost, 'root-credentials'), join(metadataPathOf(server), 'root-credentials'));
  return lost;
}

test('P-27 rebuild-index makes the lost index again, row for row and for every reader', async () => {
  const server = await start();
  try {
    const client = s3Client(server);
    await fill(client);
    const before = await seenBy(client);
    await waitFor('garbage to be swept', async () => {
      return (await rowCountOf(metadataPathOf(server), 'garbage')) === 0;
    });
    await server.terminate();
    const lost = await loseIndex(server);
    const { code, output } = await runVerb(server, 'rebuild-index', '--verify-data');
    assert.equal(code, 0, output);
    const wanted = await rowsOf(lost);
    assert.deepEqual(await rowsOf(metadataPathOf(server)), wanted);
    await server.restart();
    assert.deepEqual(await seenBy(client), before);
    reportFigure('P-27', {
      what: 'rows of a rebuilt index',
      figure: `${wanted.size} records of objects of every kind, all identical but for sequences and tokens of renames`,
    });
  } finally {
    await server.stop();
  }
});

test('P-27 rebuild-index tells what it cannot use and loses nothing else; deleted files come back', async () => {
  const server = await start({ sweep_interval_secs: 86_400 });
  try {
    const client = s3Client(server);
    await fill(client);
    const put = (Key: string) =>
      client.send(new PutObjectCommand({ Bucket: FIRST, Key, Body: randomBytes(500) }));
    const before = await seenBy(client);
    const known = new Set(await blobDirectories(server, FIRST));
    const added: string[] = [];
    for (const Key of ['torn', 'empty-sidecar', 'foreign', 'no-data', 'flipped']) {
      await put(Key);
      const all = await blobDirectories(server, FIRST);
      const [directory = ''] = all.filter((one) => !known.has(one));
      known.add(directory);
      added.push(directory);
    }
    await server.terminate();
    const [torn = '', empty = '', foreign = '', noData = '', flipped = ''] = added;
    await truncate(join(torn, 'metadata.json'), 50);
    await truncate(join(empty, 'metadata.json'), 0);
    await writeFile(join(foreign, 'metadata.json'), await readFile(join(flipped, 'metadata.json')));
    await rm(join(noData, 'data'));
    await writeFile(join(flipped, 'data'), randomBytes(500));
    await mkdir(join(server.dataPath, FIRST, 'zz', 'stranger', 'f'.repeat(32)), {
      recursive: true,
    });
    await writeFile(join(server.dataPath, FIRST, 'aa-file'), 'not ours');
    await loseIndex(server);
    const { code, output } = await runVerb(server, 'rebuild-index', '--verify-data');
    assert.equal(code, 1, output);
    for (const directory of added) {
      const line = output.split('\n').find((one) => one.includes(directory.slice(-32)));
      assert.notEqual(line, undefined, `${directory} is not told: ${output}`);
    }
    assert.match(output, /6 problems/);
    await server.restart();
    const seen = (await seenBy(client).catch((error: unknown) => {
      // The flipped object is listed, and its bytes are refused.
      assert.equal((error as Error).name, 'InternalError');
      return undefined;
    })) as undefined;
    assert.equal(seen, undefined, 'the flipped object is never sent');
    await client.send(new DeleteObjectCommand({ Bucket: FIRST, Key: 'flipped' }));
    const after = await seenBy(client);
    const keysOf = (what: readonly object[]): string[] =>
      what.map((one) => `${String((one as { Key?: string }).Key)}`);
    const back = keysOf(after).filter((key) => !keysOf(before).includes(key));
    // Their files had not been swept, and no sidecar tells of a deletion.
    assert.deepEqual(back.sort(), ['before', 'deleted', 'multipart-renamed-before']);
    const lists = (what: readonly object[]): readonly object[] =>
      what.filter((one) => 'Key' in one && !back.includes(String(one.Key)));
    assert.deepEqual(lists(after), lists(before));
  } finally {
    await server.stop();
  }
});

test('P-27 rebuild-index refuses a store that is served or has an index, and changes nothing when it is killed', async () => {
  const server = await start();
  try {
    const client = s3Client(server);
    await fill(client);
    const served = await runVerb(server, 'rebuild-index');
    assert.equal(served.code, 1);
    assert.match(served.output, /is in use/);
    await server.terminate();
    const present = await runVerb(server, 'rebuild-index');
    assert.equal(present.code, 1);
    assert.match(present.output, /holds an index/);
    const lost = await loseIndex(server);
    const wanted = await rowsOf(lost);
    const names = await readdir(metadataPathOf(server));
    const child = spawn(process.execPath, [MAIN_FILE, 'rebuild-index', '-c', server.configFile]);
    const work = join(metadataPathOf(server), 'index.new', 'data.mdb');
    await waitFor('the rebuild to begin', () => existsSync(work) || child.exitCode !== null);
    if (child.exitCode === null) {
      child.kill('SIGKILL');
      await once(child, 'exit');
      // Killed before the rename: nothing but what the next run removes.
      const left = (await readdir(metadataPathOf(server))).filter((name) => name !== 'index.new');
      if (child.signalCode === 'SIGKILL' && !left.includes('data.mdb')) {
        assert.deepEqual(left.sort(), names.sort());
      }
    }
    await rm(join(metadataPathOf(server), 'data.mdb'), { force: true });
    const other = join(server.dataPath, '..', 'other');
    const { code, output } = await runVerb(server, 'rebuild-index', '--into', other);
    assert.equal(code, 0, output);
    const rows = await rowsOf(other);
    for (const [name, value] of wanted) {
      if (name.startsWith('objects ')) assert.equal(rows.get(name), value, name);
    }
    assert.equal(existsSync(join(metadataPathOf(server), 'data.mdb')), false);
  } finally {
    await server.stop();
  }
});

test('P-27 a server that starts without its index keeps the files, and the index can be made again', async () => {
  const server = await start();
  try {
    const client = s3Client(server);
    await fill(client);
    await waitFor('garbage to be swept', async () => {
      return (await rowCountOf(metadataPathOf(server), 'garbage')) === 0;
    });
    await server.terminate();
    const lost = await loseIndex(server);
    await server.restart();
    await server.terminate();
    const store = await openStore({
      ...{ backend: 'file', basePath: server.dataPath, metadataPath: metadataPathOf(server) },
      ...{ isFsyncEnabled: true, inlineBytesMax: 0, incarnation: 'walker' },
    });
    const sweptCount = await store.reclaimer.sweepOrphans(-1);
    await store.close();
    assert.equal(sweptCount, 0);
    await rm(join(metadataPathOf(server), 'data.mdb'));
    const { code, output } = await runVerb(server, 'rebuild-index', '--verify-data');
    assert.equal(code, 0, output);
    assert.deepEqual(await rowsOf(metadataPathOf(server)), await rowsOf(lost));
  } finally {
    await server.stop();
  }
});

test('P-27 rebuild-index makes records at speed', async () => {
  const server = await start();
  try {
    await server.terminate();
    const { dataPath } = server;
    await fillStore({
      dataPath,
      bucket: FIRST,
      prefix: 'object-',
      count: OBJECTS_COUNT,
      isBlob: true,
    });
    await loseIndex(server);
    const { code, output } = await runVerb(server, 'rebuild-index');
    assert.equal(code, 0, output);
    const [, count, seconds] = /^(\d+) objects;.* (\S+) s$/m.exec(output) ?? [];
    assert.equal(Number(count), OBJECTS_COUNT);
    reportFigure('P-27', {
      what: 'speed of rebuilding',
      figure: `${count} objects in ${seconds} s, ${Math.round(Number(count) / Number(seconds))} a second`,
    });
  } finally {
    await server.stop();
  }
});
