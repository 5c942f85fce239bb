/**
 * CRC-32 of every block of a payload, computed over pieces of any size.
 *
 * @module
 */

import { crc32 } from '../kernels/crc.js';

/** Unit of verification: a read checks whole blocks. */
export const BLOCK_SIZE_BYTES = 256 * 1024;

export class BlockChecksums {
  readonly #finished: number[] = [];
  #crc = 0;
  #filledBytes = 0;
  #sizeBytes = 0;

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  update(piece: Uint8Array): void {
    this.#sizeBytes += piece.byteLength;
    let position = 0;
    while (position < piece.byteLength) {
      const end = Math.min(piece.byteLength, position + BLOCK_SIZE_BYTES - this.#filledBytes);
      this.#crc = crc32(piece.subarray(position, end), this.#crc);
      this.#filledBytes += end - position;
      position = end;
      if (this.#filledBytes === BLOCK_SIZE_BYTES) this.#endBlock();
    }
  }

  finish(): Uint32Array {
    if (this.#filledBytes > 0) this.#endBlock();
    return Uint32Array.from(this.#finished);
  }

  #endBlock(): void {
    this.#finished.push(this.#crc);
    this.#crc = 0;
    this.#filledBytes = 0;
  }
}
