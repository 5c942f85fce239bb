/**
 * Objects in the index, as actions: pure functions that decide first and write afterwards.
 *
 * `replaceObject` is the one commit point of an object version; `publishObject`, the completion of
 * an upload, appending and renaming lead to it.
 *
 * @see docs/ARCHITECTURE.md, "Decisions"
 * @module
 */

import type { WriteView } from '../metadata/environment.js';
import { afterPrefix, blobIdKey, objectKey, sequenceKey } from '../metadata/keys.js';
import { encodeInline, encodeLayout, type LayoutRecord } from '../metadata/payload-records.js';
import {
  decodeUpload,
  encodeObject,
  encodeUpload,
  type ObjectRecord,
} from '../metadata/records.js';
import type { S3Error } from '../s3/errors.js';
import type { WriteConditions } from '../s3/object-attributes.js';
import type { Tags } from '../s3/tags.js';
import { checkDeleteCondition, checkWriteConditions } from './conditions.js';
import { isSamePayload, type PayloadPlace } from './object-version.js';
import {
  requireSameBucket,
  findObject,
  discard,
  readCounters,
  count,
  type BucketName,
} from './transaction.js';

/** Uploads of one key that a deletion marks; far above any real number. */
const UPLOADS_PER_KEY_MAX = 10_000;

/** What becomes the current version of a key. The sequence is assigned in the transaction. */
export interface PublishObjectInput extends BucketName {
  readonly key: string;
  readonly record: Omit<ObjectRecord, 'sequence'>;
  readonly inline: Uint8Array | undefined;
  /** Layout of the blob the placement names. */
  readonly layout: LayoutRecord | undefined;
  readonly conditions: WriteConditions;
  /** The new version goes on with the payload of the one it replaces: only its manifest goes. */
  readonly isPayloadKept?: boolean;
  /** The version is an old one under a new key. */
  readonly isLastModifiedKept?: boolean;
}

export function publishObject(txn: WriteView, input: PublishObjectInput): ObjectRecord {
  requireSameBucket(txn, input.bucket, input.bucketId);
  const current = findObject(txn, input.bucketId, input.key);
  checkWriteConditions(input.conditions, current, input.key);
  return replaceObject(txn, input, current, 0);
}

/** Writes the new version over `current` and hands the old payload to the sweeper. */
export function replaceObject(
  txn: WriteView,
  input: PublishObjectInput,
  current: ObjectRecord | undefined,
  uploadCountChange: number,
): ObjectRecord {
  const sequence = txn.nextSequence();
  const { lastModifiedMs } = input.record;
  const record: ObjectRecord = {
    ...input.record,
    sequence,
    lastModifiedMs:
      input.isLastModifiedKept === true
        ? lastModifiedMs
        : // A clock that jumped back must not make a newer version look older.
          Math.max(lastModifiedMs, current?.lastModifiedMs ?? 0),
  };
  txn.put('objects', objectKey(input.bucketId, input.key), encodeObject(record));
  if (input.inline !== undefined)
    txn.put('inline', sequenceKey(sequence), encodeInline(input.inline));
  if (input.layout !== undefined && record.placement.kind !== 'inline') {
    txn.put('layouts', blobIdKey(record.placement.blobId), encodeLayout(input.layout));
  }
  if (current !== undefined) {
    const retired = input.isPayloadKept === true ? retireManifest : retire;
    retired(txn, input.bucket, input.key, current, sequence, 0);
  }
  count(txn, input.bucketId, {
    objectCount: current === undefined ? 1 : 0,
    objectBytes: record.sizeBytes - (current?.sizeBytes ?? 0),
    uploadCount: uploadCountChange,
  });
  return record;
}

export interface ReplaceTagsInput extends BucketName {
  readonly key: string;
  /** What was read: the key still holds it, or nothing happens. */
  readonly expected: PayloadPlace;
  readonly tags: Tags;
  /** A blob of the same payload whose sidecar has the new tags; none if there are no files. */
  readonly blob: { readonly blobId: string; readonly layout: LayoutRecord } | undefined;
}

