import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { RecordCache } from '#src/store/record-cache.js';

const LARGE = 1000;

function decoder(): { decode: (bytes: Uint8Array) => { first: number }; count: number } {
  const state = {
    count: 0,
    decode: (bytes: Uint8Array) => {
      state.count += 1;
      return { first: bytes[0] ?? 0 };
    },
  };
  return state;
}

describe('RecordCache', () => {
  test('RecordCache gives a record back only for the bytes it was made from', () => {
    const cache = new RecordCache({ bytesMax: 1_000_000, ttlMs: 60_000 });
    const { decode } = decoder();
    const bytes = Buffer.alloc(LARGE, 1);
    const first = cache.decode('one', bytes, decode);
    assert.equal(cache.decode('one', Buffer.from(bytes), decode), first);
    // The memory of the index is used again.
    bytes.fill(2);
    assert.deepEqual(cache.decode('one', bytes, decode), { first: 2 });
    const damaged = Buffer.from(bytes);
    damaged[LARGE - 1] = 7;
    assert.notEqual(cache.decode('one', damaged, decode), cache.decode('one', bytes, decode));
    assert.notEqual(cache.decode('two', bytes, decode), cache.decode('one', bytes, decode));
    assert.ok(cache.hitCount >= 1 && cache.missCount >= 4);
  });

  test('RecordCache keeps no small records, no more than it may, and nothing without memory', () => {
    const state = decoder();
    const cache = new RecordCache({ bytesMax: 20 * LARGE, ttlMs: 60_000 });
    const small = Buffer.alloc(100, 1);
    for (let round = 0; round < 3; round += 1) cache.decode('small', small, state.decode);
    assert.equal(state.count, 3);
    for (let index = 0; index < 100; index += 1) {
      cache.decode(`record ${index}`, Buffer.alloc(LARGE, index), state.decode);
    }
    assert.ok(cache.sizeBytes <= 20 * LARGE);
    const none = new RecordCache({ bytesMax: 0, ttlMs: 1 });
    for (let round = 0; round < 2; round += 1) none.decode('x', Buffer.alloc(LARGE), state.decode);
    assert.deepEqual([none.hitCount, none.missCount, none.sizeBytes], [0, 0, 0]);
  });

  test('RecordCache throws what decoding throws, and keeps nothing of it', () => {
    const cache = new RecordCache({ bytesMax: 1_000_000, ttlMs: 60_000 });
    const fail = (): never => {
      throw new Error('damaged');
    };
    for (let round = 0; round < 2; round += 1) {
      assert.throws(() => cache.decode('bad', Buffer.alloc(LARGE), fail), /damaged/);
    }
    assert.equal(cache.hitCount, 0);
  });
});
