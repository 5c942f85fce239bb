/**
 * Figures of the scrubber, beside those of its process.
 *
 * @module
 */

import { Counter, Gauge, Registry, collectDefaultMetrics } from 'prom-client';

import type { MetricsSource } from './metrics.js';

/** How far the scrubber is; asked when the metrics are read. */
export interface ScrubProgress {
  readonly progress: number;
  readonly passEndedMs: number | undefined;
  readonly damagedCount: number;
}

/** Figures of the jobs process. */
export interface ScrubMetrics extends MetricsSource {
  read(byteCount: number): void;
  verified(blobCount: number): void;
  /** @param kind - one of a few words. */
  damaged(kind: string): void;
}

/** @param kinds - every kind of damage: a counter that is 0 says more than one that is absent. */
export function scrubMetrics(
  progress: () => ScrubProgress,
  kinds: readonly string[],
): ScrubMetrics {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  const bytes = new Counter({
    name: 's3ish_scrub_bytes_total',
    help: 'Bytes the scrubber has read',
    registers,
  });
  const blobs = new Counter({
    name: 's3ish_scrub_blobs_total',
    help: 'Blobs the scrubber has verified',
    registers,
  });
  const errors = new Counter({
    name: 's3ish_scrub_errors_total',
    help: 'Damage the scrubber has found: data and sidecar files, records, the index as a whole',
    labelNames: ['kind'],
    registers,
  });
  for (const kind of kinds) errors.inc({ kind }, 0);
  const gauges = {
    progress: new Gauge({
      name: 's3ish_scrub_progress_ratio',
      help: 'Share of the pass that is done, 0 to 1; 1 between passes',
      registers,
    }),
    passEnded: new Gauge({
      name: 's3ish_scrub_last_pass_timestamp_seconds',
      help: 'When the last complete pass ended; 0 before the first',
      registers,
    }),
    damaged: new Gauge({
      name: 's3ish_damaged_objects',
      help: 'Objects and uploads that were found damaged and are still there, 1,000 at most',
      registers,
    }),
  };
  return {
    read: (byteCount) => bytes.inc(byteCount),
    verified: (blobCount) => blobs.inc(blobCount),
    damaged: (kind) => errors.inc({ kind }),
    snapshot: () => {
      const now = progress();
      gauges.progress.set(now.progress);
      gauges.passEnded.set((now.passEndedMs ?? 0) / 1000);
      gauges.damaged.set(now.damagedCount);
      return registry.getMetricsAsJSON();
    },
  };
}
