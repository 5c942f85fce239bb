import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import test from 'node:test';
import { crc32 as zlibCrc32 } from 'node:zlib';

import fc from 'fast-check';

import {
  CRC32C_POLYNOMIAL,
  CRC32_POLYNOMIAL,
  combineCrc32,
  combineCrc64,
  crc32,
  crc32Operator,
  crc32c,
  crc64Operator,
  crc64nvme,
} from '#src/kernels/crc.js';

const CRC64_POLYNOMIAL = 0x9a6c9329ac4bc9b5n;
const CHECK = Buffer.from('123456789');

// One bit at a time: the definition, too slow and too simple to be wrong.
function slowCrc32c(bytes: Uint8Array): number {
  let state = 0xffffffff;
  for (const byte of bytes) {
    state ^= byte;
    for (let bit = 0; bit < 8; bit++) {
      state = (state >>> 1) ^ (state & 1 ? CRC32C_POLYNOMIAL : 0);
    }
  }
  return ~state >>> 0;
}

function slowCrc64(bytes: Uint8Array): bigint {
  let state = 0xffffffffffffffffn;
  for (const byte of bytes) {
    state ^= BigInt(byte);
    for (let bit = 0; bit < 8; bit++) {
      state = (state >> 1n) ^ (state & 1n ? CRC64_POLYNOMIAL : 0n);
    }
  }
  return state ^ 0xffffffffffffffffn;
}

function randomBytes(bytesCount: number, seed: number): Buffer {
  return createHash('shake256', { outputLength: bytesCount }).update(`${seed}`).digest();
}

function patternBytes(bytesCount: number): Uint8Array {
  const bytes = new Uint8Array(bytesCount);
  for (let at = 0; at < bytesCount; at++) bytes[at] = (at * 2654435761) >>> 13;
  return bytes;
}

test('crc32c and crc64nvme give the published check values', () => {
  assert.equal(crc32c(CHECK), 0xe3069283);
  assert.equal(crc64nvme(CHECK), 0xae8b14860a799888n);
});

test('crc32c and crc64nvme of nothing are zero', () => {
  assert.equal(crc32c(new Uint8Array(0)), 0);
  assert.equal(crc64nvme(new Uint8Array(0)), 0n);
});

test('crc32c and crc64nvme equal the bitwise definition at every length around a step', () => {
  const bytes = patternBytes(200);
  for (let end = 0; end <= bytes.byteLength; end++) {
    const piece = bytes.subarray(0, end);
    assert.equal(crc32c(piece), slowCrc32c(piece), `crc32c of ${end} bytes`);
    assert.equal(crc64nvme(piece), slowCrc64(piece), `crc64nvme of ${end} bytes`);
  }
});

test('crc32c and crc64nvme equal the definition beyond the input area', () => {
  const bytes = patternBytes(3 * 64 * 1024 + 17);
  assert.equal(crc32c(bytes), slowCrc32c(bytes));
  assert.equal(crc64nvme(bytes), slowCrc64(bytes));
});

test('crc32c and crc64nvme of interleaved streams do not disturb each other', () => {
  const first = patternBytes(1000);
  const second = patternBytes(777).reverse();
  const a = crc32c(first.subarray(0, 500));
  const b = crc32c(second.subarray(0, 400));
  const c = crc64nvme(first.subarray(0, 500));
  assert.equal(crc32c(first.subarray(500), a), slowCrc32c(first));
  assert.equal(crc64nvme(first.subarray(500), c), slowCrc64(first));
  assert.equal(crc32c(second.subarray(400), b), slowCrc32c(second));
});

