import assert from 'node:assert/strict';
import test from 'node:test';

import { OverflowArea } from '#src/server/overflow-area.js';
import { ReceiveQueue } from '#src/server/receive-queue.js';
import {
  OVERFLOW_AREA_BYTES,
  OVERFLOW_SLOT_BYTES,
  RECEIVE_QUEUE_BYTES_MAX,
} from '#src/server/transport-limits.js';

const SLOT_COUNT = OVERFLOW_AREA_BYTES / OVERFLOW_SLOT_BYTES;

function chunkOf(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text));
}

test('a held piece outlives the chunk', () => {
  const area = new OverflowArea();
  const chunk = chunkOf('first');
  const held = area.hold(chunk);
  chunk.fill(0);
  area.hold(chunkOf('other'))?.release();
  assert.equal(Buffer.from(held?.bytes ?? []).toString(), 'first');
});

test('a full area holds nothing more until a slot is free', () => {
  const area = new OverflowArea();
  const held = Array.from({ length: SLOT_COUNT }, () => area.hold(chunkOf('x')));
  assert(held.every((piece) => piece !== undefined));
  assert(area.hold(chunkOf('y')) === undefined, 'there is no room for one more');
  held[7]?.release();
  const late = area.hold(chunkOf('z'));
  assert.equal(Buffer.from(late?.bytes ?? []).toString(), 'z');
  for (const [index, piece] of held.entries()) if (index !== 7) piece.release();
});

test('a chunk longer than a slot is not held', () => {
  assert.equal(new OverflowArea().hold(new Uint8Array(OVERFLOW_SLOT_BYTES + 1)), undefined);
});

test('ReceiveQueue hands out held pieces in their order, and frees those it drops', async () => {
  const area = new OverflowArea();
  const gate = { pauseReceiving: () => undefined, resumeReceiving: () => undefined };
  const queue = new ReceiveQueue(undefined, gate);
  queue.push(Buffer.alloc(RECEIVE_QUEUE_BYTES_MAX, 'a'));
  assert(queue.isPaused);
  for (const text of ['b', 'c', 'd']) {
    const piece = area.hold(chunkOf(text));
    assert(piece !== undefined);
    queue.push(piece);
  }
  assert.equal((await queue.next()).value?.byteLength, RECEIVE_QUEUE_BYTES_MAX);
  assert.equal(Buffer.from((await queue.next()).value ?? []).toString(), 'b');
  queue.abandon();
  const others = Array.from({ length: SLOT_COUNT - 1 }, () => area.hold(chunkOf('x')));
  assert(area.hold(chunkOf('x')) === undefined, 'the reader still has its piece');
  for (const piece of others) piece?.release();
  await queue.return();
  const held = Array.from({ length: SLOT_COUNT }, () => area.hold(chunkOf('x')));
  assert(
    held.every((piece) => piece !== undefined),
    'every slot is free again',
  );
  for (const piece of held) piece.release();
});

test('ReceiveQueue counts the memory of what waits, and frees what a reader left in silence', async () => {
  let freedCount = 0;
  const lent = (sizeBytes: number) => ({
    bytes: Buffer.alloc(sizeBytes),
    heldBytes: RECEIVE_QUEUE_BYTES_MAX / 4,
    release: () => {
      freedCount += 1;
    },
  });
  const queue = new ReceiveQueue(undefined, {
    pauseReceiving: () => undefined,
    resumeReceiving: () => undefined,
  });
  for (let count = 0; count < 4; count += 1) queue.push(lent(10));
  assert(queue.isPaused, 'a few bytes in much memory hold the sender back');
  await queue.next();
  queue.dismiss();
  assert.equal(freedCount, 3, 'the reader still has its piece');
  queue.settle();
  assert.equal(freedCount, 4);
  await queue.return();
  assert.equal(freedCount, 4, 'nothing is freed twice');
});
