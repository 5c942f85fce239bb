import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { BlockBuffers } from '#src/blobs/block-buffers.js';
import { BLOCK_SIZE_BYTES } from '#src/blobs/block-checksums.js';

describe('BlockBuffers', () => {
  test('BlockBuffers lends the same memory again, and never to two at a time', () => {
    const buffers = new BlockBuffers();
    const first = buffers.take(BLOCK_SIZE_BYTES);
    const second = buffers.take(100);
    assert.notEqual(first.buffer, second.buffer);
    assert.equal(second.byteLength, 100);
    buffers.give(second);
    const third = buffers.take(BLOCK_SIZE_BYTES);
    assert.equal(third.buffer, second.buffer);
    assert.equal(third.byteLength, BLOCK_SIZE_BYTES);
  });

  test('BlockBuffers takes a part of a block for the whole of it', () => {
    const buffers = new BlockBuffers();
    const block = buffers.take(BLOCK_SIZE_BYTES);
    buffers.give(block.subarray(10, 20));
    assert.equal(buffers.take(BLOCK_SIZE_BYTES).buffer, block.buffer);
  });

  test('BlockBuffers does not keep what nobody needed for a while', (context) => {
    context.mock.timers.enable({ apis: ['setInterval'] });
    const buffers = new BlockBuffers();
    const block = buffers.take(BLOCK_SIZE_BYTES);
    buffers.give(block);
    context.mock.timers.tick(30_000);
    assert.notEqual(buffers.take(BLOCK_SIZE_BYTES).buffer, block.buffer);
  });

  test('BlockBuffers makes memory for longer blocks and does not keep it', () => {
    const buffers = new BlockBuffers();
    const long = buffers.take(BLOCK_SIZE_BYTES + 1);
    buffers.give(long);
    assert.equal(buffers.take(10).buffer.byteLength, BLOCK_SIZE_BYTES);
  });
});
