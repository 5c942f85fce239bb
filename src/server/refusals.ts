/**
 * When refused requests are told so.
 *
 * Many clients send their next request as soon as they are refused, whatever they are told, and
 * reading and refusing it takes time away from those that are served. So only so many refusals are
 * answered at a time, and the others wait, longest first: clients that do
 * not heed `Retry-After` slow themselves down instead of everybody.
 *
 * @module
 */

import { REFUSAL_HOLD_MS_MAX, REFUSAL_TURN_MS, REFUSALS_PER_MS_COUNT } from './transport-limits.js';

/** See the module comment. */
export class Refusals {
  /** What tells each, and since when it waits; longest first. */
  readonly #held = new Map<() => void, number>();
  /** How many can be told now. */
  #tellableCount = REFUSAL_TURN_MS * REFUSALS_PER_MS_COUNT;
  #turnStartMs = 0;
  #toldCount = 0;
  /** Runs while there are refusals. */
  #timer: NodeJS.Timeout | undefined;

  /** @returns what to wait for before the answer, if anything. */
  hold(): Promise<void> | undefined {
    if (this.#timer === undefined) {
      this.#turnStartMs = performance.now();
      this.#timer = setInterval(() => this.#beginTurn(), REFUSAL_TURN_MS).unref();
    }
    this.#toldCount += 1;
    if (this.#toldCount <= this.#tellableCount) return undefined;
    return new Promise((tell) => this.#held.set(tell, performance.now()));
  }

  #beginTurn(): void {
    if (this.#toldCount === 0) {
      clearInterval(this.#timer);
      this.#timer = undefined;
      return;
    }
    const nowMs = performance.now();
    // A turn that came late makes up for it.
    this.#tellableCount = (nowMs - this.#turnStartMs) * REFUSALS_PER_MS_COUNT;
    this.#turnStartMs = nowMs;
    this.#toldCount = 0;
    for (const [tell, heldMs] of this.#held) {
      const isOverdue = nowMs - heldMs >= REFUSAL_HOLD_MS_MAX;
      if (this.#toldCount >= this.#tellableCount && !isOverdue) break;
      this.#held.delete(tell);
      this.#toldCount += 1;
      tell();
    }
  }
}
