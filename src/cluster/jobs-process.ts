/**
 * The jobs process: work behind the requests, which is the sweeper and the scrubber.
 *
 * @module
 */

import { startSweeper, type Sweeper } from '../jobs/sweeper.js';
import { processMetrics } from '../observe/metrics.js';
import type { Log } from '../observe/log.js';
import type { OpenStore } from '../store/open-store.js';
import type { Part, PartContext } from './part.js';
import type { ToChild } from './messages.js';
import { DiskRecovery } from './disk-recovery.js';
import { openConfiguredStore } from './open-configured-store.js';
import { openScrubber } from './scrubbing.js';

/** The walk over all blobs finds what only a bug or a hand can have left: once a day is plenty. */
const WALK_INTERVAL_MS = 24 * 3600 * 1000;
/** No upload that is still written is this old without having left a staging mark. */
const ORPHAN_AGE_MS = 24 * 3600 * 1000;
/** Between looks whether the reserve is there; one costs a few microseconds. */
const RESERVE_INTERVAL_MS = 2_000;

/** Opens the store and starts the sweeper and the scrubber over it. */
export async function openJobsProcess(context: PartContext): Promise<Part> {
  const { start, log, tellPrimary } = context;
  const recovery = new DiskRecovery(context);
  const store = await openConfiguredStore(start, recovery);
  const sweeper = openSweeper(store, {
    incarnations: start.servers.map(({ incarnation }) => incarnation),
    intervalSecs: start.config.storage.sweep_interval_secs,
    log,
  });
  for (const { incarnation, report } of start.servers) {
    if (report !== undefined) sweeper.processReported(incarnation, report);
  }
  const scrubbing = await openScrubber(store, { storage: start.config.storage, log, tellPrimary });
  const reserve = keepReserve(store, log);
  return {
    metrics: scrubbing?.metrics ?? processMetrics(),
    receive: (message) => receive(sweeper, message),
    drain: async () => {
      await Promise.all([sweeper.stop(), scrubbing?.stop(), reserve.stop()]);
      recovery.stop();
      await store.close();
    },
  };
}

/** Makes the reserve of space at the start, and again whenever it was given up and there is room. */
function keepReserve(store: OpenStore, log: Log): { stop(): Promise<void> } {
  let running: Promise<void> = Promise.resolve();
  const replenish = (): void => {
    running = running
      .then(() => store.replenishReserve())
      .catch((fault: unknown) => log.debug({ err: fault }, 'No reserve of space could be made'));
  };
  replenish();
  const timer = setInterval(replenish, RESERVE_INTERVAL_MS);
  return {
    stop: () => {
      clearInterval(timer);
      return running;
    },
  };
}

/** The sweeper with the settings of s3ish; also used where there is no jobs process. */
export function openSweeper(
  store: OpenStore,
  options: {
    readonly incarnations: readonly string[];
    readonly intervalSecs: number;
    readonly log: Log;
  },
): Sweeper {
  const { log } = options;
  return startSweeper({
    reclaimer: store.reclaimer,
    incarnations: options.incarnations,
    garbageIntervalMs: options.intervalSecs * 1000,
    walkIntervalMs: WALK_INTERVAL_MS,
    orphanAgeMs: ORPHAN_AGE_MS,
    onFault: (fault, context) => log.error({ err: fault }, `A job failed: ${context}`),
    onSwept: (what, count) => log.debug({ what, count }, 'Payloads were removed'),
  });
}

function receive(sweeper: Sweeper, message: ToChild): void {
  switch (message.kind) {
    case 'incarnation-alive':
      sweeper.processStarted(message.incarnation);
      break;
    case 'incarnation-dead':
      sweeper.processDied(message.incarnation);
      break;
    case 'read-report':
      sweeper.processReported(message.incarnation, message.report);
      break;
    default:
      // Meant for server processes.
      break;
  }
}
