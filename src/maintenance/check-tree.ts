/**
 * Everything in the tree below the base: what is there, where it is and whose it is.
 *
 * @module
 */

import { opendir, readFile } from 'node:fs/promises';

import { blobPaths, isBlobId, isBucketName, SIDECAR_NAME, DATA_NAME } from '../blobs/layout.js';
import { blobIdKey } from '../metadata/keys.js';
import { readSidecar } from '../store/sidecar.js';
import { reportLasting, type CheckContext } from './check-context.js';
import { statsOf } from './check-files.js';
import { checkMarks, isMarked } from './check-marks.js';
import type { Finding, FindingClass } from './findings.js';

/** What is being written or was left by a crash is younger, or the sweeper has seen to it. */
export const LEFTOVER_AGE_MS = 3600 * 1000;
const INTERNAL_NAME = '.s3ish';
/** Of ext4, at the root of a file system. */
const LOST_AND_FOUND = 'lost+found';
const FAN_OUT = /^[0-9a-f]{2}$/;
const PERMISSIONS = 0o777;
const DIRECTORY_MODE = 0o700;
const FILE_MODE = 0o600;

export async function checkTree(context: CheckContext): Promise<void> {
  const { basePath } = context;
  await checkMarks(context);
  for await (const bucket of namesIn(basePath)) {
    const path = `${basePath}/${bucket}`;
    if (bucket === INTERNAL_NAME || bucket === LOST_AND_FOUND) continue;
    if (context.metadataPath === path || context.metadataPath.startsWith(`${path}/`)) continue;
    if (!isBucketName(bucket)) {
      await reportForeign(context, path);
      continue;
    }
    if (!(await isOurDirectory(context, path))) continue;
    for await (const fanOut of namesIn(path)) await checkFanOut(context, bucket, path, fanOut);
  }
}

async function checkFanOut(
  context: CheckContext,
  bucket: string,
  parent: string,
  name: string,
): Promise<void> {
  const path = `${parent}/${name}`;
  if (!FAN_OUT.test(name)) {
    await reportForeign(context, path);
    return;
  }
  if (!(await isOurDirectory(context, path))) return;
  let isEmpty = true;
  for await (const keyName of namesIn(path)) {
    isEmpty = false;
    await checkKey(context, bucket, `${path}/${keyName}`);
  }
  if (isEmpty) await reportEmpty(context, path);
}

async function checkKey(context: CheckContext, bucket: string, path: string): Promise<void> {
  if (!(await isOurDirectory(context, path))) return;
  let isEmpty = true;
  for await (const name of namesIn(path)) {
    isEmpty = false;
    const blob = `${path}/${name}`;
    if (!isBlobId(name)) await reportForeign(context, blob);
    else if (await isOurDirectory(context, blob)) await checkBlob(context, bucket, blob, name);
  }
  if (isEmpty) await reportEmpty(context, path);
}

async function checkBlob(
  context: CheckContext,
  bucket: string,
  path: string,
  blobId: string,
): Promise<void> {
  for await (const name of namesIn(path)) {
    const isKnown = name === DATA_NAME || name === SIDECAR_NAME;
    if (isKnown) await checkFileMode(context, `${path}/${name}`);
    else await reportForeign(context, `${path}/${name}`);
  }
  await reportLasting(context, async () => {
    const problem = hasLayout(context, blobId)
      ? await misplacement(context, bucket, path, blobId)
      : await orphanage(context, path, blobId);
    return problem === undefined ? [] : [problem];
  });
}

function hasLayout({ store }: CheckContext, blobId: string): boolean {
  store.environment.refresh();
  return store.environment.get('layouts', blobIdKey(blobId)) !== undefined;
}

