/** The frame of records: what was written is read back, and nothing else is. */

import assert from 'node:assert/strict';
import test from 'node:test';

import {
  DamagedRecordError,
  decodeNumber,
  encodeNumber,
  RecordReader,
  RecordWriter,
} from '#src/metadata/record-codec.js';
import { NewerFormatError } from '#src/util/newer-format-error.js';

const writer = new RecordWriter();
const start = (): RecordWriter => writer.start(1);
const read = (record: Uint8Array): RecordReader => new RecordReader(record, 1, 'test');

test('RecordWriter frames a body as format, CRC-32 and fields', () => {
  const record = start().u8(7).varint(300).text('é').finish();
  assert.equal(record.toString('hex'), '01c115997507ac0202c3a9');
});

for (const value of [0, 127, 128, 16_383, 16_384, 2 ** 32, Number.MAX_SAFE_INTEGER]) {
  test(`a varint holds ${value}`, () => {
    assert.equal(read(start().varint(value).finish()).varint(), value);
  });
}

for (const value of [-1, 0.5, Number.MAX_SAFE_INTEGER + 1, Number.NaN]) {
  test(`a varint does not hold ${value}`, () => {
    assert.throws(() => start().varint(value), { name: 'AssertionError' });
  });
}

test('a varint that never ends is refused', () => {
  const record = start().raw(Buffer.alloc(20, 0xff)).finish();
  assert.throws(() => read(record).varint(), DamagedRecordError);
});

test('any flipped bit of a record is detected', () => {
  const record = start().text('a key').varint(12345).bytes(Buffer.from('payload')).finish();
  for (let bit = 0; bit < record.length * 8; bit += 1) {
    const flipped = Buffer.from(record);
    flipped[bit >>> 3] = (flipped[bit >>> 3] ?? 0) ^ (1 << (bit & 7));
    assert.throws(() => read(flipped), DamagedRecordError, `bit ${bit}`);
  }
});

test('a record cut or extended anywhere is detected', () => {
  const record = start().text('a key').varint(12345).finish();
  for (let length = 0; length < record.length; length += 1) {
    assert.throws(() => read(record.subarray(0, length)), DamagedRecordError, `${length} bytes`);
  }
  assert.throws(() => read(Buffer.concat([record, Buffer.of(0)])), DamagedRecordError);
});

test('a field beyond the end of a whole record is refused', () => {
  const record = start().varint(100).finish();
  assert.throws(() => read(record).bytes(), /test record ends inside a field/);
});

test('a record of another format is refused by name', () => {
  const record = writer.start(2).u8(1).finish();
  assert.throws(() => read(record), NewerFormatError);
  assert.throws(() => read(record), /test record has format 2; this version of s3ish reads 1/);
});

test('a number without a member is refused', () => {
  assert.equal(read(start().u8(1).finish()).member(['a', 'b'], 'kind'), 'b');
  for (const [members, index] of [
    [['a', 'b'], 2],
    [[undefined, 'b'], 0],
  ] as const) {
    const reader = read(start().u8(index).finish());
    assert.throws(() => reader.member<string>(members, 'kind'), NewerFormatError);
  }
});

test('extensions with even tags are kept though nobody knows them', () => {
  const extensions = [
    { tag: 2, content: Uint8Array.of(1, 2, 3) },
    { tag: 1000, content: new Uint8Array() },
  ];
  const record = start().u8(9).extensions(extensions).finish();
  const reader = read(record);
  reader.u8();
  assert.deepEqual(reader.extensions(), { extensions });
});

test('extensions with odd tags are read only by who knows them', () => {
  const extensions = [{ tag: 3, content: Uint8Array.of(1) }];
  const record = start().extensions(extensions).finish();
  assert.deepEqual(read(record).extensions([3]), { extensions });
  assert.throws(() => read(record).extensions([5]), NewerFormatError);
});

test('a record without extensions holds no byte for them', () => {
  const record = start().u8(9).extensions(undefined).finish();
  const reader = read(record);
  reader.u8();
  assert.equal(record.length, 6);
  assert.deepEqual(reader.extensions(), {});
});

test('tags of extensions must ascend, written or read', () => {
  const content = new Uint8Array();
  const twice = [
    { tag: 2, content },
    { tag: 2, content },
  ];
  assert.throws(() => start().extensions(twice), { name: 'AssertionError' });
  const record = start().varint(2).bytes(content).varint(2).bytes(content).finish();
  assert.throws(() => read(record).extensions(), DamagedRecordError);
});

test('a finished record does not change when the writer goes on', () => {
  const first = start().text('first').finish();
  const copy = Buffer.from(first);
  start().text('second').finish();
  assert.deepEqual(first, copy);
});

test('numbers of the system table are records, so that damage is not counted on', () => {
  const record = encodeNumber(Number.MAX_SAFE_INTEGER);
  assert.equal(decodeNumber(record), Number.MAX_SAFE_INTEGER);
  assert.equal(decodeNumber(encodeNumber(0)), 0);
  record[7] = (record[7] ?? 0) ^ 1;
  assert.throws(() => decodeNumber(record), DamagedRecordError);
  assert.throws(() => decodeNumber(Buffer.alloc(8)), DamagedRecordError);
});
