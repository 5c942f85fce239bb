import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { EMPTY_BODY, ReceiveQueue } from '#src/server/receive-queue.js';
import { BodyError } from '#src/util/byte-source.js';

/** A queue and what it asked of its gate. */
function open(): { queue: ReceiveQueue; gate: string[] } {
  const gate: string[] = [];
  const queue = new ReceiveQueue(undefined, {
    pauseReceiving: () => gate.push('pause'),
    resumeReceiving: () => gate.push('resume'),
  });
  return { queue, gate };
}

const MIB = 1024 * 1024;

async function failureOf(promise: Promise<unknown>): Promise<string> {
  const failure: unknown = await promise.then(
    () => 'no failure',
    (error: unknown) => error,
  );
  return failure instanceof BodyError ? failure.failure : String(failure);
}

describe('ReceiveQueue', () => {
  test('ReceiveQueue hands out pieces in order, before and after they are asked for', async () => {
    const { queue } = open();
    queue.push(Buffer.from('a'));
    queue.push(new Uint8Array(0));
    queue.push(Buffer.from('b'));
    const reader = queue[Symbol.asyncIterator]();
    assert.deepEqual(await reader.next(), { done: false, value: Buffer.from('a') });
    assert.deepEqual(await reader.next(), { done: false, value: Buffer.from('b') });
    const waiting = reader.next();
    queue.push(Buffer.from('c'));
    queue.finish();
    assert.deepEqual(await waiting, { done: false, value: Buffer.from('c') });
    assert.equal((await reader.next()).done, true);
    assert.equal((await reader.next()).done, true);
  });

  test('ReceiveQueue ends a reader that waits', async () => {
    const { queue } = open();
    const waiting = queue.next();
    queue.finish();
    assert.equal((await waiting).done, true);
  });

  test('ReceiveQueue pauses above its limit and resumes below its low mark, in pairs', async () => {
    const { queue, gate } = open();
    for (let index = 0; index < 4; index += 1) queue.push(new Uint8Array(MIB / 4));
    assert.deepEqual(gate, ['pause']);
    queue.push(new Uint8Array(MIB / 4));
    assert.deepEqual(gate, ['pause'], 'what still comes after a pause is kept');
    for (let index = 0; index < 4; index += 1) await queue.next();
    assert.deepEqual(gate, ['pause'], 'one piece and its overhead are above the low mark');
    await queue.next();
    assert.deepEqual(gate, ['pause', 'resume']);
  });

  test('ReceiveQueue limits pieces of one byte as well', () => {
    const { queue, gate } = open();
    for (let index = 0; index < 5000; index += 1) queue.push(new Uint8Array(1));
    assert.deepEqual(gate, ['pause']);
  });

  test('ReceiveQueue drops everything and resumes when its reader leaves', async () => {
    const { queue, gate } = open();
    queue.push(new Uint8Array(2 * MIB));
    queue.push(new Uint8Array(1));
    for await (const piece of queue) {
      assert.equal(piece.byteLength, 2 * MIB);
      break;
    }
    assert.deepEqual(gate, ['pause', 'resume']);
    assert.equal(queue.isAbandoned, true);
    queue.push(new Uint8Array(2 * MIB));
    assert.deepEqual(gate, ['pause', 'resume']);
    assert.equal((await queue.next()).done, true);
  });

  test('ReceiveQueue fails a reader that waits, and every later one', async () => {
    const { queue } = open();
    const waiting = queue.next();
    queue.fail(new BodyError('aborted', 'gone'));
    assert.equal(await failureOf(waiting), 'aborted');
    assert.equal(await failureOf(queue.next()), 'aborted');
    queue.fail(new BodyError('timeout', 'second'));
    assert.equal(await failureOf(queue.next()), 'aborted', 'the first failure counts');
  });

  test('ReceiveQueue drops pieces that wait when it fails', async () => {
    const { queue, gate } = open();
    queue.push(new Uint8Array(2 * MIB));
    queue.fail(new BodyError('aborted', 'gone'));
    assert.deepEqual(gate, ['pause', 'resume']);
    assert.equal(await failureOf(queue.next()), 'aborted');
  });

  test('ReceiveQueue cannot fail any more once all of it was read', async () => {
    const { queue } = open();
    queue.push(Buffer.from('a'));
    queue.finish();
    await queue.next();
    queue.fail(new BodyError('aborted', 'gone'));
    assert.equal((await queue.next()).done, true);
  });

  test('ReceiveQueue dismisses a reader with an error', async () => {
    const { queue } = open();
    queue.push(Buffer.from('half'));
    queue.dismiss();
    assert.equal(await failureOf(queue.next()), 'aborted');
    assert.equal(queue.isStalled, false);
  });

  test('ReceiveQueue times out only while a reader waits and nothing comes', async () => {
    const { queue } = open();
    for (let tick = 0; tick < 10; tick += 1) queue.tick(2, 0);
    const first = queue.next();
    queue.tick(2, 0);
    queue.tick(2, 0);
    queue.push(Buffer.from('a'));
    await first;
    const second = queue.next();
    queue.tick(2, 0);
    queue.tick(2, 0);
    assert.equal(queue.isStalled, false, 'progress starts the count again');
    queue.tick(2, 0);
    assert.equal(await failureOf(second), 'timeout');
    assert.equal(queue.isStalled, true);
  });

  test('ReceiveQueue times out when too little comes over the whole of a timeout', async () => {
    for (const [pieceBytes, isTooSlow] of [
      [1, true],
      [4, false],
    ] as const) {
      const { queue } = open();
      const state = { isFailed: false };
      for (let tick = 0; tick < 12 && !state.isFailed; tick += 1) {
        const next = queue.next().catch((error: unknown) => {
          state.isFailed = true;
          assert.equal((error as BodyError).failure, 'timeout');
        });
        queue.tick(3, 12);
        queue.push(Buffer.alloc(pieceBytes));
        await next;
      }
      assert.equal(state.isFailed, isTooSlow);
    }
  });

  test('ReceiveQueue has one reader, once', () => {
    const { queue } = open();
    queue[Symbol.asyncIterator]();
    assert.throws(() => queue[Symbol.asyncIterator](), /read once/);
    void queue.next();
    assert.throws(() => queue.next(), /one reader/);
  });

  test('EMPTY_BODY is empty as often as it is read', async () => {
    assert.equal(EMPTY_BODY.contentLength, 0);
    for (let turn = 0; turn < 2; turn += 1) {
      for await (const piece of EMPTY_BODY) assert.fail(`a piece of ${piece.byteLength} bytes`);
    }
  });
});
