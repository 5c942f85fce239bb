/**
 * The sweeper: gives back the space of payloads that nobody can reach any more.
 *
 * Three nets, from exact to slow: the garbage list that every replacing or deleting transaction
 * fills; the staging marks of processes that died; a walk over all blobs, rarely.
 *
 * @module
 */

import { setImmediate as turn } from 'node:timers/promises';

import type { ReadReport } from '../store/read-holds.js';
import type { MayReclaim, Reclaimer } from '../store/reclaimer.js';

export interface SweeperOptions {
  readonly reclaimer: Reclaimer;
  /** Server processes that may be reading; nothing is removed before each has reported. */
  readonly incarnations: readonly string[];
  /** Time between looks at the garbage list. */
  readonly garbageIntervalMs: number;
  /** Time between walks over all blobs; 0 turns them off. */
  readonly walkIntervalMs: number;
  /** Blobs younger than this are left alone by the walk. */
  readonly orphanAgeMs: number;
  readonly onFault: (fault: unknown, context: string) => void;
  readonly onSwept: (what: 'garbage' | 'staging' | 'orphans', count: number) => void;
}

export interface Sweeper {
  /** A server process started; nothing goes until it has reported. */
  processStarted(incarnation: string): void;
  /** A server process told how far its readers are. */
  processReported(incarnation: string, report: ReadReport): void;
  /** A server process is gone: it reads nothing any more, and what it staged is swept. */
  processDied(incarnation: string): void;
  /** Runs everything once now. */
  sweepNow(): Promise<void>;
  stop(): Promise<void>;
}

const NOTHING_READABLE: ReadReport = { readableFrom: 0, heldUploads: [] };

export function startSweeper(options: SweeperOptions): Sweeper {
  return new IntervalSweeper(options);
}

class IntervalSweeper implements Sweeper {
  readonly #options: SweeperOptions;
  readonly #reports = new Map<string, ReadReport>();
  readonly #dead = new Set<string>();
  readonly #timers: NodeJS.Timeout[] = [];
  /** Jobs run one after the other, so that two never remove the same thing. */
  #queue: Promise<void> = Promise.resolve();
  #isGarbageQueued = false;

  constructor(options: SweeperOptions) {
    this.#options = options;
    for (const incarnation of options.incarnations) this.processStarted(incarnation);
    this.#every(options.garbageIntervalMs, () => {
      this.#queueGarbage();
    });
    if (options.walkIntervalMs > 0) {
      this.#every(options.walkIntervalMs, () => {
        this.#enqueue('orphans', () => this.#walk());
      });
    }
    this.#enqueue('staging', () => this.#sweepAbandoned());
  }

  processStarted(incarnation: string): void {
    if (!this.#reports.has(incarnation)) this.#reports.set(incarnation, NOTHING_READABLE);
  }

  processReported(incarnation: string, report: ReadReport): void {
    if (!this.#dead.has(incarnation)) this.#reports.set(incarnation, report);
  }

  processDied(incarnation: string): void {
    this.#dead.add(incarnation);
    this.#reports.delete(incarnation);
    this.#enqueue('staging', () => this.#sweepStaging(incarnation));
  }

  async sweepNow(): Promise<void> {
    this.#queueGarbage();
    this.#enqueue('orphans', () => this.#walk());
    await this.#queue;
  }

  async stop(): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer);
    await this.#queue;
  }

  #every(intervalMs: number, run: () => void): void {
    this.#timers.push(setInterval(run, intervalMs));
  }

  #queueGarbage(): void {
    if (this.#isGarbageQueued) return;
    this.#isGarbageQueued = true;
    this.#enqueue('garbage', async () => {
      this.#isGarbageQueued = false;
      await this.#sweepGarbage();
    });
  }

  #enqueue(what: string, job: () => Promise<void>): void {
    this.#queue = this.#queue.then(job).catch((fault: unknown) => {
      this.#options.onFault(fault, `sweeping ${what}`);
    });
  }

  async #sweepGarbage(): Promise<void> {
    let removedCount = 0;
    for (;;) {
      const step = await this.#options.reclaimer.reclaimGarbage(this.#mayReclaimNow());
      removedCount += step.removedCount;
      if (step.removedCount === 0) break;
    }
    if (removedCount > 0) this.#options.onSwept('garbage', removedCount);
  }

  /** Good for one look at the list only: a process that starts later has not been asked. */
  #mayReclaimNow(): MayReclaim {
    const reports = [...this.#reports.values()];
    const readableFrom = Math.min(...reports.map((report) => report.readableFrom));
    const held = new Set(reports.flatMap((report) => report.heldUploads));
    return (sequence, uploadId) =>
      sequence <= readableFrom && (uploadId === undefined || !held.has(uploadId));
  }

  async #sweepStaging(incarnation: string): Promise<void> {
    const count = await this.#options.reclaimer.sweepIncarnation(incarnation);
    if (count > 0) this.#options.onSwept('staging', count);
  }

  /** Marks of processes that belong to no living one are left over from an earlier run. */
  async #sweepAbandoned(): Promise<void> {
    const incarnations = await this.#options.reclaimer.stagingIncarnations();
    // A process is announced before it exists, but the message may still be unread. After one
    // whole turn of the event loop everything sent before the list was made has been received.
    await turn();
    await turn();
    for (const incarnation of incarnations) {
      if (!this.#reports.has(incarnation)) await this.#sweepStaging(incarnation);
    }
  }

  async #walk(): Promise<void> {
    const count = await this.#options.reclaimer.sweepOrphans(this.#options.orphanAgeMs);
    if (count > 0) this.#options.onSwept('orphans', count);
  }
}
