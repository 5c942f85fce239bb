import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { test } from 'node:test';

import fc from 'fast-check';

import { HmacSha256Key } from '#src/wire/hmac-sha256.js';

test('HmacSha256Key signs the vectors of RFC 4231', () => {
  const first = new HmacSha256Key(Buffer.alloc(20, 0x0b));
  assert.equal(
    first.signHex('Hi There'),
    'b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7',
  );
  const second = new HmacSha256Key(Buffer.from('Jefe'));
  assert.equal(
    second.signHex('what do ya want for nothing?'),
    '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
  );
});

test('HmacSha256Key equals createHmac for any texts in any order', () => {
  const bytes = fc.uint8Array({ maxLength: 64 });
  const texts = fc.array(fc.string({ unit: 'grapheme', maxLength: 400 }), { maxLength: 4 });
  fc.assert(
    fc.property(bytes, texts, (keyBytes, some) => {
      const key = new HmacSha256Key(keyBytes);
      for (const text of some) {
        assert.equal(key.signHex(text), createHmac('sha256', keyBytes).update(text).digest('hex'));
      }
    }),
    { numRuns: 200, seed: 4 },
  );
});

test('HmacSha256Key refuses keys that RFC 2104 would hash first', () => {
  assert.throws(() => new HmacSha256Key(Buffer.alloc(65)), /one SHA-256 block/);
});
