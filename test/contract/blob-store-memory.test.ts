/** The contract of a blob store, in memory. */

import { openMemoryBlobs } from '#src/blobs/memory-blobs.js';

import { blobStoreSuite } from './blob-store.suite.js';

blobStoreSuite('memory', async () => {
  const blobs = openMemoryBlobs();
  return { blobs, dispose: () => blobs.close() };
});
