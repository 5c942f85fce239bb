import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import test from 'node:test';

import fc from 'fast-check';

import type { CombinableAlgorithm } from '#src/s3/checksums.js';
import {
  CHECKSUM_ALGORITHMS,
  checksumOf,
  checksumTypeAllowed,
  combineFullObject,
  compositeChecksum,
  createChecksum,
  defaultChecksumType,
  digestBytesOf,
  isChecksumValue,
} from '#src/s3/checksums.js';
import type { ChecksumAlgorithm } from '#src/s3/object-attributes.js';

// Published by AWS and in the catalogue of CRC algorithms.
const VECTORS: readonly [ChecksumAlgorithm, string, string][] = [
  ['CRC32', 'hello world', 'DUoRhQ=='],
  ['CRC32C', 'hello world', 'yZRlqg=='],
  ['CRC64NVME', 'hello world', 'jSnVw/bqjr4='],
  ['SHA1', 'hello world', 'Kq5sNclPz7QV2+lfQIuc6R7oRu0='],
  ['SHA256', 'hello world', 'uU0nuZNNPgilLlLX2n2r+sSE7+N6U4DukIj3rOLvzek='],
  ['CRC32', '123456789', 'y/Q5Jg=='],
  ['CRC32C', '123456789', '4waSgw=='],
  ['CRC64NVME', '123456789', 'rosUhgp5mIg='],
  ['CRC32', '', 'AAAAAA=='],
  ['CRC64NVME', '', 'AAAAAAAAAAA='],
  ['SHA256', '', '47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='],
  ['XXHASH3', '', hex('2d06800538d394c2')],
  ['XXHASH64', '', hex('ef46db3751d8e999')],
  ['XXHASH128', '', hex('99aa06d3014798d86001c324468d497f')],
  ['XXHASH64', 'hello world', hex('45ab6734b21e6968')],
  ['XXHASH3', 'hello world', hex('d447b1ea40e6988b')],
  ['XXHASH128', 'hello world', hex('df8d09e93f874900a99b8775cc15b6c7')],
  ['MD5', 'hello world', hex('5eb63bbbe01eeed093cb22bb8f5acdc3')],
];

function hex(digest: string): string {
  return Buffer.from(digest, 'hex').toString('base64');
}

for (const [algorithm, text, value] of VECTORS) {
  test(`checksumOf gives the ${algorithm} of ${JSON.stringify(text)}`, () => {
    assert.equal(checksumOf(algorithm, Buffer.from(text)), value);
  });
}

test('createChecksum over pieces equals the checksum of the whole', () => {
  const algorithm = fc.constantFrom(...CHECKSUM_ALGORITHMS);
  fc.assert(
    fc.property(algorithm, fc.array(fc.uint8Array({ maxLength: 80 })), (name, pieces) => {
      const checksum = createChecksum(name);
      for (const piece of pieces) checksum.update(piece);
      const digest = checksum.digest();
      assert.equal(digest.byteLength, digestBytesOf(name));
      assert.equal(Buffer.from(digest).toString('base64'), checksumOf(name, Buffer.concat(pieces)));
    }),
    { numRuns: 100 },
  );
});

test('combineFullObject of any parts equals the checksum of the whole', () => {
  const algorithm = fc.constantFrom<CombinableAlgorithm>('CRC32', 'CRC32C', 'CRC64NVME');
  fc.assert(
    fc.property(algorithm, fc.array(fc.uint8Array({ maxLength: 80 })), (name, pieces) => {
      const parts = pieces.map((piece) => ({
        value: checksumOf(name, piece),
        sizeBytes: piece.byteLength,
      }));
      assert.equal(combineFullObject(name, parts), checksumOf(name, Buffer.concat(pieces)));
    }),
    { numRuns: 200 },
  );
});

test('combineFullObject takes 10,000 parts, of equal and of distinct sizes', () => {
  const value = checksumOf('CRC64NVME', Buffer.from('part'));
  const equal = Array.from({ length: 10_000 }, () => ({ value, sizeBytes: 5 * 2 ** 20 }));
  const distinct = equal.map((part, index) => ({ ...part, sizeBytes: part.sizeBytes + index }));
  assert(isChecksumValue('CRC64NVME', combineFullObject('CRC64NVME', equal)));
  assert.notEqual(combineFullObject('CRC64NVME', distinct), combineFullObject('CRC64NVME', equal));
});

test('compositeChecksum is the checksum of the digests put together', () => {
  const values = ['a', 'b'].map((text) => checksumOf('SHA256', Buffer.from(text)));
  const digests = values.map((value) => Buffer.from(value, 'base64'));
  const expected = createHash('sha256').update(Buffer.concat(digests)).digest('base64');
  assert.equal(compositeChecksum('SHA256', values), expected);
});

test('checksumTypeAllowed follows the table of AWS', () => {
  const full = CHECKSUM_ALGORITHMS.filter((name) => checksumTypeAllowed(name, 'FULL_OBJECT'));
  const composite = CHECKSUM_ALGORITHMS.filter((name) => checksumTypeAllowed(name, 'COMPOSITE'));
  assert.deepEqual(full, ['CRC32', 'CRC32C', 'CRC64NVME']);
  assert.deepEqual(
    composite,
    CHECKSUM_ALGORITHMS.filter((name) => name !== 'CRC64NVME'),
  );
});

test('defaultChecksumType is COMPOSITE except for CRC64NVME and for no algorithm', () => {
  assert.equal(defaultChecksumType('CRC32'), 'COMPOSITE');
  assert.equal(defaultChecksumType('SHA1'), 'COMPOSITE');
  assert.equal(defaultChecksumType('CRC64NVME'), 'FULL_OBJECT');
  assert.equal(defaultChecksumType(undefined), 'FULL_OBJECT');
});

test('isChecksumValue accepts only canonical base64 of the right length', () => {
  assert(isChecksumValue('CRC32', 'DUoRhQ=='));
  for (const wrong of ['', 'DUoRhQ', 'DUoRhQ=', 'DUoRhR==', ' DUoRhQ==', 'jSnVw/bqjr4=', '!!!!']) {
    assert(!isChecksumValue('CRC32', wrong), wrong);
  }
});
