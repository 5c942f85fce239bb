/**
 * The staging marks, and what else is in the directory of the server's own.
 *
 * @module
 */

import { readlink } from 'node:fs/promises';

import { isBlobId, stagingPath } from '../blobs/layout.js';
import { reportLasting, type CheckContext } from './check-context.js';
import { statsOf } from './check-files.js';
import { findingOf, LEFTOVER_AGE_MS, namesIn, reportForeign } from './check-tree.js';

const INCARNATION = /^[0-9a-z]{1,64}$/;
/** `{bucket}/{hh}/{key name}/{blob id}` */
const TARGET = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]\/[0-9a-f]{2}\/[^/]+\/([0-9a-f]{32})$/;
/** Of the directory of the server's own; the index may hold more than this version knows. */
const KNOWN_NAMES = ['staging', 'metadata'];

export async function checkMarks(context: CheckContext): Promise<void> {
  const internal = `${context.basePath}/.s3ish`;
  for await (const name of namesIn(internal)) {
    const path = `${internal}/${name}`;
    const isIndex = context.metadataPath.startsWith(path);
    if (!KNOWN_NAMES.includes(name) && !isIndex) await reportForeign(context, path);
  }
  const staging = stagingPath(context.basePath);
  for await (const incarnation of namesIn(staging)) {
    const path = `${staging}/${incarnation}`;
    const isDirectory = (await statsOf(path))?.isDirectory() !== false;
    if (!isDirectory || !INCARNATION.test(incarnation)) {
      await reportForeign(context, path);
      continue;
    }
    for await (const name of namesIn(path)) await checkMark(context, path, name);
  }
}

async function checkMark(context: CheckContext, parent: string, name: string): Promise<void> {
  const path = `${parent}/${name}`;
  context.counts.entries += 1;
  if (!isBlobId(name)) {
    await reportForeign(context, path);
    return;
  }
  await reportLasting(context, async () => {
    const stats = await statsOf(path);
    if (stats === undefined) return [];
    const target = stats.isSymbolicLink() ? await readlink(path).catch(() => undefined) : '';
    if (target === undefined) return [];
    if (TARGET.exec(target)?.[1] !== name) {
      return [findingOf(context, 'mark-damaged', path, `it is no link to blob ${name}`)];
    }
    const isOld = stats.mtimeMs <= context.nowMs - LEFTOVER_AGE_MS;
    // Beside a server it may be that of a long upload.
    if (context.isOnline || !isOld) return [];
    return [findingOf(context, 'mark-stale', path, 'the process that made it has died')];
  });
}

/** Whether any process is still writing the blob. */
export async function isMarked({ basePath }: CheckContext, blobId: string): Promise<boolean> {
  const staging = stagingPath(basePath);
  for await (const incarnation of namesIn(staging)) {
    if ((await statsOf(`${staging}/${incarnation}/${blobId}`)) !== undefined) return true;
  }
  return false;
}
