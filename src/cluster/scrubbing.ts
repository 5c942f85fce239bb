/**
 * The scrubber with the settings of s3ish, and what it tells the world.
 *
 * @module
 */

import type { Config } from '../config/settings.js';
import { startScrubber } from '../jobs/scrubber.js';
import type { Log } from '../observe/log.js';
import type { MetricsSource } from '../observe/metrics.js';
import { scrubMetrics } from '../observe/scrub-metrics.js';
import { DAMAGE_KINDS } from '../store/damage.js';
import type { OpenStore } from '../store/open-store.js';
import { readScrubState, writeScrubState } from '../store/scrub-state.js';
import type { PartContext } from './part.js';

const MIB = 1024 ** 2;
const HOUR_MS = 3600 * 1000;

export interface Scrubbing {
  /** Those of the process among them. */
  readonly metrics: MetricsSource;
  stop(): Promise<void>;
}

/** @returns undefined when scrubbing is turned off. */
export async function openScrubber(
  store: OpenStore,
  {
    storage,
    log,
    tellPrimary,
  }: Pick<PartContext, 'tellPrimary'> & {
    readonly storage: Config['storage'];
    readonly log: Log;
  },
): Promise<Scrubbing | undefined> {
  const { scrub_interval_hours: hours, scrub_mib_per_sec: mibPerSecond } = storage;
  if (hours === 0 || mibPerSecond === 0) return undefined;
  const metrics = scrubMetrics(() => scrubber.figures(), DAMAGE_KINDS);
  const tellDamage = (): void => {
    tellPrimary({ kind: 'damage-report', damagedCount: scrubber.figures().damagedCount });
  };
  const scrubber = startScrubber({
    verifier: store.verifier,
    intervalMs: hours * HOUR_MS,
    bytesPerSecond: mibPerSecond * MIB,
    nowMs: Date.now,
    state: await readScrubState(storage.metadata_path),
    save: (state) => writeScrubState(storage.metadata_path, state),
    onRead: (byteCount) => metrics.read(byteCount),
    onVerified: (blobCount) => metrics.verified(blobCount),
    onDamage: (place, { kind, problem }) => {
      metrics.damaged(kind);
      log.error({ ...place, damage: kind, problem }, 'The scrubber found damage');
    },
    onDamagedCount: tellDamage,
    onPass: () => {
      const { damagedCount } = scrubber.figures();
      log.info({ damagedCount }, 'The scrubber has been through everything');
    },
    onFault: (fault) => log.error({ err: fault }, 'The scrubber could not go on; it tries again'),
  });
  tellDamage();
  return { metrics, stop: () => scrubber.stop() };
}
