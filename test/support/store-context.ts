/**
 * The inside of a store in memory, for tests that reach between two of its steps.
 *
 * @module
 */

import type { BlobStore } from '#src/blobs/blob-store.js';
import { openMemoryEnvironment } from '#src/metadata/memory-environment.js';
import type { StoreContext } from '#src/store/context.js';
import { Headroom } from '#src/store/headroom.js';
import { ReadHolds } from '#src/store/read-holds.js';

export function storeContextOf(blobs: BlobStore, inlineBytesMax = 0): StoreContext {
  return {
    ...{ environment: openMemoryEnvironment(), blobs, holds: new ReadHolds() },
    ...{ headroom: new Headroom([]), inlineBytesMax, nowMs: Date.now },
  };
}
