/**
 * Keeps the last of the space for the index.
 *
 * A deletion writes before it frees: the index copies the pages it changes. On a volume filled to
 * the last byte nothing could be deleted any more, so what adds data is refused before that.
 *
 * @module
 */

import { statfsSync } from 'node:fs';

import { S3Error } from '../s3/errors.js';

/** Left to the index; hundreds of times what one batch of deletions copies. */
const RESERVED_BYTES = 16 * 1024 * 1024;
/** Small volumes reserve a smaller part, so that they are of use at all. */
const RESERVED_SHARE = 1 / 8;
/** A look at the volume is good for this long. It costs two microseconds, on a slow disk too. */
const FRESH_MS = 100;
/** With less room than this each write looks anew: many fit into the time a look is good for. */
const SCARCE_BYTES = 4 * 1024 ** 3;

interface Volume {
  readonly path: string;
  freeBytes: number;
  lookedMs: number;
}

/** The volumes of one store. */
export class Headroom {
  readonly #volumes: readonly Volume[];

  constructor(paths: readonly string[]) {
    this.#volumes = paths.map((path) => ({ path, freeBytes: 0, lookedMs: -FRESH_MS }));
  }

  /**
   * Makes sure that so many bytes more leave enough.
   *
   * @throws {S3Error} InsufficientStorage.
   */
  require(sizeBytes: number): void {
    for (const volume of this.#volumes) {
      if (volume.freeBytes < SCARCE_BYTES || performance.now() - volume.lookedMs >= FRESH_MS)
        look(volume);
      if (volume.freeBytes >= sizeBytes) continue;
      throw new S3Error('InsufficientStorage');
    }
  }
}

function look(volume: Volume): void {
  volume.lookedMs = performance.now();
  const { bavail, blocks, bsize } = statfsSync(volume.path);
  volume.freeBytes = bavail * bsize - Math.min(RESERVED_BYTES, blocks * bsize * RESERVED_SHARE);
}
