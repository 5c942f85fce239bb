/**
 * The scrubber: reads everything that is stored, again and again, and tells what is damaged.
 *
 * Invariants
 * 1. It only reads. Repair is left to {@link ScrubberOptions.onDamage}, which is told where.
 * 2. Memory does not grow with the store: one page of places, two blocks of one blob, and a bounded
 *    list of what is damaged.
 * 3. A damaged place is told once, until it is found in order or gone.
 * 4. A pass goes on where it was when the process ended. A store at rest is not written to.
 *
 * @module
 */

import type { Damage, Place } from '../store/damage.js';
import type { ScrubState } from '../store/scrub-state.js';
import type { Verifier } from '../store/verifier.js';
import { Pace } from './pace.js';

export interface ScrubberOptions {
  readonly verifier: Verifier;
  /** From the begin of one pass to the begin of the next. */
  readonly intervalMs: number;
  /** Bytes read in a second, at most. */
  readonly bytesPerSecond: number;
  readonly nowMs: () => number;
  /** Where an earlier run of this process was. */
  readonly state: ScrubState | undefined;
  readonly save: (state: ScrubState) => Promise<void>;
  readonly onRead: (byteCount: number) => void;
  readonly onVerified: (blobCount: number) => void;
  /** A place was found damaged, for the first time. */
  readonly onDamage: (place: Place | undefined, damage: Damage) => void;
  /** The number of damaged places may be another now. */
  readonly onDamagedCount: () => void;
  readonly onPass: () => void;
  /** The scrubber could not go on, and tries again later. */
  readonly onFault: (fault: unknown) => void;
}

/** How the scrubber is doing. */
export interface ScrubFigures {
  /** Share of the pass that is done; 1 between passes. */
  readonly progress: number;
  /** When the last complete pass ended; undefined before the first. */
  readonly passEndedMs: number | undefined;
  readonly damagedCount: number;
}

export interface Scrubber {
  figures(): ScrubFigures;
  /** Ends the pass under way, or runs a whole one now. */
  passNow(): Promise<void>;
  stop(): Promise<void>;
}

const PAGE_COUNT = 100;
const SAVE_INTERVAL_MS = 30_000;
/** Looks at the clock this often between passes; also the pause after a fault. */
const IDLE_MS = 10_000;
/** Damaged places that are remembered one by one. */
const DAMAGED_COUNT_MAX = 1000;
/** A place costs at least as much as reading this: it is opened, and rows are looked up. */
const PLACE_BYTES = 16 * 1024;

export function startScrubber(options: ScrubberOptions): Scrubber {
  return new PassScrubber(options);
}

class Stopped extends Error {}

class PassScrubber implements Scrubber {
  readonly #options: ScrubberOptions;
  readonly #pace: Pace;
  readonly #stopping = new AbortController();
  readonly #damaged = new Map<string, Place>();
  readonly #loop: Promise<void>;
  #after: Place | undefined;
  #passStartedMs: number | undefined;
  #passEndedMs: number | undefined;
  #lastStartedMs: number | undefined;
  #doneBytes = 0;
  #totalBytes = 0;
  #savedMs: number;
  #isIndexDamaged = false;
  #pass: Promise<void> | undefined;

  constructor(options: ScrubberOptions) {
    this.#options = options;
    this.#pace = new Pace(options.bytesPerSecond, this.#stopping.signal);
    this.#savedMs = options.nowMs();
    const { state } = options;
    if (state !== undefined) {
      this.#after = state.after;
      this.#passStartedMs = state.passStartedMs;
      this.#passEndedMs = state.passEndedMs;
      this.#lastStartedMs = state.lastStartedMs;
      this.#doneBytes = state.doneBytes;
      for (const place of state.damaged) this.#damaged.set(nameOf(place), place);
    }
    this.#loop = this.#run();
  }

