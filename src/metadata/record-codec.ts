/**
 * The frame every record shares, and the primitive fields inside it.
 *
 * ```text
 * record     = format:u8  crc32:u32le  body  extension*     crc32 covers all but itself
 * varint     = 7 bits a byte, low first, high bit set on all but the last; at most 8 bytes
 * text       = length:varint utf8
 * bytes      = length:varint raw
 * extension  = tag:varint content:bytes                     tags ascending, up to the end
 * ```
 *
 * Extensions are how a record grows without a new format. A reader keeps an even tag that it does
 * not know, so that rewriting the record loses nothing; it refuses a record with an unknown odd
 * tag, because whoever ignored that one would misread the object.
 *
 * @see docs/ON_DISK_FORMAT.md, "Records"
 * @module
 */

import assert from 'node:assert/strict';
import { crc32 } from 'node:zlib';

import { asBuffer } from '../util/bytes.js';
import { NewerFormatError } from '../util/newer-format-error.js';

/** A stored record fails its checksum or makes no sense. A fault, never an S3 error. */
export class DamagedRecordError extends Error {
  override readonly name = 'DamagedRecordError';
}

/** Optional content at the end of a record. */
export interface Extension {
  /** Even: may be ignored and must be kept. Odd: whoever does not know it must not go on. */
  readonly tag: number;
  readonly content: Uint8Array;
}

/** Mixed into records that may carry extensions; absent means none. */
export interface Extensible {
  readonly extensions?: readonly Extension[];
}

const HEADER_BYTES = 5;
/** Enough for 2^53 - 1. */
const VARINT_BYTES_MAX = 8;
/** CRC-32 of each format byte, so that a record is checked in one pass over its body. */
const FORMAT_CHECKSUMS = Uint32Array.from({ length: 256 }, (_, format) => crc32(Buffer.of(format)));

/** Grows as needed; `finish` hands out a copy, so one writer can serve a process. */
export class RecordWriter {
  #buffer = Buffer.allocUnsafe(4096);
  #position = 0;

  /** @param format - unless given, the fields become the content of an extension. */
  start(format = 0): this {
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
    assert(Number.isSafeInteger(value) && value >= 0, 'a stored number is whole and not negative');
    this.#reserve(VARINT_BYTES_MAX);
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

  extensions(extensions: readonly Extension[] | undefined): this {
    let previous = -1;
    for (const { tag, content } of extensions ?? []) {
      assert(tag > previous, 'tags of extensions ascend');
      previous = tag;
      this.varint(tag).bytes(content);
    }
    return this;
  }

  /** @returns the framed record, owned by the caller. */
  finish(): Buffer {
    const record = Buffer.from(this.#buffer.subarray(0, this.#position));
    record.writeUInt32LE(checksumOf(record), 1);
    return record;
  }

  /** @returns the fields without a frame, owned by the caller. */
  content(): Buffer {
    return Buffer.from(this.#buffer.subarray(HEADER_BYTES, this.#position));
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
  readonly #what: string;
  #position = HEADER_BYTES;

  /**
   * @throws {DamagedRecordError} too short, or a wrong checksum.
   * @throws {NewerFormatError} a format other than `format`.
   */
  constructor(record: Uint8Array, format: number | undefined, what: string) {
    this.#what = what;
    this.#buffer = asBuffer(record);
    if (format === undefined) {
      this.#position = 0;
      return;
    }
    if (this.#buffer.length < HEADER_BYTES) {
      throw new DamagedRecordError(`${what} record holds ${this.#buffer.length} bytes`);
    }
    if (this.#buffer.readUInt32LE(1) !== checksumOf(this.#buffer)) {
      throw new DamagedRecordError(`${what} record does not match its checksum`);
    }
    const found = this.#buffer[0];
    if (found !== format) {
      throw new NewerFormatError(
        `${what} record has format ${String(found)}; this version of s3ish reads ${format}`,
      );
    }
  }

  /** Reads the fields inside an extension, which the frame of its record has proved. */
  static ofContent(content: Uint8Array, what: string): RecordReader {
    return new RecordReader(content, undefined, what);
  }

  /**
   * A number that stands for a member of a list.
   *
   * @throws {NewerFormatError} a number this version gives no meaning to.
   */
  member<Member>(members: readonly (Member | undefined)[], name: string): Member {
    const index = this.u8();
    const member = members[index];
    if (member === undefined) throw this.#newer(`${name} ${index}`);
    return member;
  }

  /**
   * What follows the body, up to the end: `{}` when there is nothing.
   *
   * @param known - tags the caller understands.
   * @throws {NewerFormatError} an unknown tag that must be understood.
   */
  extensions(known: readonly number[] = []): Extensible {
    if (this.#position === this.#buffer.length) return {};
    const extensions: Extension[] = [];
    let previous = -1;
    while (this.#position < this.#buffer.length) {
      const tag = this.varint();
      if (tag <= previous) throw new DamagedRecordError(`${this.#what} record repeats tag ${tag}`);
      previous = tag;
      if (tag % 2 === 1 && !known.includes(tag)) throw this.#newer(`extension ${tag}`);
      extensions.push({ tag, content: Uint8Array.from(this.bytes()) });
    }
    return { extensions };
  }

  /** @returns the error for a part of the record that only a later version can explain. */
  #newer(part: string): NewerFormatError {
    return new NewerFormatError(`${this.#what} record has ${part}, unknown to this version`);
  }

  u8(): number {
    this.#expect(1);
    return this.#buffer[this.#position++] as number;
  }

  varint(): number {
    let value = 0;
    let factor = 1;
    for (let count = 0; count < VARINT_BYTES_MAX; count += 1) {
      const byte = this.u8();
      value += (byte & 0x7f) * factor;
      if (byte < 0x80 && value <= Number.MAX_SAFE_INTEGER) return value;
      factor *= 0x80;
    }
    throw new DamagedRecordError(`${this.#what} record holds a number beyond 2^53`);
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
    return this.rawAs('hex', this.varint());
  }

  /** Bytes as text in an encoding, without a view in between: listings decode a thousand records. */
  rawAs(encoding: 'hex' | 'base64', byteCount: number): string {
    this.#expect(byteCount);
    const start = this.#position;
    this.#position += byteCount;
    return this.#buffer.toString(encoding, start, this.#position);
  }

  base64(): string {
    return this.rawAs('base64', this.varint());
  }

  /** Everything after what was read. */
  rest(): Buffer {
    return this.raw(this.#buffer.length - this.#position);
  }

  #expect(byteCount: number): void {
    if (this.#position + byteCount > this.#buffer.length) {
      throw new DamagedRecordError(`${this.#what} record ends inside a field`);
    }
  }
}

const NUMBER_FORMAT = 1;
const numberWriter = new RecordWriter();

/** `number = value:varint`, a record of the `system` table. This format never changes. */
export function encodeNumber(value: number): Buffer {
  return numberWriter.start(NUMBER_FORMAT).varint(value).finish();
}

/** @throws {DamagedRecordError} it is not what was written: counting on would reuse numbers. */
export function decodeNumber(bytes: Uint8Array): number {
  return new RecordReader(bytes, NUMBER_FORMAT, 'number').varint();
}

function checksumOf(record: Buffer): number {
  return crc32(record.subarray(HEADER_BYTES), FORMAT_CHECKSUMS[record[0] ?? 0]);
}
