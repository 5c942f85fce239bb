/** Names of files: any key gives one that is safe, and no two keys give the same. */

import assert from 'node:assert/strict';
import test from 'node:test';

import fc from 'fast-check';

import { blobPaths, incarnationPath, isBlobId, isBucketName } from '#src/blobs/layout.js';

const BLOB_ID = '0123456789abcdef0123456789abcdef';

/** The directory of a key, below the base. */
function keyPath(key: string, bucket = 'bucket'): string {
  return blobPaths('/base', { bucket, key, blobId: BLOB_ID }).key.slice('/base/'.length);
}

function nameOf(key: string): string {
  const parts = keyPath(key).split('/');
  assert.equal(parts.length, 3, 'bucket, fan-out, name');
  return parts[2] ?? '';
}

/** Keys that come close to each other and to the names of this layout. */
const pieces = fc.constantFrom('.', '..', '/', '%', '%2F', '%2E', '%~', '~', 'data', 'a', 'A', 'é');
const trickyKeys = fc.array(pieces, { minLength: 1, maxLength: 120 }).map((all) => all.join(''));
const anyKeys = fc.string({ unit: 'binary', minLength: 1, maxLength: 300 });
const keys = fc.oneof(trickyKeys, anyKeys);

test('every key gives a name that the file system takes and that stays where it is', () => {
  fc.assert(
    fc.property(keys, (key) => {
      assert.match(nameOf(key), /^[A-Za-z0-9._%~-]{1,255}$/);
      assert.doesNotMatch(nameOf(key), /^\.+$/);
      assert.match(keyPath(key), /^bucket\/[0-9a-f]{2}\//);
    }),
    { numRuns: 2000 },
  );
});

test('distinct keys give distinct names', () => {
  fc.assert(
    fc.property(keys, keys, (a, b) => {
      assert.equal(nameOf(a) === nameOf(b), a === b);
    }),
    { numRuns: 2000 },
  );
});

test('long keys that differ in one byte anywhere give distinct names', () => {
  const key = 'k'.repeat(1024);
  const names = new Set([nameOf(key)]);
  for (let at = 0; at < key.length; at += 1) {
    names.add(nameOf(`${key.slice(0, at)}x${key.slice(at + 1)}`));
  }
  assert.equal(names.size, 1025);
});

const NAMES: readonly (readonly [string, string])[] = [
  ['plain.txt', 'plain.txt'],
  ['a/data', 'a%2Fdata'],
  ['.', '%2E'],
  ['..', '%2E.'],
  ['...', '%2E..'],
  ['../x', '..%2Fx'],
  ['100%', '100%25'],
  ['é ~', '%C3%A9%20%7E'],
  ['x'.repeat(200), 'x'.repeat(200)],
  ['x'.repeat(201), `${'x'.repeat(150)}%~84a0678c90937f5dcf9994d5866668da6b995109`],
];
for (const [key, name] of NAMES) {
  test(`the key ${key.slice(0, 20)} (${key.length}) is named ${name.slice(0, 20)}`, () => {
    assert.equal(nameOf(key), name);
  });
}

for (const bucket of ['..', '.s3ish', 'a/b', 'ab..cd', 'UPPER', 'ab', '']) {
  test(`a bucket named ${JSON.stringify(bucket)} never reaches the disk`, () => {
    assert.throws(() => keyPath('key', bucket), { name: 'AssertionError' });
  });
}

test('ids that are not ours never reach the disk', () => {
  for (const blobId of ['', '..', `${BLOB_ID}0`, BLOB_ID.toUpperCase(), '../'.repeat(11)]) {
    assert.equal(isBlobId(blobId), false);
    assert.throws(() => blobPaths('/base', { bucket: 'bucket', key: 'k', blobId }), {
      name: 'AssertionError',
    });
  }
  for (const incarnation of ['', '..', 'a/b', 'A']) {
    assert.throws(() => incarnationPath('/base', incarnation), { name: 'AssertionError' });
  }
});

test('the internal directory is no bucket', () => {
  assert.equal(isBucketName('.s3ish'), false);
  assert.equal(isBucketName('my.bucket-1'), true);
});