  figures(): ScrubFigures {
    const isRunning = this.#passStartedMs !== undefined;
    const progress = Math.min(1, this.#doneBytes / Math.max(1, this.#totalBytes));
    return {
      progress: isRunning ? progress : 1,
      passEndedMs: this.#passEndedMs,
      damagedCount: this.#damaged.size + (this.#isIndexDamaged ? 1 : 0),
    };
  }

  async passNow(): Promise<void> {
    this.#pass ??= this.#runPass().finally(() => (this.#pass = undefined));
    await this.#pass;
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#loop;
    await this.#pass?.catch(() => undefined);
    if (this.#passStartedMs !== undefined) await this.#save().catch(this.#options.onFault);
  }

  async #run(): Promise<void> {
    for (;;) {
      // First of all: a start has more urgent things to do.
      await this.#pace.rest(IDLE_MS);
      if (this.#stopping.signal.aborted) return;
      try {
        if (this.#isDue()) await this.passNow();
      } catch (fault) {
        if (!(fault instanceof Stopped)) this.#options.onFault(fault);
      }
    }
  }

  #isDue(): boolean {
    if (this.#passStartedMs !== undefined || this.#lastStartedMs === undefined) return true;
    const sinceMs = this.#options.nowMs() - this.#lastStartedMs;
    // A clock that was set back must not put the next pass off for ever.
    return sinceMs >= this.#options.intervalMs || sinceMs < 0;
  }

  async #runPass(): Promise<void> {
    const { verifier, nowMs } = this.#options;
    if (this.#passStartedMs === undefined) {
      this.#passStartedMs = nowMs();
      this.#lastStartedMs = this.#passStartedMs;
      this.#after = undefined;
      this.#doneBytes = 0;
    }
    const { objectCount, objectBytes } = verifier.totals();
    this.#totalBytes = objectBytes + objectCount * PLACE_BYTES;
    if (this.#after === undefined) await this.#verifyIndex();
    for (;;) {
      this.#throwIfStopped();
      const { places, damages } = verifier.placesAfter(this.#after, PAGE_COUNT);
      for (const { place, damage } of damages) this.#note(place, [damage]);
      for (const place of places) {
        await this.#verify(place);
        this.#after = place;
        this.#doneBytes += PLACE_BYTES;
        if (nowMs() - this.#savedMs >= SAVE_INTERVAL_MS) await this.#save();
      }
      if (places.length === 0) break;
    }
    await this.#verifyDamagedAgain();
    this.#passStartedMs = undefined;
    this.#after = undefined;
    this.#passEndedMs = nowMs();
    await this.#save();
    this.#options.onPass();
  }

  async #verifyIndex(): Promise<void> {
    const damages = await this.#options.verifier.verifyIndex(async () => {
      this.#throwIfStopped();
      await this.#pace.take(0);
    });
    if (!this.#isIndexDamaged) {
      for (const damage of damages) this.#options.onDamage(undefined, damage);
    }
    this.#isIndexDamaged = damages.length > 0;
    this.#options.onDamagedCount();
  }

  async #verify(place: Place): Promise<void> {
    this.#throwIfStopped();
    await this.#pace.take(PLACE_BYTES);
    const { blobCount, damages } = await this.#options.verifier.verify(place, async (count) => {
      this.#throwIfStopped();
      this.#options.onRead(count);
      this.#doneBytes += count;
      await this.#pace.take(count);
    });
    this.#options.onVerified(blobCount);
    this.#note(place, damages);
  }

  /** What was removed or replaced since it was found is in order. */
  async #verifyDamagedAgain(): Promise<void> {
    for (const place of [...this.#damaged.values()]) await this.#verify(place);
  }

  #note(place: Place, damages: readonly Damage[]): void {
    const name = nameOf(place);
    if (damages.length === 0) {
      if (this.#damaged.delete(name)) this.#options.onDamagedCount();
      return;
    }
    if (this.#damaged.has(name)) return;
    if (this.#damaged.size < DAMAGED_COUNT_MAX) this.#damaged.set(name, place);
    for (const damage of damages) this.#options.onDamage(place, damage);
    this.#options.onDamagedCount();
  }

  #throwIfStopped(): void {
    if (this.#stopping.signal.aborted) throw new Stopped('the scrubber was stopped');
  }

  async #save(): Promise<void> {
    this.#savedMs = this.#options.nowMs();
    await this.#options.save({
      after: this.#after,
      passStartedMs: this.#passStartedMs,
      passEndedMs: this.#passEndedMs,
      lastStartedMs: this.#lastStartedMs,
      doneBytes: this.#doneBytes,
      damaged: [...this.#damaged.values()],
    });
  }
}

function nameOf({ bucket, key, uploadId }: Place): string {
  return `${bucket}/${key}\0${uploadId ?? ''}`;
}
