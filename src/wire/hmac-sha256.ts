/**
 * HMAC-SHA256 under a key that signs many short texts.
 *
 * `createHmac` sets up an OpenSSL context each time. Two one-shot hashes over key blocks that were
 * padded once take half of that: 0.75 us against 1.5 us for a string to sign (bench/micro).
 *
 * @see https://www.rfc-editor.org/rfc/rfc2104
 * @module
 */

import assert from 'node:assert/strict';
import { hash } from 'node:crypto';

const BLOCK_BYTES = 64;
const DIGEST_BYTES = 32;
/** Strings to sign have about 150 bytes, those of chunks 270. */
const TEXT_BYTES_DEFAULT = 512;

/** A padded key. Its buffers are scratch space: every call runs to its end before the next. */
export class HmacSha256Key {
  /** The key itself. */
  readonly bytes: Uint8Array;
  #inner: Buffer;
  readonly #outer: Buffer;

  /** @param bytes - at most 64 bytes; borrowed, must not change. */
  constructor(bytes: Uint8Array) {
    assert(bytes.length <= BLOCK_BYTES, 'a signing key fits in one SHA-256 block');
    this.bytes = bytes;
    this.#inner = Buffer.alloc(BLOCK_BYTES + TEXT_BYTES_DEFAULT);
    this.#outer = Buffer.alloc(BLOCK_BYTES + DIGEST_BYTES);
    for (let index = 0; index < BLOCK_BYTES; index += 1) {
      const byte = bytes[index] ?? 0;
      this.#inner[index] = byte ^ 0x36;
      this.#outer[index] = byte ^ 0x5c;
    }
  }

  /** The HMAC of a text's UTF-8 bytes, in lower-case hexadecimal. */
  signHex(text: string): string {
    // No character takes more than three bytes per UTF-16 unit.
    this.#reserve(text.length * 3);
    const textBytes = this.#inner.write(text, BLOCK_BYTES);
    const innerDigest = hash('sha256', this.#inner.subarray(0, BLOCK_BYTES + textBytes), 'binary');
    this.#outer.write(innerDigest, BLOCK_BYTES, 'binary');
    return hash('sha256', this.#outer);
  }

  #reserve(textBytes: number): void {
    if (BLOCK_BYTES + textBytes <= this.#inner.length) return;
    const larger = Buffer.alloc(BLOCK_BYTES + textBytes);
    this.#inner.copy(larger, 0, 0, BLOCK_BYTES);
    this.#inner = larger;
  }
}
