/**
 * A new index beside the place where it shall be: it comes there as a whole, or not at all.
 *
 * @module
 */

import { existsSync } from 'node:fs';
import { link, mkdir, open, rename, rm } from 'node:fs/promises';

import { createDirectory } from '../blobs/create-directory.js';
import { syncDirectory } from '../blobs/volume.js';

export const INDEX_FILE_NAME = 'data.mdb';
const LOCK_FILE_NAME = 'lock.mdb';
/** Inside the directory of the index, so that both are on one file system. */
const WORK_NAME = 'index.new';
const DIRECTORY_MODE = 0o700;
const FILE_MODE = 0o600;

export function hasIndex(metadataPath: string): boolean {
  return existsSync(`${metadataPath}/${INDEX_FILE_NAME}`);
}

/**
 * Lets `build` fill an empty directory with an index, then puts it in its place.
 *
 * @param metadataPath - where nobody serves; the caller holds the lock.
 * @param setAsideName - what an index that is there is kept as; undefined: there is none.
 */
export async function installIndex(
  metadataPath: string,
  setAsideName: string | undefined,
  build: (workPath: string) => Promise<void>,
): Promise<void> {
  const workPath = `${metadataPath}/${WORK_NAME}`;
  await createDirectory(metadataPath);
  // What an interrupted run has left.
  await rm(workPath, { recursive: true, force: true });
  await mkdir(workPath, { mode: DIRECTORY_MODE });
  try {
    await build(workPath);
    await flushFile(`${workPath}/${INDEX_FILE_NAME}`);
    const target = `${metadataPath}/${INDEX_FILE_NAME}`;
    // A second name, so that there is an index at every moment: without one a server starts empty.
    if (setAsideName !== undefined) await link(target, `${metadataPath}/${setAsideName}`);
    // Of readers of another index; the library makes it anew.
    await rm(`${metadataPath}/${LOCK_FILE_NAME}`, { force: true });
    await rename(`${workPath}/${INDEX_FILE_NAME}`, target);
    // The rename reaches the disk with the directory, not with the file.
    await syncDirectory(metadataPath);
  } finally {
    await rm(workPath, { recursive: true, force: true });
  }
}

/** Makes a file's bytes durable, for its owner only. */
export async function flushFile(path: string): Promise<void> {
  const file = await open(path, 'r+');
  try {
    await file.chmod(FILE_MODE);
    await file.sync();
  } finally {
    await file.close();
  }
}
