/**
 * Every blob that a record names, on disk: its directory, its two files and what the sidecar says.
 *
 * @module
 */

import type { Stats } from 'node:fs';
import { lstat } from 'node:fs/promises';

import { blobPaths, DATA_NAME, SIDECAR_NAME } from '../blobs/layout.js';
import { keyOfObjectKey, partsOfUploadKey } from '../metadata/keys.js';
import { decodeObject } from '../metadata/records.js';
import { blobsOfObject, blobsOfUpload } from '../store/expected-blobs.js';
import { problemOfData, problemOfSidecar, type ExpectedBlob } from '../store/verify-blob.js';
import { asBuffer } from '../util/bytes.js';
import {
  findingOfRecord,
  pagesOf,
  readable,
  reportLasting,
  type CheckContext,
} from './check-context.js';
import type { Finding, FindingClass } from './findings.js';

/** Places looked at at the same time; each holds a block and a sidecar at most. */
const PLACES_AT_ONCE = 16;

/** What a row of `objects` or `uploads` is about. */
interface Place {
  readonly table: 'objects' | 'uploads';
  readonly rowKey: Uint8Array;
  readonly bucket: string;
}

export async function checkFiles(context: CheckContext): Promise<void> {
  for (const table of ['objects', 'uploads'] as const) {
    for (const rows of pagesOf(context, table)) {
      const places = rows.flatMap(({ key, value }): Place[] => {
        const isInline =
          table === 'objects' && readable(() => decodeObject(value).placement.kind) === 'inline';
        if (isInline || key.byteLength <= 4) return [];
        const bucket = context.buckets.nameOf(asBuffer(key).readUInt32BE(0));
        return bucket === undefined ? [] : [{ table, rowKey: key, bucket }];
      });
      const next = places.values();
      const work = async (): Promise<void> => {
        for (const place of next) await reportLasting(context, () => look(context, place));
      };
      await Promise.all(Array.from({ length: PLACES_AT_ONCE }, work));
    }
  }
}

async function look(context: CheckContext, place: Place): Promise<Finding[]> {
  const findings: Finding[] = [];
  try {
    for (const blob of blobsOf(context, place)) findings.push(...(await lookAt(context, blob)));
  } catch (error) {
    // Told where the rows are looked at; beside a server they may have gone meanwhile.
    findingOfRecord('', error);
  }
  return findings;
}

function blobsOf(context: CheckContext, { table, rowKey, bucket }: Place): Iterable<ExpectedBlob> {
  const { store } = context;
  const bytes = store.environment.get(table, rowKey);
  if (bytes === undefined) return [];
  if (table === 'uploads') return blobsOfUpload(store, { bucket, ...partsOfUploadKey(rowKey) });
  const record = readable(() => decodeObject(bytes));
  return record === undefined ? [] : blobsOfObject(store, bucket, keyOfObjectKey(rowKey), record);
}

async function lookAt(context: CheckContext, blob: ExpectedBlob): Promise<Finding[]> {
  const { bucket, key, blobId } = blob.location;
  const findings: Finding[] = [];
  const report = (name: FindingClass, problem: string): void => {
    findings.push({
      class: name,
      object: `${bucket}/${key}`,
      problem: `blob ${blobId}: ${problem}`,
    });
  };
  const directory = blobPaths(context.basePath, blob.location).blob;
  context.counts.blobs += 1;
  const stats = await statsOf(directory);
  if (stats === undefined) report('blob-missing', `${directory} is missing`);
  else if (!stats.isDirectory()) report('wrong-type', `${directory} is no directory`);
  else {
    await lookAtData(context, blob, `${directory}/${DATA_NAME}`, report);
    await lookAtSidecar(context, blob, `${directory}/${SIDECAR_NAME}`, report);
  }
  return findings;
}

async function lookAtData(
  context: CheckContext,
  blob: ExpectedBlob,
  path: string,
  report: (name: FindingClass, problem: string) => void,
): Promise<void> {
  const stats = await statsOf(path);
  const { sizeBytes } = blob.layout;
  if (stats === undefined) report('data-missing', `${path} is missing`);
  else if (!stats.isFile()) report('wrong-type', `${path} is no file`);
  else if (stats.size !== sizeBytes) {
    report('data-size', `${path} holds ${stats.size} bytes, not ${sizeBytes}`);
  } else if (context.isDataVerified) {
    const problem = await problemOfData(context.blobs, blob, (byteCount) => {
      context.counts.bytes += byteCount;
    });
    if (problem !== undefined) report('data-damaged', problem);
  }
}

async function lookAtSidecar(
  context: CheckContext,
  blob: ExpectedBlob,
  path: string,
  report: (name: FindingClass, problem: string) => void,
): Promise<void> {
  const stats = await statsOf(path);
  if (stats === undefined) report('sidecar-missing', `${path} is missing`);
  else if (!stats.isFile()) report('wrong-type', `${path} is no file`);
  else {
    const problem = await problemOfSidecar(context.blobs, blob);
    if (problem === undefined) return;
    const isOther = /has another layout|says something else/.test(problem);
    report(isOther ? 'sidecar-differs' : 'sidecar-damaged', problem);
  }
}

/** Undefined when there is nothing, or nothing that could lead there. */
export async function statsOf(path: string): Promise<Stats | undefined> {
  try {
    return await lstat(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw error;
  }
}
