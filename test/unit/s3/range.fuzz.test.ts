/** Ranges against a model in whole numbers of any size. */

import assert from 'node:assert/strict';

import fc from 'fast-check';

import { S3Error } from '#src/s3/errors.js';
import { contentRange, parseCopySourceRange, parseRange, type ByteRange } from '#src/s3/range.js';

import { fuzzTarget, property } from '../../support/fuzz.js';

const DIGITS = fc.oneof(
  fc.nat(200).map(String),
  fc.bigInt({ min: 2n ** 52n, max: 2n ** 70n }).map(String),
  fc.constantFrom('', '0', '00', '007', '9007199254740991', '9007199254740993', '9'.repeat(40)),
);
const SIZE = fc.oneof(fc.nat(150), fc.constantFrom(5 * 1024 ** 4, Number.MAX_SAFE_INTEGER - 2));
const TEXT = fc
  .array(fc.constantFrom('bytes', '=', '-', ',', ' ', '0', '5', '99', 'Bytes', '+', '١', 'x'), {
    maxLength: 8,
  })
  .map((tokens) => tokens.join(''));

fuzzTarget('range', {
  'parseRange reads numbers of any size as exact numbers': property(
    fc.record({ first: DIGITS, last: DIGITS, sizeBytes: SIZE }),
    ({ first, last, sizeBytes }) => {
      const found = outcomeOf(() => parseRange(`bytes=${first}-${last}`, sizeBytes));
      assert.deepEqual(found, modelOf(first, last, BigInt(sizeBytes)));
    },
  ),
  'parseCopySourceRange reads numbers of any size as exact numbers': property(
    fc.record({ first: DIGITS, last: DIGITS, sizeBytes: SIZE }),
    ({ first, last, sizeBytes }) => {
      const found = outcomeOf(() => parseCopySourceRange(`bytes=${first}-${last}`, sizeBytes));
      assert.deepEqual(found, copyModelOf(first, last, BigInt(sizeBytes)));
    },
  ),
  'a range and its Content-Range are each other’s reverse': property(
    fc.record({ sizeBytes: fc.integer({ min: 1, max: 2 ** 40 }), from: fc.nat(), to: fc.nat() }),
    ({ sizeBytes, from, to }) => {
      const bounds = [from % sizeBytes, to % sizeBytes].sort((left, right) => left - right);
      const [startByte = 0, lastByte = 0] = bounds;
      const text = contentRange({ startByte, endByte: lastByte + 1 }, sizeBytes);
      assert.equal(text, `bytes ${startByte}-${lastByte}/${sizeBytes}`);
      const header = text.replace(' ', '=').replace(/\/.*/, '');
      assert.deepEqual(parseRange(header, sizeBytes), { startByte, endByte: lastByte + 1 });
    },
  ),
  'ranges that meet cover an object once, wherever it is split': property(
    fc.record({ sizeBytes: fc.integer({ min: 2, max: 2 ** 40 }), at: fc.nat() }),
    ({ sizeBytes, at }) => {
      const split = 1 + (at % (sizeBytes - 1));
      const head = parseRange(`bytes=0-${split - 1}`, sizeBytes);
      const tail = parseRange(`bytes=${split}-`, sizeBytes);
      const suffix = parseRange(`bytes=-${sizeBytes - split}`, sizeBytes);
      assert.deepEqual(head, { startByte: 0, endByte: split });
      assert.deepEqual(tail, { startByte: split, endByte: sizeBytes });
      assert.deepEqual(suffix, tail);
    },
  ),
  'any other text is no range for a read and InvalidArgument for a copy': property(TEXT, (text) => {
    if (/^bytes=\d*-\d*$/i.test(text)) return;
    assert.equal(parseRange(text, 100), undefined);
    assert.equal(
      outcomeOf(() => parseCopySourceRange(text, 100)),
      'InvalidArgument',
    );
  }),
});

function outcomeOf(parse: () => ByteRange | undefined): ByteRange | string | undefined {
  try {
    return parse();
  } catch (error) {
    assert.ok(error instanceof S3Error, String(error));
    return error.code;
  }
}

function modelOf(first: string, last: string, size: bigint): ByteRange | string | undefined {
  if (first === '' && last === '') return undefined;
  if (first === '') {
    const suffix = BigInt(last);
    if (suffix === 0n || size === 0n) return 'InvalidRange';
    return range(suffix > size ? 0n : size - suffix, size);
  }
  const start = BigInt(first);
  if (last !== '' && start > BigInt(last)) return undefined;
  if (start >= size) return 'InvalidRange';
  const end = last === '' ? size : BigInt(last) + 1n;
  return range(start, end > size ? size : end);
}

function copyModelOf(first: string, last: string, size: bigint): ByteRange | string {
  if (first === '' || last === '' || BigInt(first) > BigInt(last)) return 'InvalidArgument';
  if (BigInt(first) >= size) return 'InvalidRequest';
  if (BigInt(last) >= size) return 'InvalidArgument';
  return range(BigInt(first), BigInt(last) + 1n);
}

function range(start: bigint, end: bigint): ByteRange {
  return { startByte: Number(start), endByte: Number(end) };
}
