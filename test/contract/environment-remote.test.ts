/** The contract of a metadata index, written by another process; and what can happen to that one. */

import assert, { AssertionError } from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { CommitError } from '#src/metadata/commit-error.js';
import type { Environment, WriteView } from '#src/metadata/environment.js';
import { IndexWriter, type Actions } from '#src/metadata/index-writer.js';
import { openLmdbEnvironment } from '#src/metadata/lmdb-environment.js';
import { RemoteEnvironment } from '#src/metadata/remote-environment.js';
import { encodeMessage, MessageDecoder } from '#src/metadata/writer-protocol.js';
import { writerSocketPath } from '#src/metadata/writer-socket.js';
import { S3Error } from '#src/s3/errors.js';
import { FencedError } from '#src/util/fenced-error.js';
import { waitFor } from '../support/server.js';
import { environmentSuite, putText, valueOf } from './environment.suite.js';

/** The suite's actions are closures; here both ends are this process and may share them. */
const shared: ((txn: WriteView) => unknown)[] = [];

function runShared(txn: WriteView, index: number): unknown {
  const action = shared[index];
  assert(action !== undefined);
  return action(txn);
}

function listWithRefusal(): unknown[] {
  return [true, new S3Error('PreconditionFailed', { Condition: 'If-Match' }), undefined];
}

function echo(_txn: WriteView, input: unknown): unknown {
  return input;
}

const ACTIONS: Actions = { echo, listWithRefusal, putText, runShared };

interface Pair {
  readonly path: string;
  readonly lmdb: Environment;
  readonly remote: RemoteEnvironment;
  writer: IndexWriter;
  readonly faults: unknown[];
  openWriter(): Promise<void>;
}

async function openPair(): Promise<Pair> {
  const path = await mkdtemp(join(tmpdir(), 's3ish-remote-'));
  const openIndex = (): Environment =>
    openLmdbEnvironment({ path, isFsyncEnabled: true, epoch: undefined });
  const lmdb = openIndex();
  const faults: unknown[] = [];
  const openWriter = (): Promise<IndexWriter> =>
    IndexWriter.open({
      ...{ environment: lmdb, actions: ACTIONS, epoch: 7, socketPath: writerSocketPath(path) },
      onFault: (fault) => faults.push(fault),
    });
  return {
    ...{ path, lmdb, faults },
    writer: await openWriter(),
    async openWriter(this: Pair) {
      this.writer = await openWriter();
    },
    remote: new RemoteEnvironment({
      ...{ reader: openIndex(), actions: ACTIONS, epoch: 7, incarnation: 'reader' },
      socketPath: writerSocketPath(path),
    }),
  };
}

async function closePair({ path, lmdb, remote, writer }: Pair): Promise<void> {
  await remote.close().catch(() => undefined);
  writer.close();
  await lmdb.close().catch(() => undefined);
  await rm(path, { recursive: true });
}

async function pairFor(context: TestContext): Promise<Pair> {
  const pair = await openPair();
  context.after(() => closePair(pair));
  return pair;
}

environmentSuite('another process', async () => {
  const pair = await openPair();
  const { remote } = pair;
  const environment: Environment = {
    refresh: () => {
      remote.refresh();
    },
    get: (table, key) => remote.get(table, key),
    range: (table, query) => remote.range(table, query),
    countRows: () => remote.countRows(),
    lastSequence: () => remote.lastSequence(),
    settle: (incarnation) => remote.settle(incarnation),
    fence: (fault) => {
      remote.fence(fault);
    },
    close: () => remote.close(),
    write: async (action, input) => {
      const index = shared.push((txn) => action(txn, input)) - 1;
      try {
        return (await remote.write(runShared, index)) as never;
      } catch (error) {
        // The bug is the other process's.
        if (!(error instanceof Error && error.message.startsWith('bug: '))) throw error;
        throw new AssertionError({ message: error.message });
      }
    },
  };
  return { environment, dispose: () => closePair(pair) };
});

test('inputs and outputs arrive as they were, refusals in lists as well', async (context) => {
  const { remote } = await pairFor(context);
  const input = { text: 'ü', bytes: Buffer.of(0, 255), none: undefined, list: [1, { deep: true }] };
  assert.deepEqual(await remote.write(echo, input), input);
  const [first, refusal, last] = await remote.write(listWithRefusal, undefined);
  assert.deepEqual([first, last], [true, undefined]);
  assert.ok(refusal instanceof S3Error);
  assert.deepEqual(
    [refusal.code, refusal.details],
    ['PreconditionFailed', { Condition: 'If-Match' }],
  );
  const large = Buffer.alloc(3_000_000, 7);
  const answers = await Promise.all([1, 2, 3].map(() => remote.write(echo, large)));
  for (const answer of answers) assert.ok(large.equals(answer as Buffer));
});

