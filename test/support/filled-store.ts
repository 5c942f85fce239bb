/**
 * A store with many objects, made without HTTP and without flushes: how they came does not matter.
 *
 * @module
 */

import { randomBytes } from 'node:crypto';
import { join } from 'node:path';

import { openStore } from '#src/store/open-store.js';

import { commitOf } from './store-context.js';

/** Bytes of each object. */
export const FILLED_OBJECT_BYTES = 100;
const WRITERS = 64;

export interface Filling {
  readonly dataPath: string;
  /** Made if it is not there. */
  readonly bucket: string;
  /** Named `prefix1` to `prefixN`. */
  readonly prefix: string;
  readonly count: number;
  /** Whether each lies in files of its own, or all of them in the index. */
  readonly isBlob: boolean;
}

/** Nobody else may have the store open. */
export async function fillStore(filling: Filling): Promise<void> {
  const { dataPath, bucket, prefix, count, isBlob } = filling;
  const store = await openStore({
    ...{ backend: 'file', basePath: dataPath, isFsyncEnabled: false, incarnation: 'filler' },
    ...{ metadataPath: join(dataPath, '.s3ish', 'metadata') },
    inlineBytesMax: isBlob ? 0 : FILLED_OBJECT_BYTES,
  });
  try {
    if (store.findBucket(bucket) === undefined) {
      const region = 'us-east-1';
      await store.createBucket({ bucket, account: 'main', region, configurations: {} });
    }
    const body = randomBytes(FILLED_OBJECT_BYTES);
    const commit = commitOf(body);
    let next = 0;
    const write = async (): Promise<void> => {
      while (next < count) {
        next += 1;
        store.refresh();
        const input = { bucket, key: `${prefix}${next}`, sizeBytes: body.byteLength };
        await using staged = await store.stageObject(input);
        await staged.write(body);
        await staged.commit(commit);
      }
    };
    await Promise.all(Array.from({ length: WRITERS }, write));
  } finally {
    await store.close();
  }
}
