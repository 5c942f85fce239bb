/**
 * Requests that were refused for want of time, told together: a line for each would cost a server
 * that has none to spare as much as the refusal.
 *
 * @module
 */

import type { Log } from './log.js';

const INTERVAL_MS = 1_000;

/** Counts refusals and says once a second how many there were. */
export class ShedLog {
  readonly #log: Log;
  #count = 0;

  constructor(log: Log) {
    this.#log = log;
  }

  note(): void {
    if (this.#count === 0) setTimeout(() => this.#tell(), INTERVAL_MS).unref();
    this.#count += 1;
  }

  #tell(): void {
    this.#log.warn({ count: this.#count }, 'Requests were refused with SlowDown, unread');
    this.#count = 0;
  }
}
