/**
 * One timer for every request in flight, instead of a timer for each.
 *
 * Timeouts are counted in ticks: whoever waits counts the ticks that passed without progress. That
 * costs nothing on the way of a request, and a process that was itself suspended or busy does not
 * mistake its own delay for a stall of its clients.
 *
 * @module
 */

import { TICK_MS_MAX } from './transport-limits.js';

/** Something that wants to know that time passes. */
export interface Ticked {
  onTick(): void;
}

/** Ticks to all members until it is stopped. */
export class TickClock {
  /** Milliseconds from tick to tick. */
  readonly periodMs: number;
  readonly #members = new Set<Ticked>();
  readonly #onFault: (fault: unknown, context: string) => void;
  #timer: NodeJS.Timeout | undefined;

  /** @param shortestTimeoutMs - Timeouts are kept to within about a quarter of the shortest. */
  constructor(shortestTimeoutMs: number, onFault: (fault: unknown, context: string) => void) {
    this.periodMs = Math.max(10, Math.min(TICK_MS_MAX, Math.ceil(shortestTimeoutMs / 4)));
    this.#onFault = onFault;
  }

  start(): void {
    this.#timer ??= setInterval(() => this.#tick(), this.periodMs).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  add(member: Ticked): void {
    this.#members.add(member);
  }

  delete(member: Ticked): void {
    this.#members.delete(member);
  }

  /** More ticks than this without progress prove that `timeoutMs` have passed. */
  ticksFor(timeoutMs: number): number {
    return Math.ceil(timeoutMs / this.periodMs);
  }

  #tick(): void {
    for (const member of this.#members) {
      try {
        member.onTick();
      } catch (fault) {
        this.#onFault(fault, 'tick');
      }
    }
  }
}
