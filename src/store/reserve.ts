/**
 * Space held back on the index's volume for deletions, by a file that can be given up.
 *
 * The headroom keeps our own writes from the last bytes; another program does not ask. A deletion
 * that finds no space gives the file up and tries again. The file is made anew when there is room.
 *
 * @module
 */

import { statfsSync, statSync, unlinkSync } from 'node:fs';
import { open, rename } from 'node:fs/promises';

import { syncDirectory } from '../blobs/volume.js';
import { codeOf, ignoreMissing } from '../util/error-code.js';

const RESERVE_NAME = 'reserve';
const RESERVE_BYTES_MAX = 8 * 1024 * 1024;
/** Small volumes hold back a smaller part. */
const RESERVE_SHARE = 1 / 32;
const PIECE_BYTES = 1024 * 1024;

/** The reserve of one index. */
export class Reserve {
  readonly #directory: string | undefined;

  /** @param directory - of the index; undefined holds nothing back. */
  constructor(directory: string | undefined) {
    this.#directory = directory;
  }

  /** Runs something that frees space, a second time with the reserve given up if there was none. */
  async spend<Output>(run: () => Promise<Output>): Promise<Output> {
    try {
      return await run();
    } catch (fault) {
      if (!isLackOfSpace(fault) || this.#directory === undefined) throw fault;
      await this.#release(this.#directory);
      return run();
    }
  }

  /** Makes the file if it is not there and there is room for it. */
  async replenish(): Promise<void> {
    if (this.#directory === undefined) return;
    const path = `${this.#directory}/${RESERVE_NAME}`;
    if (statSync(path, { throwIfNoEntry: false }) !== undefined) return;
    const { bavail, blocks, bsize } = statfsSync(this.#directory);
    const sizeBytes = Math.floor(Math.min(RESERVE_BYTES_MAX, blocks * bsize * RESERVE_SHARE));
    // Twice, so that one given up a moment ago is not taken back from whom it was given for.
    if (bavail * bsize < 2 * sizeBytes) return;
    await writeZeros(`${path}.new`, sizeBytes);
    await rename(`${path}.new`, path);
  }

  /** Another process may have done it; then what it freed is there for this one too. */
  async #release(directory: string): Promise<void> {
    for (const name of [RESERVE_NAME, `${RESERVE_NAME}.new`]) {
      try {
        unlinkSync(`${directory}/${name}`);
      } catch (error) {
        ignoreMissing(error);
      }
    }
    // A journal gives freed blocks out again once it is written.
    await syncDirectory(directory);
  }
}

/** Written, not truncated to its length: a file of holes holds no space. */
async function writeZeros(path: string, sizeBytes: number): Promise<void> {
  const file = await open(path, 'w', 0o600);
  try {
    for (let atBytes = 0; atBytes < sizeBytes; atBytes += PIECE_BYTES) {
      await file.write(Buffer.alloc(Math.min(PIECE_BYTES, sizeBytes - atBytes)));
    }
    await file.datasync();
  } finally {
    await file.close();
  }
}

function isLackOfSpace(fault: unknown): boolean {
  return ['ENOSPC', 'EDQUOT'].includes(codeOf(fault));
}
