/** The contract of a metadata index, in LMDB; and what only shows between processes. */

import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { fileURLToPath } from 'node:url';

import { StaleEpochError, type Environment } from '#src/metadata/environment.js';
import { EPOCH_KEY, FORMAT_KEY } from '#src/metadata/keys.js';
import { openLmdbEnvironment } from '#src/metadata/lmdb-environment.js';
import { DamagedRecordError, encodeNumber } from '#src/metadata/record-codec.js';
import { S3Error } from '#src/s3/errors.js';
import { NewerFormatError } from '#src/util/newer-format-error.js';

import { environmentSuite, putText, valueOf } from './environment.suite.js';

const PAGE_BYTES = 4096;
/** A page begins with its number. */
const PAGE_NUMBER_BYTES = 8;
const PEER_FILE = fileURLToPath(new URL('../support/environment-peer.js', import.meta.url));

for (const isFsyncEnabled of [true, false]) {
  environmentSuite(isFsyncEnabled ? 'LMDB' : 'LMDB without fsync', async () => {
    const path = await newDirectory();
    const environment = openLmdbEnvironment({ path, isFsyncEnabled, epoch: undefined });
    return {
      environment,
      dispose: async () => {
        await environment.close().catch(() => undefined);
        await rm(path, { recursive: true });
      },
    };
  });
}

test('LMDB 1: closed and opened again, everything is there', async (context) => {
  const path = await newDirectory(context);
  const first = openAt(path);
  await first.write(putText, ['key', 'value'] as const);
  assert.equal(await first.write((txn) => txn.nextSequence(), undefined), 1);
  await first.close();
  const second = openAt(path);
  assert.equal(valueOf(second, 'key'), 'value');
  assert.equal(await second.write((txn) => txn.nextSequence(), undefined), 2);
  await second.close();
});

test('LMDB 1 and 3: each process sees at refresh what the other was answered', async (context) => {
  const path = await newDirectory(context);
  const environment = openAt(path);
  const peer = await startPeer(path);
  for (let round = 0; round < 50; round += 1) {
    const [mine, theirs] = [`mine-${round}`, `theirs-${round}`] as const;
    // A read before each write, so that a snapshot is open that must be left.
    assert.equal(valueOf(environment, theirs), undefined);
    await peer.ask({ write: [theirs, 'x'] });
    environment.refresh();
    assert.equal(valueOf(environment, theirs), 'x');
    await environment.write(putText, [mine, 'y'] as const);
    assert.equal(await peer.ask({ read: mine }), 'y');
  }
  await peer.stop();
  await environment.close();
});

test('LMDB 1: writes of two processes get numbers of one order', async (context) => {
  const path = await newDirectory(context);
  const environment = openAt(path);
  const peer = await startPeer(path);
  const numbers = await Promise.all(
    Array.from({ length: 100 }, (_, index) =>
      index % 2 === 0
        ? environment.write((txn) => txn.nextSequence(), undefined)
        : peer.ask({ next: true }),
    ),
  );
  const sorted = numbers.map(Number).sort((a, b) => a - b);
  assert.deepEqual(
    sorted,
    Array.from({ length: 100 }, (_, index) => index + 1),
  );
  await peer.stop();
  await environment.close();
});

test('LMDB 2: of many writers in two processes that want to be first, one is', async (context) => {
  const path = await newDirectory(context);
  const environment = openAt(path);
  const peer = await startPeer(path);
  for (let round = 0; round < 20; round += 1) {
    const key = `key-${round}`;
    const wins = await Promise.all([
      ...Array.from({ length: 4 }, () => createOnce(environment, key)),
      ...Array.from({ length: 4 }, () => peer.ask({ create: key })),
    ]);
    assert.equal(wins.filter((isWinner) => isWinner === true).length, 1);
  }
  await peer.stop();
  await environment.close();
});

test('LMDB 5: writes of a replaced generation are refused, all of the batch', async (context) => {
  const path = await newDirectory(context);
  const setEpoch = openAt(path);
  await setEpoch.write((txn) => txn.put('system', EPOCH_KEY, encodeNumber(7)), undefined);
  const old = openAt(path, 7);
  await old.write(putText, ['a', '1'] as const);
  await setEpoch.write((txn) => txn.put('system', EPOCH_KEY, encodeNumber(8)), undefined);
  const results = await Promise.allSettled([
    old.write(putText, ['b', '2'] as const),
    old.write(putText, ['c', '3'] as const),
  ]);
  for (const result of results) {
    assert(result.status === 'rejected' && result.reason instanceof StaleEpochError);
  }
  setEpoch.refresh();
  assert.deepEqual(
    ['a', 'b', 'c'].map((key) => valueOf(setEpoch, key)),
    ['1', undefined, undefined],
  );
  const next = openAt(path, 8);
  await next.write(putText, ['d', '4'] as const);
  for (const environment of [setEpoch, old, next]) await environment.close();
});

