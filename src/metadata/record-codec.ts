/**
 * The frame every record shares, and the primitive fields inside it.
 *
 * ```text
 * record   = format:u8  crc32:u32le  body          crc32 covers format and body
 * varint   = 7 bits a byte, low first, high bit set on all but the last
 * text     = length:varint utf8
 * bytes    = length:varint raw
 * ```
 *
 * @see docs/ON_DISK_FORMAT.md, "Records"
 * @module
 */

import { crc32 } from 'node:zlib';

/** A stored record fails its checksum or has an unknown format. A fault, never an S3 error. */
export class DamagedRecordError extends Error {
  override readonly name = 'DamagedRecordError';
}

const HEADER_BYTES = 5;

/** Grows as needed; `finish` hands out a copy, so one writer can serve a process. */
export class RecordWriter {
  #buffer = Buffer.allocUnsafe(4096);
  #position = 0;

  start(format: number): this {
    this.#position = HEADER_BYTES;
    this.#buffer[0] = format;
    return this;
  }

  u8(value: number): this {
    this.#reserve(1);
    this.#buffer[this.#position++] = value;
    return this;
  }

  /** Whole number, 0 to 2^53 - 1. */
  varint(value: number): this {
    this.#reserve(8);
    let rest = value;
    while (rest >= 0x80) {
      this.#buffer[this.#position++] = (rest % 0x80) | 0x80;
      rest = Math.floor(rest / 0x80);
    }
    this.#buffer[this.#position++] = rest;
    return this;
  }

  text(value: string): this {
    const byteCount = Buffer.byteLength(value);
    this.varint(byteCount);
    this.#reserve(byteCount);
    this.#buffer.write(value, this.#position, 'utf8');
    this.#position += byteCount;
    return this;
  }

  raw(value: Uint8Array): this {
    this.#reserve(value.byteLength);
    this.#buffer.set(value, this.#position);
    this.#position += value.byteLength;
    return this;
  }

  bytes(value: Uint8Array): this {
    return this.varint(value.byteLength).raw(value);
  }

  hex(value: string): this {
    return this.bytes(Buffer.from(value, 'hex'));
  }

  /** @returns the framed record, owned by the caller. */
  finish(): Buffer {
    const record = Buffer.from(this.#buffer.subarray(0, this.#position));
    record.writeUInt32LE(checksumOf(record), 1);
    return record;
  }

  #reserve(byteCount: number): void {
    const needed = this.#position + byteCount;
    if (needed <= this.#buffer.length) return;
    const grown = Buffer.allocUnsafe(Math.max(needed, this.#buffer.length * 2));
    this.#buffer.copy(grown, 0, 0, this.#position);
    this.#buffer = grown;
  }
}

/** Reads the fields of a verified record in order. */
export class RecordReader {
  readonly #buffer: Buffer;
  #position = HEADER_BYTES;

  /** @throws {DamagedRecordError} too short, wrong checksum, or a format other than `format`. */
  constructor(record: Uint8Array, format: number, what: string) {
    this.#buffer = Buffer.from(record.buffer, record.byteOffset, record.byteLength);
    if (this.#buffer.length < HEADER_BYTES) {
      throw new DamagedRecordError(`${what} record holds ${this.#buffer.length} bytes`);
    }
    if (this.#buffer.readUInt32LE(1) !== checksumOf(this.#buffer)) {
      throw new DamagedRecordError(`${what} record does not match its checksum`);
    }
    const found = this.#buffer[0];
    if (found !== format) {
      throw new DamagedRecordError(`${what} record has format ${String(found)}, not ${format}`);
    }
  }

  u8(): number {
    this.#expect(1);
    return this.#buffer[this.#position++] as number;
  }

  varint(): number {
    let value = 0;
    let factor = 1;
    for (;;) {
      const byte = this.u8();
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
      factor *= 0x80;
    }
  }

  text(): string {
    const byteCount = this.varint();
    this.#expect(byteCount);
    const start = this.#position;
    this.#position += byteCount;
    return this.#buffer.toString('utf8', start, this.#position);
  }

  /** A view into the record; copy what must outlive it. */
  raw(byteCount: number): Buffer {
    this.#expect(byteCount);
    const start = this.#position;
    this.#position += byteCount;
    return this.#buffer.subarray(start, this.#position);
  }

  bytes(): Buffer {
    return this.raw(this.varint());
  }

  hex(): string {
    return this.bytes().toString('hex');
  }

  /** Everything after what was read. */
  rest(): Buffer {
    return this.raw(this.#buffer.length - this.#position);
  }

  #expect(byteCount: number): void {
    if (this.#position + byteCount > this.#buffer.length) {
      throw new DamagedRecordError('record ends inside a field');
    }
  }
}

/** Unframed number, for the `system` table. */
export function encodeNumber(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(8);
  bytes.writeBigUInt64BE(BigInt(value), 0);
  return bytes;
}

export function decodeNumber(bytes: Uint8Array): number {
  if (bytes.byteLength !== 8) throw new DamagedRecordError('number record is not 8 bytes');
  return Number(Buffer.from(bytes.buffer, bytes.byteOffset, 8).readBigUInt64BE(0));
}

function checksumOf(record: Buffer): number {
  return crc32(record.subarray(HEADER_BYTES), record[0] ?? 0);
}
