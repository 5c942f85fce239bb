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

  /** @param variable - the environment variable that gives a seed back. */
  constructor(variable: string) {
    this.seed = Number(process.env[variable] ?? randomInt(2 ** 31));
    this.#state = this.seed;
    console.log(`${variable}=${this.seed}`);
  }

  /** A whole number, 0 to `limit` - 1. @see https://github.com/bryc/code, mulberry32 */
  below(limit: number): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * limit);
  }
}
