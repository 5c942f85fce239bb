/**
 * A set of ids in constant memory that is right when it says no (a Bloom filter).
 *
 * @module
 */

const HASHES_COUNT = 4;
const BITS_PER_ID = 16;
const BITS_MIN = 2 ** 20;
/** 256 MiB: with 10^8 ids a foreign one is taken for a member once in 1,200 times. */
const BITS_MAX = 2 ** 31;
const FACTORS = [0x01000193, 0x85ebca6b] as const;

export class IdFilter {
  readonly #bits: Uint8Array;
  readonly #bitsCount: number;

  /** @param expectedCount - of ids; more are welcome and cost certainty. */
  constructor(expectedCount: number) {
    const wanted = Math.max(BITS_MIN, Math.min(BITS_MAX, expectedCount * BITS_PER_ID));
    this.#bitsCount = 2 ** Math.ceil(Math.log2(wanted));
    this.#bits = new Uint8Array(this.#bitsCount / 8);
  }

  add(id: string): void {
    for (const bit of this.#bitsOf(id)) {
      const index = bit >>> 3;
      this.#bits[index] = (this.#bits[index] ?? 0) | (1 << (bit & 7));
    }
  }

  /** False: it was surely never added. */
  mayHave(id: string): boolean {
    return this.#bitsOf(id).every((bit) => ((this.#bits[bit >>> 3] ?? 0) >> (bit & 7)) % 2 === 1);
  }

  #bitsOf(id: string): number[] {
    const [first, second] = FACTORS.map((factor) => hashOf(id, factor)) as [number, number];
    const step = second | 1;
    return Array.from(
      { length: HASHES_COUNT },
      (_, index) => (first + index * step) % this.#bitsCount,
    );
  }
}

/** FNV with a finish that lets every bit of the input reach every bit of the output. */
function hashOf(id: string, factor: number): number {
  let hash = factor ^ 0x811c9dc5;
  for (let index = 0; index < id.length; index += 1) {
    hash = Math.imul(hash ^ id.charCodeAt(index), factor);
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0xc2b2ae35);
  return (hash ^ (hash >>> 13)) >>> 0;
}
