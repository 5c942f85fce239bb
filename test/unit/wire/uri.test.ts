import assert from 'node:assert/strict';
import { test } from 'node:test';

import fc from 'fast-check';

import { S3Error } from '#src/s3/errors.js';
import { decodeUriComponentStrict, encodePathAws, encodeUriComponentAws } from '#src/wire/uri.js';

test('decodeUriComponentStrict decodes once and keeps a plus', () => {
  assert.equal(decodeUriComponentStrict('a%2520b+c%2Fd'), 'a%20b+c/d');
  assert.equal(decodeUriComponentStrict('%E2%82%AC%F0%9F%98%80'), '€😀');
  assert.equal(decodeUriComponentStrict('%ef%bf%bd'), '\uFFFD');
});

for (const [what, text] of [
  ['a lone percent', '%'],
  ['a cut escape', 'a%2'],
  ['digits that are not hexadecimal', '%zz'],
  ['a byte that is not UTF-8', '%FF'],
  ['an overlong slash', '%C0%AF'],
  ['a surrogate', '%ED%A0%80'],
  ['a cut sequence', '%E2%82'],
  ['NUL', 'a%00b'],
  ['a bare NUL', 'a\0b'],
  ['bytes the transport could not decode', 'a\uFFFDb'],
] as const) {
  test(`decodeUriComponentStrict refuses ${what}`, () => {
    assert.throws(
      () => decodeUriComponentStrict(text),
      (error) => error instanceof S3Error && error.code === 'InvalidURI',
    );
  });
}

test('encodeUriComponentAws escapes all but unreserved characters, in upper case', () => {
  assert.equal(encodeUriComponentAws('AZaz09-._~'), 'AZaz09-._~');
  assert.equal(encodeUriComponentAws("!'()*/ +"), '%21%27%28%29%2A%2F%20%2B');
  assert.equal(encodeUriComponentAws('é\n'), '%C3%A9%0A');
});

test('encodePathAws keeps slashes and dots', () => {
  assert.equal(encodePathAws('/a//../%2F b'), '/a//../%252F%20b');
});

test('encodePathAws and decodeUriComponentStrict are each other’s reverse', () => {
  const text = fc.string({ unit: 'binary' }).filter((value) => !value.includes('\0'));
  fc.assert(
    fc.property(text, (value) => {
      assert.equal(decodeUriComponentStrict(encodePathAws(value)), value);
      assert.equal(decodeUriComponentStrict(encodeUriComponentAws(value)), value);
    }),
    { numRuns: 300, seed: 1 },
  );
});

test('decodeUriComponentStrict returns text or throws InvalidURI for any input', () => {
  const piece = fc.oneof(fc.string(), fc.constantFrom('%', '%2', '%FF', '%00', '%E2%82%AC'));
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 6 }), (pieces) => {
      try {
        const decoded = decodeUriComponentStrict(pieces.join(''));
        assert.ok(!decoded.includes('\0'));
      } catch (error) {
        assert.ok(error instanceof S3Error && error.code === 'InvalidURI');
      }
    }),
    { numRuns: 300, seed: 2 },
  );
});
