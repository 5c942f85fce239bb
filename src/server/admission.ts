/**
 * Whether one more request can be served now: the cheap refusal, before anything is looked at.
 *
 * Two signs of overload. Requests in progress are counted. And requests that lie in their sockets
 * while others have their turn are noticed by the clock: when many have been begun since the event
 * loop last came round, and they took long, those that follow are refused. They have waited too
 * long to be worth it, and a refusal costs a small part of an answer, so the process gets to those
 * that have just come. What counts is time that the process worked: one that was kept waiting for a
 * processor is not overloaded by its clients.
 *
 * @module
 */

import { TURN_REQUESTS_COUNT_MIN, TURN_WATCH_MS } from './transport-limits.js';

export interface AdmissionLimits {
  readonly requestsCountMax: number;
  /** CPU time of this process; only differences count. Its own unless told. */
  readonly cpuMs?: () => number;
  /** How long a turn of the event loop may take; 0 leaves it unwatched. */
  readonly turnMsMax: number;
}

/** See the module comment. */
export class Admission {
  readonly #limits: AdmissionLimits;
  readonly #cpuMs: () => number;
  #inProgressCount = 0;
  #turnStartMs = 0;
  #turnStartCpuMs = 0;
  #turnRequestsCount = 0;
  /** Runs while requests come. */
  #timer: NodeJS.Timeout | undefined;

  constructor(limits: AdmissionLimits) {
    this.#limits = limits;
    this.#cpuMs = limits.cpuMs ?? processCpuMs;
  }

  /** @returns whether the request may go on; then {@link leave} follows. */
  enter(nowMs: number): boolean {
    if (this.#inProgressCount >= this.#limits.requestsCountMax) return false;
    if (this.#limits.turnMsMax > 0 && this.#isTurnTooLong(nowMs)) return false;
    this.#inProgressCount += 1;
    return true;
  }

  leave(): void {
    this.#inProgressCount -= 1;
  }

  #isTurnTooLong(nowMs: number): boolean {
    if (this.#timer === undefined) {
      this.#turnStartMs = nowMs;
      this.#turnStartCpuMs = this.#cpuMs();
      this.#timer = setInterval(() => this.#beginTurn(), TURN_WATCH_MS).unref();
    }
    // A pause that has nothing to do with requests, such as a collection, is no overload.
    if (this.#turnRequestsCount < TURN_REQUESTS_COUNT_MIN) {
      this.#turnRequestsCount += 1;
      return false;
    }
    const turnMsMax = this.#limits.turnMsMax + TURN_WATCH_MS;
    if (nowMs - this.#turnStartMs <= turnMsMax) return false;
    return this.#cpuMs() - this.#turnStartCpuMs > turnMsMax;
  }

  #beginTurn(): void {
    if (this.#turnRequestsCount === 0) {
      clearInterval(this.#timer);
      this.#timer = undefined;
    }
    this.#turnStartMs = performance.now();
    this.#turnStartCpuMs = this.#cpuMs();
    this.#turnRequestsCount = 0;
  }
}

function processCpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}
