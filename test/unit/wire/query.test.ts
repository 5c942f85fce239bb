import assert from 'node:assert/strict';
import { test } from 'node:test';

import { S3Error } from '#src/s3/errors.js';
import { canonicalQuery, parseQuery } from '#src/wire/query.js';

test('parseQuery keeps every value in order and reads a plus as a space', () => {
  const query = parseQuery('b=2&a=1+1&b=%2B&acl&c=&&d=x=y');
  assert.deepEqual(
    [...query],
    [
      ['b', ['2', '+']],
      ['a', ['1 1']],
      ['acl', ['']],
      ['c', ['']],
      ['d', ['x=y']],
    ],
  );
  assert.equal(parseQuery('').size, 0);
});

test('parseQuery refuses bad escapes and bytes that are not UTF-8', () => {
  for (const rawQuery of ['a=%', 'a=%FF', '%00=1', 'a=\uFFFD']) {
    assert.throws(
      () => parseQuery(rawQuery),
      (error) => error instanceof S3Error && error.code === 'InvalidURI',
    );
  }
});

test('parseQuery is safe for names of Object.prototype', () => {
  assert.deepEqual(parseQuery('__proto__=1&constructor=2').get('__proto__'), ['1']);
});

for (const [rawQuery, expected] of [
  ['', ''],
  ['lifecycle', 'lifecycle='],
  ['b=1&a=2', 'a=2&b=1'],
  ['a=b&a=a&a', 'a=&a=a&a=b'],
  // By name first: as one text "a-b=" would sort before "a=".
  ['a-b=1&a=1', 'a=1&a-b=1'],
  // By encoded name: the escape of a slash sorts before a digit.
  ['1=x&%2F=y', '%2F=y&1=x'],
  ['a=%7e%2a+%c3%a9', 'a=~%2A%20%C3%A9'],
] as const) {
  test(`canonicalQuery makes ${expected || 'nothing'} of ${rawQuery || 'nothing'}`, () => {
    assert.equal(canonicalQuery(parseQuery(rawQuery)), expected);
  });
}

test('canonicalQuery leaves out one value of the omitted name, and keeps a second', () => {
  assert.equal(canonicalQuery(parseQuery('a=1&s=x'), 's'), 'a=1');
  assert.equal(canonicalQuery(parseQuery('s=x&a=1&s=y'), 's'), 'a=1&s=y');
});
