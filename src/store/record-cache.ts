/**
 * Records as they were decoded, kept for when they are read again.
 *
 * Invariant: a record is handed out only for the very bytes it was decoded from, which the caller has
 * just read from the index. So it can not be stale, whoever wrote meanwhile, and damage is noticed as
 * without it. What it spares is the decoding, checksum included: a quarter of a millisecond for the manifest
 * of 10,000 parts at every range that is read, less than a microsecond for the record of a small
 * object, which is not worth its place (`bench/micro/record-cache.bench.mjs`).
 *
 * @module
 */

import { LRUCache } from 'lru-cache';

import { asBuffer } from '../util/bytes.js';

/** Decoding less than this costs no more than looking it up. */
const RECORD_BYTES_MIN = 512;
/** A decoded record takes several times the memory of its bytes, which are kept too. */
const MEMORY_PER_BYTE = 10;
const TTL_RESOLUTION_MS = 1000;

export interface RecordCacheOptions {
  /** Memory it may take, about; 0 keeps nothing. */
  readonly bytesMax: number;
  /** Longest life of a record in it. */
  readonly ttlMs: number;
}

interface Decoded {
  readonly bytes: Buffer;
  readonly record: unknown;
}

/** See the module comment. */
export class RecordCache {
  readonly #known: LRUCache<string, Decoded> | undefined;
  #hitCount = 0;
  #missCount = 0;

  constructor({ bytesMax, ttlMs }: RecordCacheOptions) {
    if (bytesMax === 0) return;
    this.#known = new LRUCache({
      maxSize: bytesMax,
      sizeCalculation: ({ bytes }) => bytes.byteLength * MEMORY_PER_BYTE,
      ttl: ttlMs,
      ttlResolution: TTL_RESOLUTION_MS,
    });
  }

  /** Records that were large enough and found with the same bytes. */
  get hitCount(): number {
    return this.#hitCount;
  }

  /** Records that were large enough and had to be decoded. */
  get missCount(): number {
    return this.#missCount;
  }

  /** About the memory it takes. */
  get sizeBytes(): number {
    return this.#known?.calculatedSize ?? 0;
  }

  /**
   * @param name - of the record, with its table: two records of different kinds share none.
   * @param bytes - what the index holds now.
   * @returns what `decode` makes of them; shared, so nobody may change it.
   */
  decode<Record>(name: string, bytes: Uint8Array, decode: (bytes: Uint8Array) => Record): Record {
    const known = bytes.byteLength < RECORD_BYTES_MIN ? undefined : this.#known;
    if (known === undefined) return decode(bytes);
    const found = known.get(name);
    if (found?.bytes.equals(bytes) === true) {
      this.#hitCount += 1;
      return found.record as Record;
    }
    this.#missCount += 1;
    const record = decode(bytes);
    // The bytes are the index's, and only for now.
    known.set(name, { bytes: Buffer.from(asBuffer(bytes)), record });
    return record;
  }
}
