/**
 * Memory for what a socket still delivers after it was paused.
 *
 * uWebSockets.js reads a socket again at once while each read fills its buffer of 512 KiB, paused
 * or not. A sender on the same host that refills the kernel's buffer as fast as we copy keeps that
 * loop running: with copies into new memory, whose pages the kernel must clear first, 800 MiB of one
 * upload were read before the pause took effect. Copies into memory that is there already are three times
 * as fast, so the loop overtakes the sender and ends.
 *
 * One area serves all requests of a process; it is made when it is first needed and given back when
 * nothing has needed it for a while.
 *
 * @module
 */

import { OVERFLOW_AREA_BYTES, OVERFLOW_KEPT_MS, OVERFLOW_SLOT_BYTES } from './transport-limits.js';

/** A piece in memory that is lent: it must be released once, and not looked at afterwards. */
export interface LentPiece {
  readonly bytes: Uint8Array;
  /** Memory that nobody else gets meanwhile: as much, or more. */
  readonly heldBytes: number;
  release(): void;
}

/** See the module comment. */
export class OverflowArea {
  #area: Buffer | undefined;
  #free: number[] = [];
  #heldCount = 0;
  #timer: NodeJS.Timeout | undefined;

  /** @returns undefined when the area is full or the chunk is longer than a slot. */
  hold(chunk: Uint8Array): LentPiece | undefined {
    if (chunk.byteLength > OVERFLOW_SLOT_BYTES) return undefined;
    const area = this.#require();
    const slot = this.#free.pop();
    if (slot === undefined) return undefined;
    this.#heldCount += 1;
    const start = slot * OVERFLOW_SLOT_BYTES;
    const bytes = area.subarray(start, start + chunk.byteLength);
    bytes.set(chunk);
    // The area is bounded by itself, so what is left of the slot counts for nobody.
    return { bytes, heldBytes: bytes.byteLength, release: () => this.#release(slot) };
  }

  #require(): Buffer {
    clearTimeout(this.#timer);
    if (this.#area === undefined) {
      // Filled, because only pages that were written to are there.
      this.#area = Buffer.alloc(OVERFLOW_AREA_BYTES, 1);
      const slotCount = OVERFLOW_AREA_BYTES / OVERFLOW_SLOT_BYTES;
      this.#free = Array.from({ length: slotCount }, (_, slot) => slot);
    }
    return this.#area;
  }

  #release(slot: number): void {
    this.#free.push(slot);
    this.#heldCount -= 1;
    if (this.#heldCount > 0) return;
    this.#timer = setTimeout(() => {
      if (this.#heldCount === 0) this.#area = undefined;
    }, OVERFLOW_KEPT_MS).unref();
  }
}
