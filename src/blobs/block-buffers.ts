/**
 * Memory for blocks that are read, used and forgotten: the same memory again and again.
 *
 * Left to the collector, blocks pile up between two collections, and a process that sends to a
 * thousand clients holds far more dead ones than living.
 *
 * @module
 */

import { BLOCK_SIZE_BYTES } from './block-checksums.js';

/** Buffers kept for later; those beyond are left to the collector. */
const KEPT_COUNT_MAX = 128;
/** Buffers that nobody needed for this long are not kept. */
const KEPT_MS = 10_000;

/** See the module comment. */
export class BlockBuffers {
  readonly #free: Buffer[] = [];
  /** The fewest that were free since the timer last looked: so many are not needed. */
  #spareCount = 0;
  #timer: NodeJS.Timeout | undefined;

  /** Memory of a block's size or less; its content is anything. */
  take(sizeBytes: number): Buffer {
    if (sizeBytes > BLOCK_SIZE_BYTES) return Buffer.allocUnsafeSlow(sizeBytes);
    const buffer = this.#free.pop() ?? Buffer.allocUnsafeSlow(BLOCK_SIZE_BYTES);
    this.#spareCount = Math.min(this.#spareCount, this.#free.length);
    return buffer.subarray(0, sizeBytes);
  }

  /** Nobody looks at it any more. */
  give(block: Uint8Array): void {
    if (block.buffer.byteLength !== BLOCK_SIZE_BYTES) return;
    if (this.#free.length >= KEPT_COUNT_MAX) return;
    this.#free.push(Buffer.from(block.buffer));
    this.#timer ??= setInterval(() => this.#trim(), KEPT_MS).unref();
  }

  #trim(): void {
    this.#free.length -= this.#spareCount;
    this.#spareCount = this.#free.length;
    if (this.#free.length > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
