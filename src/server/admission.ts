/**
 * Whether one more request can be served now, later or not at all: decided before anything else is
 * looked at, because a refusal must cost a small part of an answer.
 *
 * Requests in progress are counted. And a turn of the event loop works on requests only for a
 * while: those that are left wait, oldest first, and are begun in the turns that follow. So sockets
 * are read all the time, and one that comes when too much work is ahead of it is told so at once
 * instead of when its turn would have come. What counts is time that the process worked: one that
 * was kept waiting for a processor is not overloaded by its clients.
 *
 * @module
 */

import { setImmediate as nextTurn } from 'node:timers/promises';

import { TURN_REQUESTS_COUNT_MIN, TURN_WATCH_MS, TURN_WORK_MS_MAX } from './transport-limits.js';

export interface AdmissionLimits {
  readonly requestsCountMax: number;
  /** CPU time of this process; only differences count. Its own unless told. */
  readonly cpuMs?: () => number;
  /** Work that may be ahead of a request, in milliseconds; 0 begins all of them at once. */
  readonly turnMsMax: number;
}

/** Weight of the newest figure in the running mean. */
const NEWEST_SHARE = 0.3;

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
  /** Each begins one request; waiting longest first. */
  readonly #waiting = new Set<() => void>();
  #isServing = false;
  /** Work that a request makes before it waits for something itself. */
  #workMs = 0;

  constructor(limits: AdmissionLimits) {
    this.#limits = limits;
    this.#cpuMs = limits.cpuMs ?? processCpuMs;
  }

  /** @returns false for no; otherwise the request may go on, now or then, and {@link leave} follows. */
  enter(nowMs: number): boolean | Promise<void> {
    if (this.#inProgressCount >= this.#limits.requestsCountMax) return false;
    if (this.#limits.turnMsMax === 0 || this.#hasTime(nowMs)) {
      this.#inProgressCount += 1;
      return true;
    }
    // A pause that has nothing to do with requests, such as a collection, is no overload.
    const isMany = this.#waiting.size >= TURN_REQUESTS_COUNT_MIN;
    if (isMany && this.#waiting.size * this.#workMs > this.#limits.turnMsMax) return false;
    this.#inProgressCount += 1;
    return new Promise((begin) => {
      this.#waiting.add(begin);
      if (!this.#isServing) void this.#serve();
    });
  }

  leave(): void {
    this.#inProgressCount -= 1;
  }

  /** Whether this turn of the event loop takes on more, which nobody has been waiting for. */
  #hasTime(nowMs: number): boolean {
    if (this.#isServing) return false;
    if (this.#timer === undefined) {
      this.#turnStartMs = nowMs;
      this.#turnStartCpuMs = this.#cpuMs();
      this.#timer = setInterval(() => this.#beginTurn(), TURN_WATCH_MS).unref();
    }
    this.#turnRequestsCount += 1;
    if (this.#turnRequestsCount <= TURN_REQUESTS_COUNT_MIN) return true;
    const turnMsMax = TURN_WORK_MS_MAX + TURN_WATCH_MS;
    if (nowMs - this.#turnStartMs <= turnMsMax) return true;
    const workedMs = this.#cpuMs() - this.#turnStartCpuMs;
    if (workedMs <= turnMsMax) return true;
    this.#workMs = workedMs / this.#turnRequestsCount;
    return false;
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

  /** Begins those that wait, some in each turn, until there are none. */
  async #serve(): Promise<void> {
    this.#isServing = true;
    while (this.#waiting.size > 0) {
      await nextTurn();
      const startCpuMs = this.#cpuMs();
      const endMs = performance.now() + TURN_WORK_MS_MAX;
      let begunCount = 0;
      for (const begin of this.#waiting) {
        this.#waiting.delete(begin);
        begin();
        begunCount += 1;
        // It runs until it waits for something; only then is it known how long that took.
        await Promise.resolve();
        if (performance.now() >= endMs) break;
      }
      const workMs = (this.#cpuMs() - startCpuMs) / begunCount;
      this.#workMs += (workMs - this.#workMs) * NEWEST_SHARE;
    }
    this.#isServing = false;
  }
}

function processCpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}
