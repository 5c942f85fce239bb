/**
 * From the sidecars of one key to the version that is current.
 *
 * Nothing is believed: a sidecar may be torn, of a later version, or lie where it does not belong.
 * What cannot be used is reported and left out, and nothing else with it.
 *
 * @see docs/ON_DISK_FORMAT.md, "Sidecars"
 * @module
 */

import { open, stat } from 'node:fs/promises';
import { crc32 } from 'node:zlib';

import type { BlobLayout } from '../blobs/blob-store.js';
import { blobPaths, DATA_NAME, SIDECAR_NAME } from '../blobs/layout.js';
import type { ObjectRecord, PartRecord } from '../metadata/records.js';
import {
  readSidecar,
  type ManifestSidecar,
  type ObjectSidecar,
  type Sidecar,
} from '../store/sidecar.js';
import type { ManifestInput } from '../store/transaction.js';
import { codeOf } from '../util/error-code.js';
import { isSound } from './sound-sidecar.js';

const MISSING_CODES: ReadonlySet<string> = new Set(['ENOENT', 'ENOTDIR', 'ELOOP', 'ENXIO', 'EIO']);

/** The blobs that lie below one key. */
export interface KeyDirectory {
  readonly bucket: string;
  readonly path: string;
  readonly blobIds: readonly string[];
}

/** A version as its sidecars tell it. */
export interface FoundObject {
  readonly bucket: string;
  readonly key: string;
  readonly record: Omit<ObjectRecord, 'sequence'>;
  readonly layout: BlobLayout;
  /** Undefined for an object of one blob. */
  readonly manifest: ManifestInput | undefined;
}

/** Something that could not be used, and why. */
export interface Problem {
  /** Path below the base. */
  readonly path: string;
  readonly problem: string;
}

export interface ReadOptions {
  readonly basePath: string;
  /** Reads all payload and compares it with its checksums. */
  readonly isDataVerified: boolean;
  readonly onProblem: (problem: Problem) => void;
}

interface FoundBlob {
  readonly sidecar: Sidecar;
  readonly layout: BlobLayout;
}

/** Far above that of the largest part or the longest manifest. */
const SIDECAR_BYTES_MAX = 16 * 1024 * 1024;
const READS_COUNT_MAX = 32;

/** @returns undefined when no sidecar tells of a version that is whole. */
export async function readKeyDirectory(
  options: ReadOptions,
  directory: KeyDirectory,
): Promise<FoundObject | undefined> {
  const blobs = new Map<string, FoundBlob>();
  for (let first = 0; first < directory.blobIds.length; first += READS_COUNT_MAX) {
    const ids = directory.blobIds.slice(first, first + READS_COUNT_MAX);
    const found = await Promise.all(ids.map((blobId) => readBlob(options, directory, blobId)));
    for (const blob of found) if (blob !== undefined) blobs.set(blob.sidecar.blobId, blob);
  }
  // Ids begin with the time of writing. The time of change does not tell: a renamed object keeps its own.
  for (const blobId of [...blobs.keys()].sort().reverse()) {
    const blob = blobs.get(blobId);
    if (blob === undefined || blob.sidecar.kind === 'part') continue;
    const object = objectOf(options, directory, blob.sidecar, blob.layout, blobs);
    if (object === undefined) continue;
    if (options.isDataVerified) await verifyObject(options, directory, object);
    return object;
  }
  return undefined;
}

async function readBlob(
  options: ReadOptions,
  directory: KeyDirectory,
  blobId: string,
): Promise<FoundBlob | undefined> {
  const path = `${directory.path}/${blobId}`;
  const problemOf = (problem: string): undefined => {
    options.onProblem({ path: belowBase(options, path), problem });
  };
  try {
    const text = await readText(`${path}/${SIDECAR_NAME}`);
    if (text === undefined) return problemOf('its sidecar is no file of a sidecar’s size');
    const { sidecar, layout } = readSidecar(text);
    if (!isSound(sidecar, layout)) return problemOf('its sidecar lacks members of its kind');
    // Bucket, key and blob id make the path, so this compares all three.
    if (blobPaths(options.basePath, sidecar).blob !== path) {
      return problemOf('its sidecar is that of another place');
    }
    if (!(await stat(`${path}/${DATA_NAME}`)).isFile()) return problemOf('its data is no file');
    return { sidecar, layout };
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof TypeError || isMissing(error)) {
      return problemOf(`its sidecar or data cannot be read: ${error.message}`);
    }
    if (error instanceof Error && error.name === 'NewerFormatError')
      return problemOf(error.message);
    throw error;
  }
}

