/**
 * Contents that no two writes share, and what a client that wrote them knows of them.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';

/** What an ETag stands for. */
export interface Value {
  /** Above 0; 0 is the absent object. */
  readonly id: number;
  readonly etag: string;
  readonly sizeBytes: number;
  /** Of the bytes. */
  readonly md5Hex: string;
}

/** A value whose bytes are still at hand. */
export interface Content {
  readonly value: Value;
  readonly bytes: Buffer;
  /** Digests of the parts of an object that came in several. */
  readonly partDigests: readonly string[];
}

/** Bytes of contents that are kept: those that were made last. */
const CONTENTS_COUNT_MAX = 512;
/** An object up to this size lies in the index, and what is appended joins it. */
const INLINE_BYTES_MAX = 32 * 1024;

export class Values {
  readonly #byEtag = new Map<string, Value>();
  readonly #etags: string[] = [''];
  readonly #contents = new Map<string, Content>();
  #freshCount = 0;

  /** Bytes that were never made before. */
  fresh(sizeBytes: number): Buffer {
    this.#freshCount += 1;
    const name = `${this.#freshCount} `;
    return Buffer.alloc(Math.max(sizeBytes, name.length), name);
  }

  /** What a PUT of these bytes makes. */
  put(bytes: Buffer): Content {
    return this.#know(md5(bytes), bytes, []);
  }

  /** What a completed upload of one part makes. */
  completed(bytes: Buffer): Content {
    const digest = md5(bytes);
    return this.#know(etagOf([digest]), bytes, [digest]);
  }

  /** What a copy of a content makes: one piece, whatever it was. */
  copied({ value, bytes }: Content): Content {
    return this.#know(value.md5Hex, bytes, []);
  }

  /** What these bytes behind a content make. */
  appended(base: Content, added: Buffer): Content {
    const whole = Buffer.concat([base.bytes, added]);
    const isPlain = base.partDigests.length === 0;
    if (isPlain && base.bytes.byteLength <= INLINE_BYTES_MAX) return this.put(whole);
    const before = isPlain ? [base.value.md5Hex] : base.partDigests;
    const digests = [...before, md5(added)];
    return this.#know(etagOf(digests), whole, digests);
  }

  /** @throws when nobody ever sent what has this ETag. */
  require(etag: string): Value {
    const value = this.#byEtag.get(etag);
    assert(value !== undefined, `${etag} was shown, which nobody made`);
    return value;
  }

  etagOf(id: number): string {
    return this.#etags[id] ?? '';
  }

  /** The bytes of an ETag, if they are still at hand. */
  contentOf(etag: string): Content | undefined {
    return this.#contents.get(etag);
  }

  #know(etag: string, bytes: Buffer, partDigests: readonly string[]): Content {
    const known = this.#byEtag.get(etag);
    const md5Hex = partDigests.length === 0 ? etag : md5(bytes);
    const id = this.#etags.length;
    const value = known ?? { id, etag, sizeBytes: bytes.byteLength, md5Hex };
    if (known === undefined) {
      this.#byEtag.set(etag, value);
      this.#etags.push(etag);
    }
    const content = { value, bytes, partDigests };
    this.#contents.delete(etag);
    this.#contents.set(etag, content);
    const [oldest] = this.#contents.keys();
    if (this.#contents.size > CONTENTS_COUNT_MAX && oldest !== undefined)
      this.#contents.delete(oldest);
    return content;
  }
}

export function md5(bytes: Uint8Array): string {
  return createHash('md5').update(bytes).digest('hex');
}

function etagOf(digests: readonly string[]): string {
  const joined = Buffer.concat(digests.map((digest) => Buffer.from(digest, 'hex')));
  return `${md5(joined)}-${digests.length}`;
}
