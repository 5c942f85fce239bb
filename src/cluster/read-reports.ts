/**
 * Tells the sweeper what this process may still read, so that it removes nothing too early.
 *
 * The sweeper lives in the jobs process, reached through the primary; the memory backend has no
 * second process and brings the sweeper along.
 *
 * @module
 */

import type { OpenStore } from '../store/open-store.js';
import type { ReadReport } from '../store/read-holds.js';
import type { PartContext } from './part.js';
import { openSweeper } from './jobs-process.js';

/** Between two looks at how far the readers have come. */
const INTERVAL_MS = 500;

export interface ReadReports {
  stop(): Promise<void>;
}

/** Starts reporting; a report goes out when it differs from the last one. */
export function startReadReports(store: OpenStore, context: PartContext): ReadReports {
  const { start, log, tellPrimary } = context;
  if (start.config.storage.backend === 'file') {
    const timer = every(store, (report) => tellPrimary({ kind: 'read-report', report }));
    return { stop: async () => clearInterval(timer) };
  }
  const sweeper = openSweeper(store, {
    incarnations: [start.incarnation],
    intervalSecs: start.config.storage.sweep_interval_secs,
    log,
  });
  const timer = every(store, (report) => sweeper.processReported(start.incarnation, report));
  return {
    stop: async () => {
      clearInterval(timer);
      await sweeper.stop();
    },
  };
}

function every(store: OpenStore, tell: (report: ReadReport) => void): NodeJS.Timeout {
  let last = '';
  const report = (): void => {
    let current: ReadReport;
    try {
      current = store.readReport();
    } catch {
      // An index that cannot be read any more; the process is about to be replaced.
      return;
    }
    const text = `${current.readableFrom} ${current.heldUploads.join(' ')}`;
    if (text === last) return;
    last = text;
    tell(current);
  };
  report();
  return setInterval(report, INTERVAL_MS);
}
