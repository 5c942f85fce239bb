/**
 * One disk path: flushes, and the fence that goes up when a flush fails.
 *
 * After a failed fsync the kernel may have dropped the pages it could not write, so a retry can
 * report success for lost data. The volume refuses all later writes until the process restarts.
 *
 * @module
 */

import { constants } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';

import { VolumeFencedError } from './blob-store.js';

export class Volume {
  readonly #isFsyncEnabled: boolean;
  #fence: unknown;

  constructor(isFsyncEnabled: boolean) {
    this.#isFsyncEnabled = isFsyncEnabled;
  }

  /** @throws {VolumeFencedError} a flush failed earlier. */
  assertWritable(): void {
    if (this.#fence !== undefined) {
      throw new VolumeFencedError('the volume is read-only since a flush failed', {
        cause: this.#fence,
      });
    }
  }

  /** Makes a file's bytes and length durable. */
  async syncFile(file: FileHandle): Promise<void> {
    if (this.#isFsyncEnabled) await this.#fenced(() => file.datasync());
  }

  /** Makes the entries of a directory durable. */
  async syncDirectory(path: string): Promise<void> {
    if (!this.#isFsyncEnabled) return;
    await syncDirectory(path, (flush) => this.#fenced(flush));
  }

  async #fenced(flush: () => Promise<void>): Promise<void> {
    try {
      await flush();
    } catch (fault) {
      this.#fence = fault;
      throw fault;
    }
  }
}

/**
 * Makes the entries of a directory durable.
 *
 * @param run - runs the flush itself, apart from opening and closing the directory.
 */
export async function syncDirectory(
  path: string,
  run: (flush: () => Promise<void>) => Promise<void> = (flush) => flush(),
): Promise<void> {
  const directory = await open(path, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    await run(() => directory.sync());
  } finally {
    await directory.close();
  }
}
