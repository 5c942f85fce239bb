import assert from 'node:assert/strict';
import test from 'node:test';

import fc from 'fast-check';

import { XxhashStream, type XxhashName } from '#src/kernels/xxhash.js';

const NAMES: readonly XxhashName[] = ['XXHASH3', 'XXHASH64', 'XXHASH128'];

function digestOf(name: XxhashName, bytes: Uint8Array): string {
  const stream = new XxhashStream(name);
  stream.update(bytes);
  return Buffer.from(stream.digest()).toString('hex');
}

test('streams of one algorithm that take turns do not mix', () => {
  const pieces = fc.array(fc.tuple(fc.nat(3), fc.uint8Array({ maxLength: 600 })), {
    maxLength: 40,
  });
  fc.assert(
    fc.property(fc.constantFrom(...NAMES), pieces, (name, turns) => {
      const streams = Array.from({ length: 4 }, () => new XxhashStream(name));
      const received: Buffer[][] = [[], [], [], []];
      for (const [index, piece] of turns) {
        streams[index]?.update(piece);
        received[index]?.push(Buffer.from(piece));
      }
      streams.forEach((stream, index) => {
        const whole = Buffer.concat(received[index] ?? []);
        assert.equal(Buffer.from(stream.digest()).toString('hex'), digestOf(name, whole));
      });
    }),
  );
});

test('a stream that is abandoned leaves the next one alone', () => {
  for (const name of NAMES) {
    new XxhashStream(name).update(Buffer.from('left behind'));
    const fresh = new XxhashStream(name).digest();
    assert.equal(Buffer.from(fresh).toString('hex'), digestOf(name, Buffer.alloc(0)));
  }
});
