/**
 * Opens the store of a child process as its start message says.
 *
 * @module
 */

import { openStore, type OpenStore } from '../store/open-store.js';
import type { DiskRecovery } from './disk-recovery.js';
import type { StartMessage } from './messages.js';

const KIB = 1024;
/** Server processes from which sharing flushes is worth the way to another process. */
const WRITER_PROCESSES_COUNT_MIN = 4;

/** Whether one process writes the index for all others. Needs the number of processes resolved. */
export function hasIndexWriter({ cluster, storage }: StartMessage['config']): boolean {
  if (storage.backend !== 'file') return false;
  if (cluster.index_writer !== 'auto') return cluster.index_writer === 'process';
  return cluster.processes >= WRITER_PROCESSES_COUNT_MIN;
}

/** The caller closes it. Paths in the message are absolute. */
export async function openConfiguredStore(
  start: StartMessage,
  recovery: DiskRecovery,
): Promise<OpenStore> {
  const { storage, cache } = start.config;
  const store = await openStore({
    backend: storage.backend,
    basePath: storage.base_path,
    metadataPath: storage.metadata_path,
    isFsyncEnabled: storage.enable_fsync,
    inlineBytesMax: storage.inline_max_kb * KIB,
    incarnation: start.incarnation,
    epoch: storage.backend === 'file' ? start.epoch : undefined,
    recordCache: {
      bytesMax: cache.metadata_cache_size_mb * KIB * KIB,
      ttlMs: cache.metadata_cache_ttl_secs * 1000,
    },
    hasIndexWriter: hasIndexWriter(start.config),
    onDiskFault: recovery.onDiskFault,
  });
  await recovery.watch(store);
  return store;
}
