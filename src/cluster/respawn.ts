/**
 * How long to wait before a process that ended is started again.
 *
 * @module
 */

/** First pause; short, so that a single crash is hardly noticed. */
export const RESPAWN_DELAY_MS_MIN = 200;
/** Longest pause; a process that cannot start does not spin. */
export const RESPAWN_DELAY_MS_MAX = 10_000;
/** Longest pause after a disk failed: full service is back soon after the disk is. */
export const FENCED_DELAY_MS_MAX = 1_000;
/**
 * A process that lived this long was healthy: its next end starts from the shortest pause. Short
 * enough that processes killed one after the other, by hand or a test, are back within 1.5 s each.
 */
export const HEALTHY_LIFE_MS = 5_000;

/** The pauses of one place in the cluster: 0.2 s, doubled up to 10 s by lives that were short. */
export class RespawnBackoff {
  #nextDelayMs = RESPAWN_DELAY_MS_MIN;

  /** @param lifeMs - how long the process that just ended had lived. */
  delayAfter(lifeMs: number): number {
    if (lifeMs >= HEALTHY_LIFE_MS) this.#nextDelayMs = RESPAWN_DELAY_MS_MIN;
    const delayMs = this.#nextDelayMs;
    this.#nextDelayMs = Math.min(delayMs * 2, RESPAWN_DELAY_MS_MAX);
    return delayMs;
  }
}

/** Start failures within this time are seen as one cause. */
export const FAILURE_WINDOW_MS = 10_000;
/** So many equal failures in a row mean that trying again will not help. */
export const FAILURES_COUNT_MAX = 5;

/** So many failed starts of one process in a row are shown to whoever watches the server. */
export const FAILED_STARTS_COUNT_MAX = 3;

/** Notices that processes fail to start again and again for one reason. */
export class StartFailures {
  #message = '';
  #times: number[] = [];
  #inARow = 0;

  /** Whether the process has failed to start again and again, for whatever reasons. */
  get isRepeated(): boolean {
    return this.#inARow >= FAILED_STARTS_COUNT_MAX;
  }

  /** @returns whether this failure is one too many. */
  add(message: string, nowMs: number): boolean {
    this.#inARow += 1;
    if (message !== this.#message) this.#times = [];
    this.#message = message;
    this.#times = this.#times.filter((timeMs) => nowMs - timeMs <= FAILURE_WINDOW_MS);
    this.#times.push(nowMs);
    return this.#times.length >= FAILURES_COUNT_MAX;
  }

  /** A process started after all. */
  clear(): void {
    this.#times = [];
    this.#inARow = 0;
  }
}
