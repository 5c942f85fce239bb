/**
 * Tells a process that hangs from one that works: every child sends a sign of life each second.
 *
 * A process that was stopped, or whose event loop is stuck, may hold the write lock of the index
 * and would block the writes of all others for as long as it lives.
 *
 * Silence is counted in the primary's own seconds, not by the clock: a primary that was itself
 * stopped, or a machine that slept, blames nobody for the time it missed.
 *
 * @module
 */

/** Between two signs of life, and between two looks of the primary. */
export const HEARTBEAT_INTERVAL_MS = 1_000;
/**
 * So many silent seconds of a process that serves mean that it hangs; with its replacement that is
 * over within ten seconds.
 */
export const SILENT_COUNT_MAX = 6;
/** While it starts: loading code says nothing, and a slow disk is no reason to start over. */
export const SILENT_COUNT_MAX_AT_START = 60;

/** Counts the silence of one process. */
export class Heartbeat {
  #silentCount = 0;

  /** The process said something, or has just been started. */
  beat(): void {
    this.#silentCount = 0;
  }

  /**
   * Another interval has passed.
   *
   * @returns whether the process is to be taken for one that hangs.
   */
  pass(isReady: boolean): boolean {
    this.#silentCount += 1;
    return this.#silentCount > (isReady ? SILENT_COUNT_MAX : SILENT_COUNT_MAX_AT_START);
  }
}

/** Sends signs of life for as long as the event loop turns. */
export function startHeartbeat(send: () => void): void {
  setInterval(send, HEARTBEAT_INTERVAL_MS).unref();
}
