import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { RecycledBuffers } from '#src/util/recycled-buffers.js';

const BUFFER_BYTES = 256 * 1024;

describe('RecycledBuffers', () => {
  test('RecycledBuffers lends the same memory again, and never to two at a time', () => {
    const buffers = new RecycledBuffers(BUFFER_BYTES);
    const first = buffers.take(BUFFER_BYTES);
    const second = buffers.take(100);
    assert.notEqual(first.buffer, second.buffer);
    assert.equal(second.byteLength, 100);
    buffers.give(second);
    const third = buffers.take(BUFFER_BYTES);
    assert.equal(third.buffer, second.buffer);
    assert.equal(third.byteLength, BUFFER_BYTES);
  });

  test('RecycledBuffers takes a part of a block for the whole of it', () => {
    const buffers = new RecycledBuffers(BUFFER_BYTES);
    const block = buffers.take(BUFFER_BYTES);
    buffers.give(block.subarray(10, 20));
    assert.equal(buffers.take(BUFFER_BYTES).buffer, block.buffer);
  });

  test('RecycledBuffers does not keep what nobody needed for a while', (context) => {
    context.mock.timers.enable({ apis: ['setInterval'] });
    const buffers = new RecycledBuffers(BUFFER_BYTES);
    const block = buffers.take(BUFFER_BYTES);
    buffers.give(block);
    context.mock.timers.tick(30_000);
    assert.notEqual(buffers.take(BUFFER_BYTES).buffer, block.buffer);
  });

  test('RecycledBuffers makes memory for longer blocks and does not keep it', () => {
    const buffers = new RecycledBuffers(BUFFER_BYTES);
    const long = buffers.take(BUFFER_BYTES + 1);
    buffers.give(long);
    assert.equal(buffers.take(10).buffer.byteLength, BUFFER_BYTES);
  });
});
