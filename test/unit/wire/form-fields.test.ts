// The key of a form, with the name of its file filled in.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { formKey } from '#src/wire/form-fields.js';

import { throwsS3Error } from '../../support/s3-error.js';

const keyOf = (key: string, filename?: string): string =>
  formKey({ fields: new Map([['key', key]]), filename });

for (const [key, filename, expected] of [
  ['a/${filename}', 'b.txt', 'a/b.txt'],
  ['a/${filename}', undefined, 'a/${filename}'],
  ['${filename}${filename}', 'b', 'bb'],
  ['a/${filename}', '../../b', 'a/b'],
  ['a/${filename}', 'C:\\b\\c.txt', 'a/c.txt'],
  ['a/${filename}', '/', 'a/'],
  // Neither a replacement pattern nor the variable again.
  ['a/${filename}', "$&$'$1", "a/$&$'$1"],
  ['a/${filename}', '${filename}', 'a/${filename}'],
  ['a/${FILENAME}', 'b', 'a/${FILENAME}'],
  ['${filename}', 'n'.repeat(1024), 'n'.repeat(1024)],
] as const) {
  test(`A25 the key ${key} and the file ${filename?.slice(0, 20)} are ${expected.slice(0, 20)}`, () => {
    assert.equal(keyOf(key, filename), expected);
  });
}

for (const [what, key, filename, code] of [
  ['one byte too long', '${filename}', 'n'.repeat(1025), 'KeyTooLongError'],
  ['millions of bytes long', '${filename}'.repeat(800), 'n'.repeat(8000), 'KeyTooLongError'],
  ['above its bucket', '../${filename}', 'b', 'InvalidURI'],
  ['nothing', '${filename}', '/', 'InvalidURI'],
] as const) {
  test(`A25 BI-124 a key that the file name makes ${what} is ${code}`, () => {
    throwsS3Error(() => keyOf(key, filename), code);
  });
}
