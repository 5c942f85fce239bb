/**
 * Opens the store of a child process as its start message says.
 *
 * @module
 */

import { openStore, type OpenStore } from '../store/open-store.js';
import type { DiskRecovery } from './disk-recovery.js';
import type { StartMessage } from './messages.js';

const KIB = 1024;

/** The caller closes it. Paths in the message are absolute. */
export async function openConfiguredStore(
  start: StartMessage,
  recovery: DiskRecovery,
): Promise<OpenStore> {
  const { storage } = start.config;
  const store = await openStore({
    backend: storage.backend,
    basePath: storage.base_path,
    metadataPath: storage.metadata_path,
    isFsyncEnabled: storage.enable_fsync,
    inlineBytesMax: storage.inline_max_kb * KIB,
    incarnation: start.incarnation,
    epoch: storage.backend === 'file' ? start.epoch : undefined,
    onDiskFault: recovery.onDiskFault,
  });
  await recovery.watch(store);
  return store;
}