test('LMDB: keys out of order are damage: a walk over them could go round in circles', async (context) => {
  const path = await newDirectory(context);
  const file = join(path, 'data.mdb');
  const environment = openAt(path);
  const keys = Array.from({ length: 200 }, (_, index) => `key-${String(index).padStart(4, '0')}`);
  for (const key of keys) await environment.write(putText, [key, 'v'.repeat(300)] as const);
  await environment.close();
  // Two leaves change places: every row is sound, and the walk comes by some of them too early.
  const bytes = await readFile(file);
  const [early, late] = ['key-0050', 'key-0150'].map((key) => leafWith(bytes, key));
  assert(early !== undefined && late !== undefined);
  const copy = Buffer.from(early);
  late.copy(early, PAGE_NUMBER_BYTES, PAGE_NUMBER_BYTES);
  copy.copy(late, PAGE_NUMBER_BYTES, PAGE_NUMBER_BYTES);
  await writeFile(file, bytes);

  const damaged = openAt(path);
  const range = { start: Buffer.of(0), end: Buffer.of(0xff), countMax: 1000 };
  assert.throws(() => damaged.range('objects', range), DamagedRecordError);
  await damaged.close();
});

test('LMDB: an index of another format is refused and stays byte for byte', async (context) => {
  const path = await newDirectory(context);
  const environment = openAt(path);
  await environment.write((txn) => txn.put('system', FORMAT_KEY, encodeNumber(1)), undefined);
  await environment.close();
  await openAt(path).close();
  const again = openAt(path);
  await again.write((txn) => txn.put('system', FORMAT_KEY, encodeNumber(2)), undefined);
  await again.close();
  const before = await readFile(join(path, 'data.mdb'));
  assert.throws(() => openAt(path), NewerFormatError);
  assert.throws(() => openAt(path), /has format 2; this version of s3ish reads 1/);
  assert.deepEqual(await readFile(join(path, 'data.mdb')), before);
});

async function newDirectory(context?: test.TestContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 's3ish-index-'));
  context?.after(() => rm(path, { recursive: true }));
  return path;
}

function openAt(path: string, epoch?: number): Environment {
  return openLmdbEnvironment({ path, isFsyncEnabled: true, epoch });
}

async function createOnce(environment: Environment, key: string): Promise<boolean> {
  try {
    await environment.write((txn) => {
      if (valueOf(txn, key) !== undefined) throw new S3Error('PreconditionFailed');
      putText(txn, [key, 'x']);
    }, undefined);
    return true;
  } catch (error) {
    if (error instanceof S3Error) return false;
    throw error;
  }
}

interface Peer {
  ask(question: Record<string, unknown>): Promise<unknown>;
  stop(): Promise<void>;
}

/** Another process that has the same index open. */
async function startPeer(path: string): Promise<Peer> {
  const child = fork(PEER_FILE, [path]);
  const waiting = new Map<number, (answer: unknown) => void>();
  let questionCount = 0;
  const ready = once(child, 'message');
  await ready;
  child.on('message', ({ id, answer }: { id: number; answer: unknown }) => {
    waiting.get(id)?.(answer);
    waiting.delete(id);
  });
  return {
    ask: (question) =>
      new Promise((resolve) => {
        questionCount += 1;
        waiting.set(questionCount, resolve);
        child.send({ id: questionCount, ...question });
      }),
    stop: async () => {
      const ended = once(child, 'exit');
      child.disconnect();
      assert.deepEqual(await ended, [0, null]);
    },
  };
}

/** The one page with a row of that key. */
function leafWith(bytes: Buffer, key: string): Buffer | undefined {
  const pages = Array.from({ length: bytes.byteLength / PAGE_BYTES }, (_, index) =>
    bytes.subarray(index * PAGE_BYTES, (index + 1) * PAGE_BYTES),
  ).filter((page) => page.includes(key));
  assert.equal(pages.length, 1, `${key} is on one page`);
  return pages[0];
}
