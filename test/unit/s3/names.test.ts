import assert from 'node:assert/strict';
import test from 'node:test';

import fc from 'fast-check';

import { assertBucketName, assertKey, climbsAboveRoot, isBucketName } from '#src/s3/names.js';

import { throwsS3Error } from '../../support/s3-error.js';

const GOOD_BUCKETS = [
  'abc',
  'a-b',
  'a.b.c',
  '123',
  '1.2.3',
  'x'.repeat(63),
  'a--b',
  '0-9',
  '1.2.3.a',
];
const BAD_BUCKETS = [
  ...['', 'a', 'ab', 'x'.repeat(64), 'Abc', 'a_b', 'a b', 'a/b', 'ä-ö', '_health', '-ab', 'ab-'],
  ...['.ab', 'ab.', 'a..b', 'a.-b', 'a-.b', '192.168.5.4', '1.2.3.4', 'xn--abc', 'sthree-abc'],
  ...['amzn-s3-demo-abc', 'abc-s3alias', 'abc--ol-s3', 'abc.mrap', 'abc--x-s3', 'abc--table-s3'],
  'abc\n',
];

test('isBucketName accepts the names AWS accepts', () => {
  for (const name of GOOD_BUCKETS) assert(isBucketName(name), name);
});

test('isBucketName refuses the names AWS refuses', () => {
  for (const name of BAD_BUCKETS) assert(!isBucketName(name), JSON.stringify(name));
});

test('assertBucketName answers InvalidBucketName with the name', () => {
  throwsS3Error(() => assertBucketName('Abc'), 'InvalidBucketName', { BucketName: 'Abc' });
  assertBucketName('abc');
});

test('assertKey accepts keys that only look dangerous', () => {
  const keys = [
    ...['a', '.', './a', 'a/./b', 'a/../b', 'a/b/../..', 'a//b', '/a', 'a/', '...', '..a', 'a..'],
    ...['%2e%2e', '..\\x', '\x01', '\u{1f600}', 'metadata.json', 'x'.repeat(1024), 'é'.repeat(512)],
  ];
  for (const key of keys) assertKey(key);
});

test('assertKey refuses keys that climb above their bucket', () => {
  for (const key of ['..', '../x', 'a/../../b', '/../x', './..', 'a/b/../../../c', 'a/..//..']) {
    throwsS3Error(() => assertKey(key), 'InvalidURI');
  }
});

test('assertKey refuses NUL and the empty key', () => {
  throwsS3Error(() => assertKey('a\0b'), 'InvalidURI');
  throwsS3Error(() => assertKey(''), 'InvalidURI');
});

test('assertKey counts bytes, not characters', () => {
  const details = { Size: 1025, MaxSizeAllowed: 1024 };
  throwsS3Error(() => assertKey('x'.repeat(1025)), 'KeyTooLongError', details);
  throwsS3Error(() => assertKey('€'.repeat(341) + 'xx'), 'KeyTooLongError', details);
  assertKey('€'.repeat(341) + 'x');
});

test('climbsAboveRoot agrees with resolving the path', () => {
  const segment = fc.constantFrom('..', '.', '', 'a', 'b..', '...');
  fc.assert(
    fc.property(fc.array(segment, { maxLength: 8 }), (segments) => {
      const key = segments.join('/');
      // Under enough named parents a climb shows as a missing one.
      let isAbove = false;
      const stack: string[] = [];
      for (const part of segments) {
        if (part === '' || part === '.') continue;
        if (part !== '..') stack.push(part);
        else if (stack.pop() === undefined) isAbove = true;
      }
      assert.equal(climbsAboveRoot(key), isAbove, key);
    }),
    { numRuns: 300 },
  );
});
