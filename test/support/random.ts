/**
 * Random numbers that a seed repeats.
 *
 * @module
 */

import { randomInt } from 'node:crypto';

/** Numbers of a seed that is printed with a failure and can be given back. */
export class SeededRandom {
  readonly seed: number;
  #state: number;

  /** @param from - the environment variable that gives a seed back, or a seed. */
  constructor(from: string | number) {
    this.seed = Number(typeof from === 'number' ? from : (process.env[from] ?? randomInt(2 ** 31)));
    this.#state = this.seed;
    if (typeof from === 'string') console.log(`${from}=${this.seed}`);
  }

  /** Numbers of their own for one of several that draw in turns nobody can repeat. */
  fork(): SeededRandom {
    return new SeededRandom(this.below(2 ** 31));
  }

  /** At least 0, less than 1. */
  fraction(): number {
    return this.below(2 ** 32) / 2 ** 32;
  }

  /** @throws when there is nothing to choose from. */
  oneOf<Item>(items: readonly Item[]): Item {
    const item = items[this.below(items.length)];
    if (item === undefined) throw new Error('there is nothing to choose from');
    return item;
  }

  /** A whole number, 0 to `limit` - 1. @see https://github.com/bryc/code, mulberry32 */
  below(limit: number): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * limit);
  }
}
