/**
 * Multipart uploads in the index, as actions: pure functions that decide first and write afterwards.
 *
 * @module
 */

import type { WriteView } from '../metadata/environment.js';
import { blobIdKey, manifestKey, partKey, uploadKey } from '../metadata/keys.js';
import {
  encodeLayout,
  encodeManifest,
  type LayoutRecord,
  type ManifestRecord,
} from '../metadata/payload-records.js';
import {
  decodePart,
  encodePart,
  encodeUpload,
  type ObjectRecord,
  type PartRecord,
  type UploadRecord,
} from '../metadata/records.js';
import { checkWriteConditions } from './conditions.js';
import { type PublishObjectInput, replaceObject } from './object-actions.js';
import {
  requireSameBucket,
  findObject,
  type UploadName,
  findUpload,
  requireUpload,
  discard,
  count,
  type BucketName,
} from './transaction.js';

export interface CreateUploadInput extends BucketName {
  readonly key: string;
  readonly uploadId: string;
  readonly record: Omit<UploadRecord, 'startSequence'>;
}

export function createUploadAction(txn: WriteView, input: CreateUploadInput): UploadRecord {
  const { bucketId: id } = input;
  requireSameBucket(txn, input.bucket, id);
  const record = { ...input.record, startSequence: txn.nextSequence() };
  txn.put('uploads', uploadKey(id, input.key, input.uploadId), encodeUpload(record));
  count(txn, id, { objectCount: 0, objectBytes: 0, uploadCount: 1 });
  return record;
}

export interface PutPartInput {
  readonly bucket: string;
  readonly key: string;
  readonly uploadId: string;
  readonly partNumber: number;
  readonly part: PartRecord;
  readonly layout: LayoutRecord;
}

/** @returns the part as it is stored. */
export function putPartAction(txn: WriteView, input: PutPartInput): PartRecord {
  const upload = requireUpload(txn, input);
  const key = partKey(input.uploadId, input.partNumber);
  const previous = txn.get('parts', key);
  const replaced = previous === undefined ? undefined : decodePart(previous);
  // A clock that jumped back must not make a part older than its upload, or than what it replaces.
  const notBeforeMs = Math.max(upload.record.initiatedMs, replaced?.lastModifiedMs ?? 0);
  const part = {
    ...input.part,
    lastModifiedMs: Math.max(input.part.lastModifiedMs, notBeforeMs),
  };
  txn.put('parts', key, encodePart(part));
  txn.put('layouts', blobIdKey(input.part.blobId), encodeLayout(input.layout));
  txn.put(
    'uploads',
    upload.key,
    encodeUpload({ ...upload.record, revision: upload.record.revision + 1 }),
  );
  if (replaced !== undefined) {
    const { bucket, key: objectName } = input;
    discard(txn, txn.nextSequence(), 0, {
      kind: 'blob',
      bucket,
      key: objectName,
      blobId: replaced.blobId,
    });
  }
  return part;
}

export interface CompleteUploadInput extends PublishObjectInput {
  readonly uploadId: string;
  /** The revision of the upload that the manifest was made from. */
  readonly revision: number;
  readonly manifest: ManifestRecord;
  /** Parts that were uploaded but not listed. */
  readonly unused: readonly { readonly partNumber: number; readonly blobId: string }[];
}

/**
 * @returns undefined when the upload changed meanwhile: a part arrived and the manifest must be
 * made anew, or the upload is gone, perhaps because the same client completed it twice at once.
 */
export function completeUploadAction(
  txn: WriteView,
  input: CompleteUploadInput,
): ObjectRecord | undefined {
  requireSameBucket(txn, input.bucket, input.bucketId);
  const upload = findUpload(txn, input);
  if (upload?.record.revision !== input.revision) return undefined;
  const current = findObject(txn, input.bucketId, input.key);
  checkWriteConditions(input.conditions, current, input.key, upload.record);
  // A clock that jumped back must not make the object older than its upload.
  const lastModifiedMs = Math.max(input.record.lastModifiedMs, upload.record.initiatedMs);
  const dated = { ...input, record: { ...input.record, lastModifiedMs } };
  const record = replaceObject(txn, dated, current, -1);
  txn.put('manifests', manifestKey(input.uploadId), encodeManifest(input.manifest));
  txn.remove('uploads', upload.key);
  input.unused.forEach((part, index) => {
    txn.remove('parts', partKey(input.uploadId, part.partNumber));
    discard(txn, record.sequence, index + 1, {
      kind: 'blob',
      bucket: input.bucket,
      key: input.key,
      blobId: part.blobId,
    });
  });
  return record;
}

export function abortUploadAction(txn: WriteView, input: UploadName): void {
  const { bucket, key, uploadId } = input;
  const upload = requireUpload(txn, input);
  txn.remove('uploads', upload.key);
  discard(txn, txn.nextSequence(), 0, { kind: 'upload', bucket, key, uploadId, blobId: '' });
  count(txn, upload.bucketId, { objectCount: 0, objectBytes: 0, uploadCount: -1 });
}
