/** Keys of the index: their order is the order S3 lists in, and each can be taken apart again. */

import assert from 'node:assert/strict';
import test from 'node:test';

import fc from 'fast-check';

import * as keys from '#src/metadata/keys.js';

/** What may be an object key: text without NUL that is not empty. */
const objectKeys = fc
  .string({ unit: 'binary', minLength: 1, maxLength: 40 })
  .filter((key) => !key.includes('\0'));
const UPLOAD_ID = '0123456789abcdef0123456789abcdef';

test('objects sort by bucket, then by the bytes of the key', () => {
  const one = fc.record({ bucketId: fc.integer({ min: 1, max: 0xffff_ffff }), key: objectKeys });
  fc.assert(
    fc.property(one, one, (a, b) => {
      const expected =
        a.bucketId === b.bucketId
          ? Buffer.compare(Buffer.from(a.key), Buffer.from(b.key))
          : Math.sign(a.bucketId - b.bucketId);
      const found = Buffer.compare(
        keys.objectKey(a.bucketId, a.key),
        keys.objectKey(b.bucketId, b.key),
      );
      assert.equal(found, expected);
    }),
  );
});

test('an object key comes back out of its row', () => {
  fc.assert(
    fc.property(objectKeys, (key) => {
      assert.equal(keys.keyOfObjectKey(keys.objectKey(7, key)), key);
    }),
  );
});

test('key and upload id come back out of the row of an upload', () => {
  fc.assert(
    fc.property(objectKeys, (key) => {
      const row = keys.uploadKey(7, key, UPLOAD_ID);
      assert.deepEqual(keys.partsOfUploadKey(row), { key, uploadId: UPLOAD_ID });
    }),
  );
});

test('versions of a key sort newest first and never among those of another key', () => {
  const sequences = fc.uniqueArray(fc.maxSafeNat(), { minLength: 2, maxLength: 2 });
  fc.assert(
    fc.property(objectKeys, objectKeys, sequences, (key, other, [a = 0, b = 0]) => {
      const [older, newer] = a < b ? [a, b] : [b, a];
      const rows = [newer, older].map((sequence) => keys.versionKey(1, key, sequence));
      assert.equal(Buffer.compare(rows[0] as Buffer, rows[1] as Buffer), -1);
      if (key === other) return;
      const foreign = keys.versionKey(1, other, newer);
      assert.equal(
        Buffer.compare(foreign, rows[0] as Buffer),
        Buffer.compare(foreign, rows[1] as Buffer),
      );
    }),
  );
});

test('afterPrefix is above everything that starts with the prefix, and nothing else is between', () => {
  fc.assert(
    fc.property(objectKeys, objectKeys, (prefix, key) => {
      const row = Buffer.from(key);
      const start = Buffer.from(prefix);
      const isInside =
        Buffer.compare(row, start) >= 0 && Buffer.compare(row, keys.afterPrefix(start)) < 0;
      assert.equal(isInside, key.startsWith(prefix));
    }),
  );
});

test('justAfter leaves no room for another key', () => {
  const row = keys.objectKey(1, 'a');
  assert.equal(Buffer.compare(row, keys.justAfter(row)), -1);
  assert.equal(Buffer.compare(keys.justAfter(row), keys.objectKey(1, 'a\u0001')), -1);
});

test('part numbers and garbage numbers come back out of their rows, in order', () => {
  const numbers = [1, 255, 256, 10_000, 0xffff];
  const rows = numbers.map((number) => keys.partKey(UPLOAD_ID, number));
  assert.deepEqual(rows.map(keys.partNumberOfKey), numbers);
  assert.deepEqual([...rows].sort(Buffer.compare), rows);
  const garbage = [1, 2 ** 40, Number.MAX_SAFE_INTEGER];
  const garbageRows = garbage.map((sequence) => keys.garbageKey(sequence, 3));
  assert.deepEqual(garbageRows.map(keys.sequenceOfGarbageKey), garbage);
  assert.deepEqual([...garbageRows].sort(Buffer.compare), garbageRows);
});

test('no key is longer than LMDB allows', () => {
  const longest = '\u{1f600}'.repeat(256);
  assert.equal(Buffer.byteLength(longest), 1024);
  for (const row of [
    keys.objectKey(1, longest),
    keys.versionKey(1, longest, Number.MAX_SAFE_INTEGER),
    keys.uploadKey(1, longest, UPLOAD_ID),
  ]) {
    assert(row.length <= keys.KEY_BYTES_MAX);
  }
});
