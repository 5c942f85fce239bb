/**
 * Puts what sidecars tell into an index, empty or older than they are, as actions.
 *
 * @module
 */

import type { WriteView } from '../metadata/environment.js';
import { blobIdKey, objectKey, partKey, uploadKey } from '../metadata/keys.js';
import { decodeObject, decodePart, type ObjectRecord } from '../metadata/records.js';
import { replaceObject, retire } from '../store/object-actions.js';
import { count, findObject, putManifest } from '../store/transaction.js';
import type { FoundObject } from './found-objects.js';

const BLOB_TIME_DIGITS = 12;
const PARTS_PAGE_COUNT = 100_000;

/** A version and the bucket it belongs to. */
export interface FoundInBucket {
  readonly bucketId: number;
  readonly object: FoundObject;
}

/** @returns how many were new to the index, and how many replaced what it had. */
export function putFoundObjectsAction(
  txn: WriteView,
  input: readonly FoundInBucket[],
): { readonly addedCount: number; readonly replacedCount: number } {
  let addedCount = 0;
  let replacedCount = 0;
  for (const { bucketId, object } of input) {
    const current = findObject(txn, bucketId, object.key);
    if (!isNews(txn, object, current)) continue;
    if (current === undefined) addedCount += 1;
    else replacedCount += 1;
    putFoundObject(txn, bucketId, object, current);
  }
  return { addedCount, replacedCount };
}

/** An index that has the layout of a blob has decided about it: it is alive there, or garbage. */
function isNews(txn: WriteView, object: FoundObject, current: ObjectRecord | undefined): boolean {
  const { placement, lastModifiedMs } = object.record;
  if (placement.kind === 'inline') return false;
  const { blobId } = placement;
  if (txn.get('layouts', blobIdKey(blobId)) !== undefined) return false;
  if (current === undefined) return true;
  if (current.placement.kind !== 'inline') return blobId > current.placement.blobId;
  // A blob is named when its first byte comes, and dated when its last has.
  const namedMs = Number.parseInt(blobId.slice(0, BLOB_TIME_DIGITS), 16);
  return Math.max(namedMs, lastModifiedMs) > current.lastModifiedMs;
}

function putFoundObject(
  txn: WriteView,
  bucketId: number,
  { bucket, key, record, layout, manifest }: FoundObject,
  current: ObjectRecord | undefined,
): void {
  replaceObject(
    txn,
    {
      ...{ bucket, bucketId, key, record, layout, inline: undefined, conditions: {} },
      isPayloadKept: current !== undefined && goesOn(current, manifest),
      isLastModifiedKept: true,
    },
    current,
    manifest === undefined ? 0 : -endUpload(txn, bucketId, key, manifest),
  );
  if (manifest !== undefined) putManifest(txn, manifest);
}

/** Whether the new version has the payload of the old one in it, as after an append. */
function goesOn({ placement }: ObjectRecord, manifest: FoundObject['manifest']): boolean {
  if (placement.kind === 'inline' || manifest === undefined) return false;
  if (placement.kind === 'parts') return placement.uploadId === manifest.uploadId;
  return manifest.parts.some(({ part }) => part.blobId === placement.blobId);
}

/**
 * The upload was completed after the index was copied: as one in progress it could be aborted, and
 * the parts of the object would go.
 *
 * @returns how many uploads ended.
 */
function endUpload(
  txn: WriteView,
  bucketId: number,
  key: string,
  { uploadId, parts }: NonNullable<FoundObject['manifest']>,
): number {
  const row = uploadKey(bucketId, key, uploadId);
  if (txn.get('uploads', row) === undefined) return 0;
  txn.remove('uploads', row);
  const kept = new Set(parts.map(({ part }) => part.blobId));
  const range = {
    start: partKey(uploadId, 0),
    end: partKey(uploadId, 65_535),
    countMax: PARTS_PAGE_COUNT,
  };
  for (const { key: partRow, value } of txn.range('parts', range)) {
    const { blobId } = decodePart(value);
    if (kept.has(blobId)) continue;
    txn.remove('parts', partRow);
    txn.remove('layouts', blobIdKey(blobId));
  }
  return 1;
}

/** Records whose files are gone: deleted, or replaced by an inline object, since the copy. */
export function dropObjectsAction(
  txn: WriteView,
  input: readonly { readonly bucket: string; readonly bucketId: number; readonly key: string }[],
): void {
  if (input.length === 0) return;
  const sequence = txn.nextSequence();
  input.forEach(({ bucket, bucketId, key }, index) => {
    const row = objectKey(bucketId, key);
    const bytes = txn.get('objects', row);
    if (bytes === undefined) return;
    const record = decodeObject(bytes);
    txn.remove('objects', row);
    retire(txn, bucket, key, record, sequence, index);
    const change = { objectCount: -1, objectBytes: -record.sizeBytes, uploadCount: 0 };
    count(txn, bucketId, change);
  });
}
