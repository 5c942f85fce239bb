/**
 * Directories of the store, made so that a power cut cannot undo them.
 *
 * @module
 */

import { dirname, resolve } from 'node:path';

import { codeOf } from '../util/error-code.js';
import { nodeDisk } from './node-disk.js';
import { syncDirectory } from './volume.js';

/** Only the owner may look: objects and credentials are inside. */
const DIRECTORY_MODE = 0o700;

/**
 * Creates a directory with what leads to it, and flushes the directories that hold the new names.
 *
 * Its parent is flushed even when nothing was missing: whoever made the directory may have been
 * killed before its own flush.
 */
export async function createDirectory(path: string): Promise<void> {
  const target = resolve(path);
  const firstCreated = await nodeDisk.mkdir(target, { recursive: true, mode: DIRECTORY_MODE });
  const top = dirname(firstCreated ?? target);
  for (let each = dirname(target); each.length >= top.length; each = dirname(each)) {
    await syncDirectory(each).catch(ignoreForeign);
    if (each === top) return;
  }
}

/** A directory above ours that may not be opened was not made by us. */
function ignoreForeign(error: unknown): void {
  if (codeOf(error) !== 'EACCES') throw error;
}
