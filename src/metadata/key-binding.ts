/**
 * Ties each stored record to its place: table and key are part of its checksum.
 *
 * A record's own checksum proves that its bytes are those of some record, not that they are those
 * of this key. LMDB keeps keys and the pointers between pages without a checksum, so a flipped bit
 * in one can put a whole record under the key of another object, or of nobody's.
 *
 * ```text
 * stored record = format:u8 + 80  crc32:u32le xor place  body ...
 * place         = CRC-32 of the table's name, 00, the key
 * ```
 *
 * Whoever reads gets the record back as it was encoded; in the wrong place it does not match its
 * checksum. Records without the high bit were stored by earlier versions and are read as they are.
 * Those of `system` stay bare, because every version has to be able to read `format`.
 *
 * @see docs/ON_DISK_FORMAT.md, "Records"
 * @module
 */

import assert from 'node:assert/strict';
import { crc32 } from 'node:zlib';

import { TABLES, type Table } from './environment.js';

const BOUND = 0x80;
const CHECKSUM_POSITION = 1;
/** Shorter values hold no checksum; no record is that short. */
const RECORD_BYTES_MIN = 5;

/** CRC-32 over the name of each table and a zero byte. */
const TABLE_CHECKSUMS = Object.fromEntries(
  TABLES.map((table) => [table, crc32(`${table}\0`)]),
) as Readonly<Record<Table, number>>;
/** For keys, which are short: a call out of JavaScript takes longer than they do. */
const BYTE_CHECKSUMS = Uint32Array.from({ length: 256 }, (_, byte) => {
  let checksum = byte;
  for (let bit = 0; bit < 8; bit += 1) checksum = (checksum >>> 1) ^ (checksum & 1 && 0xedb88320);
  return checksum;
});

/** @returns the value to store; a copy unless it is stored as it is. */
export function bindToKey(table: Table, key: Uint8Array, value: Uint8Array): Uint8Array {
  if (table === 'system' || value.byteLength < RECORD_BYTES_MIN) return value;
  const bound = Buffer.from(value);
  assert(bound.readUInt8(0) < BOUND, 'a record to store is not bound yet');
  bound.writeUInt8(bound.readUInt8(0) + BOUND, 0);
  toggle(bound, table, key);
  return bound;
}

/** @param value - the caller's own: it is changed. @returns the record as it was encoded. */
export function unbindFromKey(table: Table, key: Uint8Array, value: Buffer): Buffer {
  if (table === 'system' || value.byteLength < RECORD_BYTES_MIN) return value;
  const format = value[0] as number;
  if (format < BOUND) return value;
  value[0] = format - BOUND;
  toggle(value, table, key);
  return value;
}

/** Whether unbinding would change it. */
export function isBound(table: Table, value: Uint8Array): boolean {
  return (
    table !== 'system' && value.byteLength >= RECORD_BYTES_MIN && (value[0] as number) >= BOUND
  );
}

function toggle(value: Buffer, table: Table, key: Uint8Array): void {
  const checksum = value.readUInt32LE(CHECKSUM_POSITION);
  value.writeUInt32LE((checksum ^ placeOf(table, key)) >>> 0, CHECKSUM_POSITION);
}

function placeOf(table: Table, key: Uint8Array): number {
  let checksum = ~TABLE_CHECKSUMS[table];
  for (let index = 0; index < key.byteLength; index += 1) {
    const step = BYTE_CHECKSUMS[(checksum ^ (key[index] as number)) & 0xff] as number;
    checksum = (checksum >>> 8) ^ step;
  }
  return ~checksum;
}
