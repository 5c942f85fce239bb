/**
 * Copies of the index, made while servers write, and their way back.
 *
 * Each copy is a directory that appears under its name when it is whole, checked and on disk. Its
 * index says that blobs it does not know shall stay: whoever serves it again, however it got there,
 * has a sweeper that would take everything written since for leftovers of a crash.
 *
 * @see docs/MAINTENANCE.md, "Backing up the index"
 * @module
 */

import { constants } from 'node:fs';
import { copyFile, mkdir, readdir, rename, rm } from 'node:fs/promises';

import { createDirectory } from '../blobs/create-directory.js';
import { syncDirectory } from '../blobs/volume.js';
import { justAfter } from '../metadata/keys.js';
import { copyLmdbEnvironment, openLmdbEnvironment } from '../metadata/lmdb-environment.js';
import { decodeCounters } from '../metadata/records.js';
import { keepOrphansAction } from '../store/system-actions.js';
import { flushFile, hasIndex, INDEX_FILE_NAME, installIndex } from './new-index.js';

const CREDENTIALS_NAME = 'root-credentials';
const NAME_PATTERN = /^s3ish-index-\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d\.\d{3}Z$/;
const WORK_SUFFIX = '.new';
const DIRECTORY_MODE = 0o700;
const ROWS_PAGE_COUNT = 1_000;

/** What is in a copy, as its own counters tell. */
export interface BackupSummary {
  readonly path: string;
  readonly bucketCount: number;
  readonly objectCount: number;
  readonly objectBytes: number;
  readonly lastSequence: number;
  /** Older copies that were removed. */
  readonly removed: readonly string[];
}

export interface BackupOptions {
  readonly metadataPath: string;
  /** Holds all copies. */
  readonly directory: string;
  /** Copies that stay, this one among them; undefined keeps all. */
  readonly keepCount: number | undefined;
  readonly nowMs: number;
}

/** @throws when the copy cannot be made, or does not read as it should; then none was removed. */
export async function backupIndex(options: BackupOptions): Promise<BackupSummary> {
  const { metadataPath, directory, keepCount, nowMs } = options;
  await createDirectory(directory);
  const name = `s3ish-index-${new Date(nowMs).toISOString().replaceAll(':', '-')}`;
  const path = `${directory}/${name}`;
  const workPath = `${path}${WORK_SUFFIX}`;
  await mkdir(workPath, { mode: DIRECTORY_MODE });
  try {
    await copyLmdbEnvironment(metadataPath, workPath);
    const counted = await checkCopy(workPath);
    await copyCredentials(metadataPath, workPath);
    await flushFile(`${workPath}/${INDEX_FILE_NAME}`);
    await syncDirectory(workPath);
    await rename(workPath, path);
    await syncDirectory(directory);
    const removed = await removeOld(directory, keepCount);
    return { ...counted, path, removed };
  } finally {
    await rm(workPath, { recursive: true, force: true });
  }
}

/**
 * Puts a copy in the place of the index.
 *
 * @param metadataPath - where nobody serves; the caller holds the lock.
 * @param setAsideName - what an index that is there is kept as; undefined: there is none.
 */
export async function restoreIndex(
  backupPath: string,
  metadataPath: string,
  setAsideName: string | undefined,
): Promise<Omit<BackupSummary, 'path' | 'removed'>> {
  let summary: Omit<BackupSummary, 'path' | 'removed'> | undefined;
  await installIndex(metadataPath, setAsideName, async (workPath) => {
    await copyFile(`${backupPath}/${INDEX_FILE_NAME}`, `${workPath}/${INDEX_FILE_NAME}`);
    summary = await checkCopy(workPath);
    await copyCredentials(backupPath, metadataPath);
  });
  if (summary === undefined) throw new Error('a restored index was checked');
  return summary;
}

/** The names of the copies in a directory, oldest first. */
export async function backupsIn(directory: string): Promise<string[]> {
  return (await readdir(directory)).filter((name) => NAME_PATTERN.test(name)).sort();
}

/** Opens a copy, marks it, and reads what it says of itself and of its rows. */
async function checkCopy(path: string): Promise<Omit<BackupSummary, 'path' | 'removed'>> {
  if (!hasIndex(path)) throw new Error(`${path} holds no index`);
  const environment = openLmdbEnvironment({ path, isFsyncEnabled: true, epoch: undefined });
  try {
    await environment.write(keepOrphansAction, true);
    const [difference] = environment.countRows();
    if (difference !== undefined) {
      const { table, foundCount, keptCount } = difference;
      throw new Error(
        `The copy is damaged: table ${table} has ${foundCount} rows, not ${keptCount}`,
      );
    }
    const end = Buffer.of(0xff, 0xff, 0xff, 0xff, 0xff);
    let start: Buffer = Buffer.of(0);
    let objectCount = 0;
    let objectBytes = 0;
    let bucketCount = 0;
    for (;;) {
      const rows = environment.range('counters', { start, end, countMax: ROWS_PAGE_COUNT });
      for (const { value } of rows) {
        const counters = decodeCounters(value);
        objectCount += counters.objectCount;
        objectBytes += counters.objectBytes;
      }
      const last = rows.at(-1);
      if (last === undefined) break;
      start = justAfter(last.key);
    }
    start = Buffer.of(0);
    for (;;) {
      const rows = environment.range('buckets', { start, end, countMax: ROWS_PAGE_COUNT });
      bucketCount += rows.length;
      const last = rows.at(-1);
      if (last === undefined) break;
      start = justAfter(last.key);
    }
    return { bucketCount, objectCount, objectBytes, lastSequence: environment.lastSequence() };
  } finally {
    await environment.close();
    await rm(`${path}/lock.mdb`, { force: true });
  }
}

/** The key pair that the first start made; there is none where a file of credentials is named. */
async function copyCredentials(from: string, to: string): Promise<void> {
  const target = `${to}/${CREDENTIALS_NAME}`;
  try {
    // Never over a pair that is in use.
    await copyFile(`${from}/${CREDENTIALS_NAME}`, target, constants.COPYFILE_EXCL);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'EEXIST') return;
    throw error;
  }
  await flushFile(target);
}

async function removeOld(directory: string, keepCount: number | undefined): Promise<string[]> {
  if (keepCount === undefined) return [];
  const old = (await backupsIn(directory)).slice(0, -keepCount);
  for (const name of old) await rm(`${directory}/${name}`, { recursive: true });
  return old;
}
