/**
 * One disk path: flushes, and the fence that goes up when a flush fails.
 *
 * After a failed fsync the kernel may have dropped the pages it could not write, so a retry can
 * report success for lost data. The volume refuses all later writes; once fresh files can be flushed
 * again the process is replaced, so that no descriptor and no state of before is used any more.
 *
 * @module
 */

import { constants } from 'node:fs';
import { open, unlink } from 'node:fs/promises';

import { ignoreMissing } from '../util/error-code.js';
import { FencedError } from '../util/fenced-error.js';
import type { Disk, DiskFile } from './disk.js';
import { nodeDisk } from './node-disk.js';

export class Volume {
  readonly #isFsyncEnabled: boolean;
  readonly #disk: Disk;
  readonly #onFenced: (fault: unknown) => void;
  #fence: unknown;

  /** @param onFenced - told once, when the first flush fails. */
  constructor(
    isFsyncEnabled: boolean,
    disk: Disk,
    onFenced: (fault: unknown) => void = () => undefined,
  ) {
    this.#isFsyncEnabled = isFsyncEnabled;
    this.#disk = disk;
    this.#onFenced = onFenced;
  }

  /** @throws {FencedError} a flush failed earlier. */
  assertWritable(): void {
    if (this.#fence !== undefined) {
      throw new FencedError('the volume is read-only since a flush failed', {
        cause: this.#fence,
      });
    }
  }

  /** Refuses all writes from now on. */
  fence(fault: unknown): void {
    if (this.#fence !== undefined) return;
    this.#fence = fault;
    this.#onFenced(fault);
  }

  /** Makes a file's bytes and length durable. */
  async syncFile(file: DiskFile): Promise<void> {
    if (this.#isFsyncEnabled) await this.#fenced(() => file.datasync());
  }

  /** Makes the entries of a directory durable. */
  async syncDirectory(path: string): Promise<void> {
    if (!this.#isFsyncEnabled) return;
    await syncDirectory(path, (flush) => this.#fenced(flush), this.#disk);
  }

  async #fenced(flush: () => Promise<void>): Promise<void> {
    try {
      await flush();
    } catch (fault) {
      this.fence(fault);
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
  disk: Disk = nodeDisk,
): Promise<void> {
  const directory = await disk.open(path, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    await run(() => directory.sync());
  } finally {
    await directory.close();
  }
}

/** Always the same, so that a probe that was killed leaves one file at most, which the next takes. */
const PROBE_NAME = 'probe';
const PROBE_BYTES = 4096;

/**
 * Tries whether a directory takes new files for good: creates one, writes, flushes both, removes it.
 *
 * @throws the fault of the disk.
 */
export async function probeDirectory(directory: string): Promise<void> {
  const path = `${directory}/${PROBE_NAME}`;
  const file = await open(
    path,
    constants.O_WRONLY | constants.O_CREAT | constants.O_NOFOLLOW,
    0o600,
  );
  try {
    await file.write(Buffer.alloc(PROBE_BYTES));
    await file.sync();
  } finally {
    await file.close();
    // Another process may be at the same and have removed it.
    await unlink(path).catch(ignoreMissing);
  }
  await syncDirectory(directory);
}