async function readText(path: string): Promise<string | undefined> {
  const file = await open(path, 'r');
  try {
    const stats = await file.stat();
    if (!stats.isFile() || stats.size > SIDECAR_BYTES_MAX) return undefined;
    return await file.readFile('utf8');
  } finally {
    await file.close();
  }
}

function objectOf(
  options: ReadOptions,
  directory: KeyDirectory,
  sidecar: ObjectSidecar | ManifestSidecar,
  layout: BlobLayout,
  blobs: ReadonlyMap<string, FoundBlob>,
): FoundObject | undefined {
  const { bucket, key, blobId, versionId, lastModifiedMs, md5, checksum } = sidecar;
  const { attributes, tags } = sidecar;
  const common = { versionId, md5Hex: md5, lastModifiedMs, checksum, attributes, tags };
  if (sidecar.kind === 'object') {
    const placement = { kind: 'plain', blobId } as const;
    const record = { ...common, sizeBytes: layout.sizeBytes, partsCount: 0, placement };
    return { bucket, key, record, layout, manifest: undefined };
  }
  const { uploadId } = sidecar;
  const parts: ManifestInput['parts'][number][] = [];
  let sizeBytes = 0;
  for (const named of sidecar.parts) {
    const part = partOf(blobs.get(named.blobId), named.sizeBytes);
    if (part === undefined) {
      const problem = `part ${named.partNumber}, blob ${named.blobId}, cannot be used: the version is left out`;
      options.onProblem({ path: belowBase(options, `${directory.path}/${blobId}`), problem });
      return undefined;
    }
    parts.push({ partNumber: named.partNumber, ...part });
    sizeBytes += named.sizeBytes;
  }
  const placement = { kind: 'parts', blobId, uploadId } as const;
  const record = { ...common, sizeBytes, partsCount: parts.length, placement };
  const manifest = {
    parts: sidecar.parts.map((one) => ({ partNumber: one.partNumber, sizeBytes: one.sizeBytes })),
  };
  return { bucket, key, record, layout, manifest: { uploadId, manifest, parts } };
}

/** The first part of an appended object may have been an object: any kind will do. */
function partOf(
  blob: FoundBlob | undefined,
  sizeBytes: number,
): { part: PartRecord; layout: BlobLayout } | undefined {
  if (blob?.layout.sizeBytes !== sizeBytes) return undefined;
  const { blobId, md5, lastModifiedMs, checksum } = blob.sidecar;
  if (checksum === undefined) return undefined;
  return {
    part: { blobId, sizeBytes, md5Hex: md5, lastModifiedMs, checksum },
    layout: blob.layout,
  };
}

async function verifyObject(
  options: ReadOptions,
  directory: KeyDirectory,
  object: FoundObject,
): Promise<void> {
  const { placement } = object.record;
  const whole =
    placement.kind === 'plain' ? [{ blobId: placement.blobId, layout: object.layout }] : [];
  const parts = (object.manifest?.parts ?? []).map(({ part, layout }) => ({
    ...{ blobId: part.blobId, layout: layout ?? object.layout },
  }));
  for (const { blobId, layout } of [...whole, ...parts]) {
    const path = `${directory.path}/${blobId}/${DATA_NAME}`;
    const problem = await damageOf(path, layout);
    if (problem !== undefined) options.onProblem({ path: belowBase(options, path), problem });
  }
}

async function damageOf(path: string, layout: BlobLayout): Promise<string | undefined> {
  const { sizeBytes, blockSizeBytes, blockChecksums } = layout;
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    if (size !== sizeBytes) return `holds ${size} bytes, not ${sizeBytes}`;
    const block = Buffer.allocUnsafe(Math.min(blockSizeBytes, Math.max(sizeBytes, 1)));
    for (const [index, checksum] of blockChecksums.entries()) {
      const start = index * blockSizeBytes;
      const length = Math.min(blockSizeBytes, sizeBytes - start);
      const { bytesRead } = await file.read(block, 0, length, start);
      if (bytesRead !== length || crc32(block.subarray(0, length)) !== checksum) {
        return `does not match its checksum in the block at byte ${start}`;
      }
    }
    return undefined;
  } finally {
    await file.close();
  }
}

function belowBase({ basePath }: ReadOptions, path: string): string {
  return path.slice(basePath.length + 1);
}

function isMissing(error: unknown): error is Error {
  return error instanceof Error && MISSING_CODES.has(codeOf(error));
}
