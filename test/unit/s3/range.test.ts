import assert from 'node:assert/strict';
import test from 'node:test';

import { contentRange, parseCopySourceRange, parseRange } from '#src/s3/range.js';

import { throwsS3Error } from '../../support/s3-error.js';

const SATISFIED: readonly [string, number, number, number][] = [
  // header, object size, start, end
  ['bytes=0-8', 100, 0, 9],
  ['bytes=5-', 100, 5, 100],
  ['bytes=-2', 100, 98, 100],
  ['bytes=-101', 100, 0, 100],
  ['bytes=0-999', 100, 0, 100],
  ['bytes=99-99', 100, 99, 100],
  ['bytes=00-01', 100, 0, 2],
  ['Bytes=1-2', 100, 1, 3],
  ['bytes=0-0', 1, 0, 1],
  ['bytes=0-9223372036854775808', 100, 0, 100],
  ['bytes=0-18446744073709551616', 100, 0, 100],
  [`bytes=1-${'9'.repeat(400)}`, 100, 1, 100],
  [`bytes=-${'9'.repeat(400)}`, 100, 0, 100],
  ['bytes=5497558138879-5497558138879', 5497558138880, 5497558138879, 5497558138880],
];

for (const [header, sizeBytes, startByte, endByte] of SATISFIED) {
  test(`parseRange reads ${header.slice(0, 40)} of ${sizeBytes} bytes`, () => {
    assert.deepEqual(parseRange(header, sizeBytes), { startByte, endByte });
  });
}

test('parseRange ignores what it does not understand', () => {
  const ignored = [
    ...['bytes=10-5', 'abc', 'items=0-1', 'bytes=0--1', 'bytes=0-1,3-4', 'bytes=-', 'bytes=', ''],
    ...['bytes=a-b', 'bytes 0-1', 'bytes=0-1 ', 'bytes= 0-1', 'bytes=1', 'bytes=+1-2', '0-1'],
    'bytes=18446744073709551617-18446744073709551616',
  ];
  for (const header of ignored) assert.equal(parseRange(header, 100), undefined, header);
  assert.equal(parseRange(undefined, 100), undefined);
});

test('parseRange refuses ranges that hold no byte of the object', () => {
  const refused: [string, number][] = [
    ['bytes=-0', 100],
    ['bytes=100-', 100],
    ['bytes=100-200', 100],
    ['bytes=0-0', 0],
    ['bytes=0-', 0],
    ['bytes=-5', 0],
    ['bytes=9223372036854775808-', 100],
    ['bytes=18446744073709551616-18446744073709551617', 100],
  ];
  for (const [header, sizeBytes] of refused) {
    const details = { ActualObjectSize: sizeBytes, RangeRequested: header };
    const error = throwsS3Error(() => parseRange(header, sizeBytes), 'InvalidRange', details);
    assert.equal(error.status, 416);
    assert.deepEqual(error.headers, { 'content-range': `bytes */${sizeBytes}` });
  }
});

test('parseRange compares long numbers exactly', () => {
  // Equal as floating point numbers, one apart as integers: the range is reversed.
  assert.equal(parseRange('bytes=9007199254740993-9007199254740992', 2 ** 53 + 10), undefined);
});

test('contentRange names the last byte, not the end', () => {
  assert.equal(contentRange({ startByte: 0, endByte: 9 }, 100), 'bytes 0-8/100');
});

test('parseCopySourceRange reads a range within the source', () => {
  assert.equal(parseCopySourceRange(undefined, 10), undefined);
  assert.deepEqual(parseCopySourceRange('bytes=0-9', 10), { startByte: 0, endByte: 10 });
});

test('parseCopySourceRange refuses open, reversed and malformed ranges', () => {
  for (const header of [
    'bytes=0-',
    'bytes=-5',
    'bytes=5-4',
    '0-1',
    'bytes=0-1,2-3',
    '',
    'bytes=a-b',
  ]) {
    throwsS3Error(() => parseCopySourceRange(header, 10), 'InvalidArgument', {
      ArgumentName: 'x-amz-copy-source-range',
      ArgumentValue: header,
    });
  }
});

test('parseCopySourceRange refuses ranges beyond the source', () => {
  throwsS3Error(() => parseCopySourceRange('bytes=0-10', 10), 'InvalidArgument');
  throwsS3Error(() => parseCopySourceRange('bytes=10-12', 10), 'InvalidRequest');
  throwsS3Error(() => parseCopySourceRange('bytes=0-18446744073709551616', 10), 'InvalidArgument');
});
