import assert from 'node:assert/strict';
import { test } from 'node:test';

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