/** Younger ones may be uploads in progress, or those that a crash has just interrupted. */
async function orphanage(
  context: CheckContext,
  path: string,
  blobId: string,
): Promise<Finding | undefined> {
  const data = await statsOf(`${path}/${DATA_NAME}`);
  const directory = await statsOf(path);
  if (directory === undefined) return undefined;
  const changedMs = Math.max(directory.mtimeMs, data?.mtimeMs ?? 0);
  if (changedMs > context.nowMs - LEFTOVER_AGE_MS) return undefined;
  if (context.isOnline && (await isMarked(context, blobId))) return undefined;
  // It may have been committed since it was looked for.
  if (hasLayout(context, blobId)) return undefined;
  const problem = `no record knows it, and it was last changed ${new Date(changedMs).toISOString()}`;
  return findingOf(context, 'blob-orphaned', path, problem);
}

/** A blob whose sidecar says that it belongs elsewhere; what cannot be read is told elsewhere. */
async function misplacement(
  context: CheckContext,
  bucket: string,
  path: string,
  blobId: string,
): Promise<Finding | undefined> {
  try {
    const file = `${path}/${SIDECAR_NAME}`;
    if ((await statsOf(file))?.isFile() !== true) return undefined;
    const { sidecar } = readSidecar(await readFile(file, 'utf8'));
    if (sidecar.blobId !== blobId) return undefined;
    const wanted = blobPaths(context.basePath, sidecar).blob;
    if (wanted === path) return undefined;
    // Its sidecar is a stranger's; the records of the blob that lies here rightly say so.
    if ((await statsOf(wanted)) === undefined && sidecar.bucket === bucket) {
      return findingOf(context, 'blob-misplaced', path, `its sidecar names ${wanted}`);
    }
    return findingOf(context, 'blob-misplaced', path, `a copy of what lies in ${wanted}`);
  } catch {
    return undefined;
  }
}

async function isOurDirectory(context: CheckContext, path: string): Promise<boolean> {
  const stats = await statsOf(path);
  if (stats === undefined) return false;
  context.counts.entries += 1;
  if (!stats.isDirectory()) {
    // A blob that is no directory is told by the records that name it.
    const name = path.slice(path.lastIndexOf('/') + 1);
    if (!isBlobId(name) || !hasLayout(context, name)) await reportForeign(context, path);
    return false;
  }
  await checkMode(context, path, stats.mode, DIRECTORY_MODE);
  return true;
}

async function checkFileMode(context: CheckContext, path: string): Promise<void> {
  const stats = await statsOf(path);
  context.counts.entries += 1;
  if (stats?.isFile() === true) await checkMode(context, path, stats.mode, FILE_MODE);
}

async function checkMode(
  context: CheckContext,
  path: string,
  seen: number,
  wanted: number,
): Promise<void> {
  if ((seen & PERMISSIONS) === wanted) return;
  await reportLasting(context, async () => {
    const mode = (await statsOf(path))?.mode;
    if (mode === undefined || (mode & PERMISSIONS) === wanted) return [];
    const problem = `its mode is ${(mode & PERMISSIONS).toString(8)}, not ${wanted.toString(8)}`;
    return [findingOf(context, 'wrong-mode', path, problem)];
  });
}

export async function reportForeign(context: CheckContext, path: string): Promise<void> {
  await reportLasting(context, async () => {
    if ((await statsOf(path)) === undefined) return [];
    return [findingOf(context, 'foreign-entry', path, 's3ish does not put anything here')];
  });
}

/** A crash can leave one; a blob that is about to come makes a young one. */
async function reportEmpty(context: CheckContext, path: string): Promise<void> {
  await reportLasting(context, async () => {
    const stats = await statsOf(path);
    if (stats === undefined || stats.mtimeMs > context.nowMs - LEFTOVER_AGE_MS) return [];
    for await (const name of namesIn(path)) if (name !== '') return [];
    return [findingOf(context, 'empty-directory', path, 'nothing is in it')];
  });
}

export function findingOf(
  { basePath }: CheckContext,
  name: FindingClass,
  path: string,
  problem: string,
): Finding {
  return { class: name, object: path.slice(basePath.length + 1), problem };
}

/** Names in a directory as they are read; none when it has gone meanwhile. */
export async function* namesIn(path: string): AsyncGenerator<string> {
  try {
    for await (const entry of await opendir(path)) yield entry.name;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ENOENT' && code !== 'ENOTDIR') throw error;
  }
}
