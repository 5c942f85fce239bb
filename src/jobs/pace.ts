/**
 * Keeps background work slow enough not to be felt: a budget of bytes, and of CPU.
 *
 * @module
 */

import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';

/** Of one core, by all of this process; what is read has to be copied and summed up. */
const CPU_SHARE_MAX = 0.18;
/** Bytes that may be read at once after a rest: more would be felt by a request that waits. */
const BURST_MS = 50;
/** Work between two looks at the CPU time that was used. */
const SLICE_MS = 10;

/** A token bucket for bytes, beside a limit to the share of a core. */
export class Pace {
  readonly #bytesPerMs: number;
  readonly #signal: AbortSignal;
  #owedUntilMs = 0;
  #sliceStartMs = performance.now();
  #sliceCpu = process.cpuUsage();

  /** @param signal - ends every wait. */
  constructor(bytesPerSecond: number, signal: AbortSignal) {
    this.#bytesPerMs = bytesPerSecond / 1000;
    this.#signal = signal;
  }

  /** Waits as long as these bytes, and the CPU time since the last wait, take at this pace. */
  async take(byteCount: number): Promise<void> {
    const nowMs = performance.now();
    this.#owedUntilMs =
      Math.max(this.#owedUntilMs, nowMs - BURST_MS) + byteCount / this.#bytesPerMs;
    const byteRestMs = this.#owedUntilMs - nowMs;
    const restMs = Math.max(byteRestMs, this.#cpuRestMs(nowMs));
    if (restMs >= 1) await this.rest(restMs);
  }

  /** Waits, but not past the end. */
  async rest(restMs: number): Promise<void> {
    if (this.#signal.aborted) return;
    await sleep(restMs, undefined, { signal: this.#signal }).catch(() => undefined);
  }

  #cpuRestMs(nowMs: number): number {
    const elapsedMs = nowMs - this.#sliceStartMs;
    if (elapsedMs < SLICE_MS) return 0;
    const { user, system } = process.cpuUsage(this.#sliceCpu);
    const restMs = (user + system) / 1000 / CPU_SHARE_MAX - elapsedMs;
    this.#sliceStartMs = nowMs + Math.max(0, restMs);
    this.#sliceCpu = process.cpuUsage();
    return restMs;
  }
}