test('an action without a name is a bug of the process that asks', async (context) => {
  const { remote } = await pairFor(context);
  assert.throws(() => remote.write(() => 1, undefined), { name: 'AssertionError' });
});

test('a writer that ends leaves open how actions ended; its successor goes on', async (context) => {
  const pair = await pairFor(context);
  const { remote } = pair;
  await remote.write(putText, ['before', '1'] as const);
  const asked = remote.write(putText, ['asked', '1'] as const);
  // So that it is on its way.
  await new Promise((turn) => setImmediate(turn));
  pair.writer.close();
  const outcome = await asked.catch((error: unknown) => error);
  if (outcome !== undefined) {
    assert.ok(outcome instanceof CommitError);
    assert.equal(outcome.isUndone, false, 'it may have been done');
  }
  await sleep(50);
  const waiting = remote.write(putText, ['waiting', '1'] as const);
  await pair.openWriter();
  await waiting;
  assert.equal(valueOf(remote, 'before'), '1');
  assert.equal(valueOf(remote, 'waiting'), '1', 'seen without another refresh');
});

test('without a writer a write is refused after a while, and was not done', async (context) => {
  const pair = await pairFor(context);
  pair.writer.close();
  await sleep(50);
  await assert.rejects(pair.remote.write(putText, ['late', '1'] as const), FencedError);
  await pair.openWriter();
  await pair.remote.write(putText, ['next', '1'] as const);
  assert.equal(valueOf(pair.remote, 'late'), undefined);
});

test('a failed commit arrives with what is known of it', async (context) => {
  const { remote, lmdb, faults } = await pairFor(context);
  lmdb.fence(new Error('EIO'));
  await assert.rejects(remote.write(putText, ['key', '1'] as const), FencedError);
  assert.deepEqual(faults, [], 'one line for each refused write says no more');
  await remote.settle('anybody');
});

test('processes of another generation are not served', async (context) => {
  const { path } = await pairFor(context);
  const socket = connect(writerSocketPath(path));
  let answered = 0;
  let isClosed = false;
  socket.on('data', () => (answered += 1)).on('close', () => (isClosed = true));
  for (const part of encodeMessage({ epoch: 6, incarnation: 'old' })) socket.write(part);
  for (const part of encodeMessage([[1, 'putText', ['old', '1']]])) socket.write(part);
  await waitFor('the connection to be closed', () => isClosed);
  assert.equal(answered, 0);
});

test('bytes that are no message end their connection, and nothing else', async (context) => {
  const { path, remote, faults } = await pairFor(context);
  for (const bytes of [Buffer.from('GET / HTTP/1.1\r\n\r\n'), Buffer.of(3, 0, 0, 0, 1, 2, 3)]) {
    const socket = connect(writerSocketPath(path));
    let isClosed = false;
    socket.on('error', () => undefined).on('close', () => (isClosed = true));
    socket.write(bytes);
    await waitFor('the connection to be closed', () => isClosed);
  }
  assert.equal(faults.length, 2);
  await remote.write(putText, ['key', '1'] as const);
});

test('after settle nothing of a process is committed, whatever it sent', async (context) => {
  const { path, remote } = await pairFor(context);
  for (let round = 0; round < 200; round += 1) {
    const incarnation = `mortal-${round}`;
    const socket = connect(writerSocketPath(path));
    socket.on('error', () => undefined);
    for (const part of encodeMessage({ epoch: 7, incarnation })) socket.write(part);
    const sent = [1, 2, 3].map((id) => [id, 'putText', [`${incarnation}-${id}`, '1']]);
    for (const one of sent) for (const part of encodeMessage([one])) socket.write(part);
    if (round % 3 === 1) await new Promise((turn) => setImmediate(turn));
    if (round % 3 === 2) await sleep(1);
    socket.end();
    await remote.settle(incarnation);
    remote.refresh();
    const seen = sent.map(([id]) => valueOf(remote, `${incarnation}-${String(id)}`));
    await sleep(2);
    remote.refresh();
    const later = sent.map(([id]) => valueOf(remote, `${incarnation}-${String(id)}`));
    assert.deepEqual(later, seen, `round ${round}`);
    socket.destroy();
  }
});

test('MessageDecoder gives the same messages however they are cut', () => {
  const values = [1, 'text', Buffer.alloc(100, 1), [], { a: undefined }, 'x'.repeat(1000)];
  const sent = Buffer.concat(values.flatMap((value) => encodeMessage(value)));
  for (const pieceBytes of [1, 2, 3, 5, 7, 64, 1000, sent.byteLength]) {
    const decoder = new MessageDecoder();
    const got: unknown[] = [];
    for (let start = 0; start < sent.byteLength; start += pieceBytes) {
      got.push(...decoder.push(sent.subarray(start, start + pieceBytes)));
    }
    assert.deepEqual(got, values);
  }
});
