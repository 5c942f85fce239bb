/** The rules of appending. */

import assert from 'node:assert/strict';
import test from 'node:test';

import { appendAlgorithm, appendedChecksum } from '#src/s3/append.js';
import { checksumOf } from '#src/s3/checksums.js';
import { S3Error } from '#src/s3/errors.js';
import type { ChecksumAlgorithm, ChecksumType } from '#src/s3/object-attributes.js';

const WHOLE = Buffer.from('hello world');

function baseWith(algorithm: ChecksumAlgorithm, type: ChecksumType = 'FULL_OBJECT') {
  return { sizeBytes: 5, checksum: { algorithm, type, value: '' } };
}

for (const [name, base, requested, expected] of [
  ['a new object takes the default', undefined, undefined, 'CRC64NVME'],
  ['a new object takes what is asked for', undefined, 'CRC32', 'CRC32'],
  ['an object keeps its own', baseWith('CRC32C'), undefined, 'CRC32C'],
  ['an object may be named its own', baseWith('CRC32C'), 'CRC32C', 'CRC32C'],
  ['a new object without combinable one', undefined, 'SHA256', undefined],
  ['another than the own', baseWith('CRC32C'), 'CRC32', undefined],
  ['an object of SHA256', baseWith('SHA256'), undefined, undefined],
  ['an object of SHA256 with its own', baseWith('SHA256'), 'SHA256', undefined],
  ['a composite one', baseWith('CRC32', 'COMPOSITE'), 'CRC32', undefined],
  ['an object without one', { sizeBytes: 5, checksum: undefined }, undefined, undefined],
] as const) {
  test(`appendAlgorithm: ${name} ${expected ?? 'is refused'}`, () => {
    if (expected !== undefined) assert.equal(appendAlgorithm(base, requested), expected);
    else {
      const isRefusal = (error: unknown) => error instanceof S3Error && error.status === 400;
      assert.throws(() => appendAlgorithm(base, requested), isRefusal);
    }
  });
}

for (const algorithm of ['CRC32', 'CRC32C', 'CRC64NVME'] as const) {
  test(`appendedChecksum of ${algorithm} is that of the whole, wherever it is cut`, () => {
    for (let cut = 0; cut <= WHOLE.byteLength; cut += 1) {
      const [start, end] = [WHOLE.subarray(0, cut), WHOLE.subarray(cut)];
      const type = 'FULL_OBJECT' as const;
      const base = {
        sizeBytes: start.byteLength,
        checksum: { algorithm, type, value: checksumOf(algorithm, start) },
      };
      const appended = { algorithm, type, value: checksumOf(algorithm, end) };
      const combined = appendedChecksum(base, appended, end.byteLength);
      assert.deepEqual(combined, { algorithm, type, value: checksumOf(algorithm, WHOLE) });
      assert.deepEqual(appendedChecksum(undefined, appended, end.byteLength), appended);
    }
  });
}
