/**
 * Memory for pieces that are filled, used and forgotten: the same memory again and again.
 *
 * Left to the collector, dead pieces pile up between two collections, and memory outside its heap
 * makes it run far more often than the heap needs.
 *
 * @module
 */

/** Buffers kept for later, unless told otherwise; those beyond are left to the collector. */
const KEPT_COUNT_MAX = 128;
/** Buffers that nobody needed for this long are not kept. */
const KEPT_MS = 10_000;
/** Tests overwrite what is given back, so that a use after that shows as wrong bytes. */
const IS_POISONING = process.env['S3ISH_POISON_BUFFERS'] === '1';
const POISON = 0xdb;

/** See the module comment. */
export class RecycledBuffers {
  readonly #bufferBytes: number;
  readonly #keptCountMax: number;
  readonly #free: Buffer[] = [];
  /** The fewest that were free since the timer last looked: so many are not needed. */
  #spareCount = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(bufferBytes: number, keptCountMax = KEPT_COUNT_MAX) {
    this.#bufferBytes = bufferBytes;
    this.#keptCountMax = keptCountMax;
  }

  /** Memory of that size; its content is anything. Longer than a buffer, it is not recycled. */
  take(sizeBytes: number): Buffer {
    if (sizeBytes > this.#bufferBytes) return Buffer.allocUnsafeSlow(sizeBytes);
    const buffer = this.#free.pop() ?? Buffer.allocUnsafeSlow(this.#bufferBytes);
    this.#spareCount = Math.min(this.#spareCount, this.#free.length);
    return buffer.subarray(0, sizeBytes);
  }

  /**
   * Nobody looks at it any more. Exactly once for what was taken: memory that was given back twice
   * would be lent to two at a time.
   *
   * @param piece - what was taken, or any part of it.
   */
  give(piece: Uint8Array): void {
    if (piece.buffer.byteLength !== this.#bufferBytes) return;
    const buffer = Buffer.from(piece.buffer);
    if (IS_POISONING) buffer.fill(POISON);
    if (this.#free.length >= this.#keptCountMax) return;
    this.#free.push(buffer);
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
