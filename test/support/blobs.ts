/**
 * Blobs of a server, so that tests can say that nothing is left over and nothing shared is lost.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { readSidecar, type Sidecar } from '#src/store/sidecar.js';

import type { InProcessServer } from './in-process-server.js';

/** Removes what nobody needs; everything else must be needed. */
export async function sweepAll({ store }: InProcessServer): Promise<void> {
  while ((await store.reclaimer.reclaimGarbage(() => true)).removedCount > 0);
  const left = await store.reclaimer.reclaimGarbage(() => true);
  assert.deepEqual(left, { removedCount: 0, waitingCount: 0 }, 'the garbage list is empty');
  assert.equal(await store.reclaimer.sweepOrphans(-1), 0, 'no blob is an orphan');
}

/** Sidecars of a bucket; none on the memory backend, which keeps no files. */
export async function sidecarsOf(
  { basePath }: InProcessServer,
  bucket: string,
): Promise<readonly Sidecar[]> {
  const names = await readdir(join(basePath, bucket), { recursive: true }).catch(() => []);
  const found = names.filter((name) => name.endsWith('/metadata.json'));
  return Promise.all(
    found.map(async (name) => {
      const text = await readFile(join(basePath, bucket, name), 'utf8');
      const { sidecar } = readSidecar(text);
      assert(name.includes(sidecar.blobId), 'the sidecar lies beside its blob');
      return sidecar;
    }),
  );
}
