import assert from 'node:assert/strict';
import test from 'node:test';
import { crc32 } from 'node:zlib';

import { TABLES } from '#src/metadata/environment.js';
import { bindToKey, isBound, unbindFromKey } from '#src/metadata/key-binding.js';
import { objectKey } from '#src/metadata/keys.js';
import { decodeInline, encodeInline } from '#src/metadata/payload-records.js';
import { DamagedRecordError } from '#src/metadata/record-codec.js';

const KEY = objectKey(7, 'a/é');
const RECORD = encodeInline(Buffer.from('payload'));

test('bindToKey stores what docs/ON_DISK_FORMAT.md says', () => {
  const bound = Buffer.from(bindToKey('objects', KEY, RECORD));
  const place = crc32(Buffer.concat([Buffer.from('objects\0'), KEY]));
  assert.equal(bound[0], 0x81);
  assert.equal(bound.readUInt32LE(1), (RECORD.readUInt32LE(1) ^ place) >>> 0);
  assert.deepEqual(bound.subarray(5), RECORD.subarray(5));
  assert.equal(bound.toString('hex'), '81817069cb7061796c6f6164', 'golden');
});

test('unbindFromKey gives back what was encoded, in its own place only', () => {
  const bound = (): Buffer => Buffer.from(bindToKey('objects', KEY, RECORD));
  assert.deepEqual(unbindFromKey('objects', KEY, bound()), RECORD);
  for (let bit = 0; bit < KEY.length * 8; bit += 1) {
    const other = Buffer.from(KEY);
    other.writeUInt8(other.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
    const moved = unbindFromKey('objects', other, bound());
    assert.throws(() => decodeInline(moved), DamagedRecordError, `bit ${bit} of the key`);
  }
  for (const table of TABLES) {
    if (table === 'objects') continue;
    assert.throws(() => decodeInline(unbindFromKey(table, KEY, bound())), Error, table);
  }
});

test('a flipped bit of a bound record is damage, also in the bit that says that it is bound', () => {
  for (let bit = 0; bit < RECORD.length * 8; bit += 1) {
    const bound = Buffer.from(bindToKey('objects', KEY, RECORD));
    bound.writeUInt8(bound.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
    const read = unbindFromKey('objects', KEY, bound);
    assert.throws(() => decodeInline(read), DamagedRecordError, `bit ${bit}`);
  }
});

test('records of earlier versions and of system are read as they are', () => {
  assert.deepEqual(unbindFromKey('objects', KEY, Buffer.from(RECORD)), RECORD);
  assert.equal(bindToKey('system', KEY, RECORD), RECORD);
  assert.equal(isBound('system', Buffer.of(0x81, 0, 0, 0, 0, 0)), false);
});
