/**
 * Verifies one whole blob: every block against its layout, and the sidecar against the records.
 * Shared by the scrubber and by fsck.
 *
 * @module
 */

import { isDeepStrictEqual } from 'node:util';

import {
  DamagedBlobError,
  type BlobLayout,
  type BlobLocation,
  type BlobStore,
} from '../blobs/blob-store.js';
import { NewerFormatError } from '../util/newer-format-error.js';
import { readSidecar, type Sidecar } from './sidecar.js';

/** A blob as the index describes it. */
export interface ExpectedBlob {
  readonly location: BlobLocation;
  readonly layout: BlobLayout;
  /** What the records say of the blob; its time may be later than the sidecar's. */
  readonly sidecar: Sidecar;
}

/** What verifying needs of a blob store. */
export type ReadableBlobs = Pick<BlobStore, 'open' | 'sidecarText'>;

/** Something about a blob is not as the index says. */
export interface BlobDamage {
  readonly part: 'data' | 'sidecar';
  /** What was seen and what was wanted, for the log. */
  readonly problem: string;
}

/** Every member that a sidecar without a checksum of its own can have. */
const UNCHECKED_MEMBERS: ReadonlySet<string> = new Set([
  ...['format', 'kind', 'bucket', 'key', 'blobId', 'lastModifiedMs', 'md5', 'checksum'],
  ...['versionId', 'attributes', 'tags', 'uploadId', 'partNumber', 'parts'],
  ...['sizeBytes', 'blockSizeBytes', 'blockCrc32'],
]);

/**
 * Reads all of a blob. Memory is that of two blocks and one sidecar.
 *
 * @param onRead - called after each piece with its length; what it returns is waited for, so it
 * sets the pace.
 * @returns at most one damage of each part; nothing when all is well.
 * @throws faults that say nothing about the blob, such as too many open files.
 */
export async function verifyBlob(
  blobs: ReadableBlobs,
  expected: ExpectedBlob,
  onRead: (byteCount: number) => Promise<void> | void = () => undefined,
): Promise<readonly BlobDamage[]> {
  const damages: BlobDamage[] = [];
  const sidecarProblem = await problemOfSidecar(blobs, expected, onRead);
  if (sidecarProblem !== undefined) damages.push({ part: 'sidecar', problem: sidecarProblem });
  const dataProblem = await problemOfData(blobs, expected, onRead);
  if (dataProblem !== undefined) damages.push({ part: 'data', problem: dataProblem });
  return damages;
}

/** The half of {@link verifyBlob} that reads the sidecar. */
export function problemOfSidecar(
  blobs: ReadableBlobs,
  expected: ExpectedBlob,
  onRead: (byteCount: number) => Promise<void> | void = () => undefined,
): Promise<string | undefined> {
  return problemOf(() => verifySidecar(blobs, expected, onRead));
}

/** The half of {@link verifyBlob} that reads every block. */
export function problemOfData(
  blobs: ReadableBlobs,
  expected: ExpectedBlob,
  onRead: (byteCount: number) => Promise<void> | void = () => undefined,
): Promise<string | undefined> {
  return problemOf(() => verifyData(blobs, expected, onRead));
}

/** Whether a fault says that stored bytes are damaged, or that the disk does not give them back. */
export function isBlobDamage(fault: unknown): fault is Error {
  if (fault instanceof DamagedBlobError) return true;
  return fault instanceof Error && 'code' in fault && fault.code === 'EIO';
}

async function problemOf(verify: () => Promise<string | undefined>): Promise<string | undefined> {
  try {
    return await verify();
  } catch (fault) {
    if (isBlobDamage(fault)) return fault.message;
    throw fault;
  }
}

async function verifyData(
  blobs: ReadableBlobs,
  { location, layout }: ExpectedBlob,
  onRead: (byteCount: number) => Promise<void> | void,
): Promise<undefined> {
  const reader = await blobs.open(location, layout);
  try {
    const pieces = reader.read(0, layout.sizeBytes, true);
    for await (const piece of pieces) await onRead(piece.byteLength);
  } finally {
    reader.close();
  }
}

async function verifySidecar(
  blobs: ReadableBlobs,
  { location, layout, sidecar: expected }: ExpectedBlob,
  onRead: (byteCount: number) => Promise<void> | void,
): Promise<string | undefined> {
  const text = await blobs.sidecarText(location);
  if (text === undefined) return undefined;
  await onRead(Buffer.byteLength(text));
  const where = `the sidecar of blob ${location.blobId}`;
  try {
    const found = readSidecar(text);
    if (!found.isChecked && hasUnknownMember(text)) return `${where} has an unknown member`;
    if (!isDeepStrictEqual(found.layout, plainLayoutOf(layout))) {
      return `${where} has another layout than the index`;
    }
    const member = differingMember(found.sidecar, expected);
    return member && `${where} says something else of ${member} than the index`;
  } catch (error) {
    if (error instanceof NewerFormatError) return `${where}: ${error.message}`;
    if (error instanceof SyntaxError || error instanceof TypeError) {
      return `${where} cannot be read: ${error.message}`;
    }
    throw error;
  }
}

/** A changed letter in the name of the checksum would make a sidecar look like one without. */
function hasUnknownMember(text: string): boolean {
  return Object.keys(JSON.parse(text) as object).some((name) => !UNCHECKED_MEMBERS.has(name));
}

function plainLayoutOf({ sizeBytes, blockSizeBytes, blockChecksums }: BlobLayout): BlobLayout {
  return { sizeBytes, blockSizeBytes, blockChecksums };
}

/** @returns the name of the first member that is not as expected. */
function differingMember(found: Sidecar, expected: Sidecar): string | undefined {
  // An appended object's first part was an object: its own attributes and tags are of the past.
  const isFormerObject = found.kind === 'object' && expected.kind === 'part';
  const wanted = plainMembersOf(expected);
  const seen = plainMembersOf(found);
  const names = isFormerObject
    ? ['bucket', 'key', 'blobId', 'md5', 'checksum']
    : Object.keys(wanted).filter((name) => name !== 'lastModifiedMs');
  // If the clock had jumped back, the record got the time of the version before.
  if (found.lastModifiedMs > expected.lastModifiedMs) return 'lastModifiedMs';
  return names.find((name) => !isDeepStrictEqual(seen[name], wanted[name]));
}

/** As JSON tells it: without what is undefined, and with one kind of object. */
function plainMembersOf(sidecar: Sidecar): Readonly<Record<string, unknown>> {
  return JSON.parse(JSON.stringify(sidecar)) as Record<string, unknown>;
}