test('crc kernels continue over any cut and combine over any cut', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(300), (bytes, cutAt) => {
      const head = bytes.subarray(0, cutAt);
      const tail = bytes.subarray(cutAt);
      const whole = slowCrc32c(bytes);
      const whole64 = slowCrc64(bytes);
      assert.equal(crc32c(tail, crc32c(head)), whole);
      assert.equal(crc64nvme(tail, crc64nvme(head)), whole64);

      const operator = crc32Operator(tail.byteLength, CRC32C_POLYNOMIAL);
      assert.equal(combineCrc32(crc32c(head), crc32c(tail), operator, CRC32C_POLYNOMIAL), whole);
      const zlibOperator = crc32Operator(tail.byteLength, CRC32_POLYNOMIAL);
      assert.equal(
        combineCrc32(zlibCrc32(head), zlibCrc32(tail), zlibOperator, CRC32_POLYNOMIAL),
        zlibCrc32(bytes),
      );
      const operator64 = crc64Operator(tail.byteLength);
      assert.equal(combineCrc64(crc64nvme(head), crc64nvme(tail), operator64), whole64);
    }),
    { numRuns: 200 },
  );
});

test('crc operators of large sizes multiply like their sizes add', () => {
  // Joining by 5 TiB must equal joining by 2 TiB and then by 3 TiB; no bytes are needed for that.
  const tebibyte = 2 ** 40;
  const crc = 0x12345678;
  const once = combineCrc32(
    crc,
    0,
    crc32Operator(5 * tebibyte, CRC32_POLYNOMIAL),
    CRC32_POLYNOMIAL,
  );
  const first = combineCrc32(
    crc,
    0,
    crc32Operator(2 * tebibyte, CRC32_POLYNOMIAL),
    CRC32_POLYNOMIAL,
  );
  const twice = combineCrc32(
    first,
    0,
    crc32Operator(3 * tebibyte, CRC32_POLYNOMIAL),
    CRC32_POLYNOMIAL,
  );
  assert.equal(twice, once);

  const crc64 = 0x123456789abcdef0n;
  const once64 = combineCrc64(crc64, 0n, crc64Operator(5 * tebibyte + 7));
  const first64 = combineCrc64(crc64, 0n, crc64Operator(2 * tebibyte));
  assert.equal(combineCrc64(first64, 0n, crc64Operator(3 * tebibyte + 7)), once64);
});

test('crc32 equals the one of zlib at every length around its limits and continues any register', () => {
  const bytes = patternBytes(2 * 256 * 1024 + 16 * 1024 + 100);
  const limits = [0, 16, 4800, 16 * 1024, 64 * 1024, 256 * 1024, 272 * 1024, 512 * 1024];
  for (const limit of limits) {
    for (let end = Math.max(0, limit - 3); end <= limit + 70; end++) {
      const piece = bytes.subarray(0, end);
      assert.equal(crc32(piece), zlibCrc32(piece), `crc32 of ${end} bytes`);
      assert.equal(crc32(piece, 0x9e3779b9), zlibCrc32(piece, 0x9e3779b9), `${end} more bytes`);
    }
  }
});

test('crc32 equals the one of zlib for any pieces of any bytes', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.integer({ min: 1, max: 300_000 }), fc.integer()), { maxLength: 4 }),
      (pieces) => {
        let folded = 0;
        let expected = 0;
        for (const [bytesCount, seed] of pieces) {
          const piece = randomBytes(bytesCount, seed);
          folded = crc32(piece, folded);
          expected = zlibCrc32(piece, expected);
        }
        assert.equal(folded, expected);
      },
    ),
    { numRuns: 60 },
  );
});

test('crc32 notices every single flipped bit of a block that is folded', () => {
  const bytes = randomBytes(16 * 1024 + 7, 3);
  const sound = crc32(bytes);
  for (let at = 0; at < bytes.byteLength; at += 1) {
    const bit = 1 << (at % 8);
    bytes[at] = (bytes[at] ?? 0) ^ bit;
    assert.notEqual(crc32(bytes), sound, `a flip in byte ${at}`);
    bytes[at] = (bytes[at] ?? 0) ^ bit;
  }
});