/** @returns false when the key holds something else by now. */
export function replaceTagsAction(txn: WriteView, input: ReplaceTagsInput): boolean {
  const { bucket, bucketId, key, tags, blob } = input;
  requireSameBucket(txn, bucket, bucketId);
  const current = findObject(txn, bucketId, key);
  if (current === undefined || !isSamePayload(current, input.expected)) return false;
  let { placement } = current;
  if (placement.kind !== 'inline' && blob !== undefined) {
    // Of an object of parts this is the blob of the manifest alone: its parts live on.
    discard(txn, txn.nextSequence(), 0, { kind: 'blob', bucket, key, blobId: placement.blobId });
    txn.put('layouts', blobIdKey(blob.blobId), encodeLayout(blob.layout));
    placement = { ...placement, blobId: blob.blobId };
  }
  // The sequence stays: it names the version, and conditions compare versions.
  txn.put('objects', objectKey(bucketId, key), encodeObject({ ...current, tags, placement }));
  return true;
}

export interface DeleteObjectsInput extends BucketName {
  readonly entries: readonly { readonly key: string; readonly ifMatch: string | undefined }[];
}

/** @returns for each entry whether it was removed, or the refusal of that entry alone. */
export function deleteObjectsAction(
  txn: WriteView,
  input: DeleteObjectsInput,
): readonly (boolean | S3Error)[] {
  const { bucketId: id } = input;
  requireSameBucket(txn, input.bucket, id);
  const hasUploads = readCounters(txn, id).uploadCount > 0;
  let sequence = 0;
  let removedBytes = 0;
  let removedCount = 0;
  const results = input.entries.map((entry, index) => {
    const current = findObject(txn, id, entry.key);
    const refusal = checkDeleteCondition(entry.ifMatch, current);
    if (refusal !== undefined) return refusal;
    if (current === undefined) return false;
    if (sequence === 0) sequence = txn.nextSequence();
    txn.remove('objects', objectKey(id, entry.key));
    retire(txn, input.bucket, entry.key, current, sequence, index);
    if (hasUploads) markKeyDeleted(txn, id, entry.key);
    removedBytes += current.sizeBytes;
    removedCount += 1;
    return true;
  });
  if (removedCount > 0) {
    count(txn, id, { objectCount: -removedCount, objectBytes: -removedBytes, uploadCount: 0 });
  }
  return results;
}

/**
 * Drops what a version that nobody can see any more kept alive. Layouts and rows of parts stay until
 * the files go: a reader may still be on its way to them, and what has a layout is left alone by all
 * but the garbage list.
 */
export function retire(
  txn: WriteView,
  bucket: string,
  key: string,
  record: ObjectRecord,
  sequence: number,
  index: number,
): void {
  const { placement } = record;
  if (placement.kind === 'inline') {
    txn.remove('inline', sequenceKey(record.sequence));
  } else if (placement.kind === 'plain') {
    discard(txn, sequence, index, { kind: 'blob', bucket, key, blobId: placement.blobId });
  } else {
    const { uploadId, blobId } = placement;
    discard(txn, sequence, index, { kind: 'upload', bucket, key, uploadId, blobId });
  }
}

/** Drops the manifest of a version whose parts are in a newer manifest; one blob has none. */
function retireManifest(
  txn: WriteView,
  bucket: string,
  key: string,
  { placement }: ObjectRecord,
  sequence: number,
  index: number,
): void {
  if (placement.kind !== 'parts') return;
  const { blobId } = placement;
  discard(txn, sequence, index, { kind: 'blob', bucket, key, blobId });
}

/** Uploads of the key that complete from here on find that it was gone meanwhile. */
export function markKeyDeleted(txn: WriteView, bucketId: number, key: string): void {
  const start = Buffer.concat([objectKey(bucketId, key), Buffer.of(0)]);
  const uploads = txn.range('uploads', {
    start,
    end: afterPrefix(start),
    countMax: UPLOADS_PER_KEY_MAX,
  });
  for (const entry of uploads) {
    txn.put(
      'uploads',
      entry.key,
      encodeUpload({ ...decodeUpload(entry.value), isKeyDeleted: true }),
    );
  }
}
