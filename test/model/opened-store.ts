/**
 * A store whose parts can be made to fail, on a clock that stands still.
 *
 * @module
 */

import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';

import { openMemoryBlobs } from '#src/blobs/memory-blobs.js';
import { openPlainBlobs } from '#src/blobs/plain-blobs.js';
import { openLmdbEnvironment } from '#src/metadata/lmdb-environment.js';
import { openMemoryEnvironment } from '#src/metadata/memory-environment.js';
import { RecentBucket } from '#src/store/context.js';
import { RecordCache } from '#src/store/record-cache.js';
import { Headroom } from '#src/store/headroom.js';
import { Reserve } from '#src/store/reserve.js';
import { assembleStore, type OpenStore } from '#src/store/open-store.js';
import { ReadHolds } from '#src/store/read-holds.js';
import { newIncarnation } from '#src/util/ids.js';

import type { Clock } from '../support/clocked-client.js';
import type { Backend } from '../support/in-process-server.js';
import { interruptibleBlobs, interruptibleEnvironment, Interruptions } from './interruptions.js';
import { INLINE_BYTES_MAX } from './system.js';

/** Where a store is, over all its lives. */
export interface StorePlace {
  readonly backend: Backend;
  readonly basePath: string;
  readonly clock: Clock;
}

/** One life of a store. */
export interface OpenedStore {
  readonly store: OpenStore;
  readonly gate: Interruptions;
  readonly incarnation: string;
  /** Ends it as the end of its process would: nothing that was begun is finished or cleaned up. */
  crash(): Promise<void>;
}

export async function openStoreAt({ backend, basePath, clock }: StorePlace): Promise<OpenedStore> {
  const incarnation = newIncarnation(Date.now());
  const metadataPath = join(basePath, '.s3ish', 'metadata');
  await mkdir(metadataPath, { recursive: true });
  const isMemory = backend === 'memory';
  const isFsyncEnabled = false;
  const environment = isMemory
    ? openMemoryEnvironment()
    : openLmdbEnvironment({ path: metadataPath, isFsyncEnabled, epoch: undefined });
  const blobs = isMemory
    ? openMemoryBlobs()
    : await openPlainBlobs({ basePath, isFsyncEnabled, incarnation });
  const gate = new Interruptions();
  const store = assembleStore({
    environment: interruptibleEnvironment(environment, gate),
    blobs: interruptibleBlobs(blobs, gate),
    recentBucket: new RecentBucket(),
    records: new RecordCache({ bytesMax: 1_000_000, ttlMs: 60_000 }),
    ...{
      holds: new ReadHolds(),
      headroom: new Headroom([]),
      reserve: new Reserve(undefined),
      inlineBytesMax: INLINE_BYTES_MAX,
    },
    nowMs: () => clock.nowMs,
  });
  const crash = async (): Promise<void> => {
    await gate.crash();
    await environment.close();
  };
  return { store, gate, incarnation, crash };
}
