import assert from 'node:assert/strict';
import { test } from 'node:test';

import { S3Error, type S3ErrorCode } from '#src/s3/errors.js';
import { parsePath } from '#src/wire/addressing.js';
import { encodePathAws } from '#src/wire/uri.js';

for (const [rawPath, bucket, key] of [
  ['/', '', ''],
  ['/b', 'b', ''],
  ['/b/', 'b', ''],
  ['/b/k', 'b', 'k'],
  ['/b//k', 'b', '/k'],
  ['/b/a//../%2e/', 'b', 'a//.././'],
  ['/b/a%2Fb', 'b', 'a/b'],
  ['/b%2Fa', 'b', 'a'],
  ['/b/%252F+%2B%20', 'b', '%2F++ '],
  ['/b/%01%7F', 'b', '\x01\x7f'],
  ['/b/é', 'b', 'é'],
] as const) {
  test(`parsePath reads ${rawPath}`, () => {
    assert.deepEqual(parsePath(rawPath), { bucket, key });
  });
}

for (const [rawPath, code] of [
  ['//k', 'InvalidBucketName'],
  ['//', 'InvalidBucketName'],
  ['/%2Fk', 'InvalidBucketName'],
  ['', 'InvalidURI'],
  ['b/k', 'InvalidURI'],
  ['/b/%', 'InvalidURI'],
  ['/b/%00', 'InvalidURI'],
  ['/%FF/k', 'InvalidURI'],
  ['/b/%C0%AF', 'InvalidURI'],
] as readonly (readonly [string, S3ErrorCode])[]) {
  test(`parsePath refuses "${rawPath}" with ${code}`, () => {
    assert.throws(
      () => parsePath(rawPath),
      (error) => error instanceof S3Error && error.code === code,
    );
  });
}

test('parsePath returns every odd key that encodePathAws sends', () => {
  const keys = [
    ...['a//b', '/a', 'a/', '.', '..', 'a/../b', '%', '%2F', 'a+b', 'a b', 'a%20b', '?', '#'],
    ...["&=;:@$,!*'()", '"', '<>', '\\', '😀', '\u00e9', 'e\u0301', '\uffff', 'k'.repeat(1024)],
  ];
  for (const key of keys) {
    assert.deepEqual(parsePath(`/b/${encodePathAws(key)}`), { bucket: 'b', key });
  }
});
