/**
 * The process that writes the index for all others, where there are many; see
 * `metadata/index-writer.ts`.
 *
 * @module
 */

import { AssertionError } from 'node:assert/strict';

import { processMetrics } from '../observe/metrics.js';
import { openIndexWriter } from '../store/open-store.js';
import { DiskRecovery } from './disk-recovery.js';
import type { Part, PartContext } from './part.js';

/** Opens the index and takes actions. */
export async function openWriterProcess(context: PartContext): Promise<Part> {
  const { start, log } = context;
  const { metadata_path: metadataPath, enable_fsync: isFsyncEnabled } = start.config.storage;
  const recovery = new DiskRecovery(context);
  const writer = await openIndexWriter({
    ...{ metadataPath, isFsyncEnabled, epoch: start.epoch },
    onDiskFault: recovery.onDiskFault,
    onFault: (fault) => {
      log.error({ err: fault }, 'A write to the index failed');
      if (fault instanceof AssertionError) context.retire('An invariant does not hold');
    },
  });
  await recovery.watch(writer);
  return {
    metrics: processMetrics(),
    receive: () => undefined,
    drain: async () => {
      recovery.stop();
      await writer.close();
    },
  };
}
