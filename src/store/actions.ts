/**
 * Every change of the index, as actions: pure functions that decide first and write afterwards.
 *
 * `publishObject` is the one commit point of an object version.
 *
 * @see docs/ARCHITECTURE.md, "One commit point"
 * @module
 */

import type { WriteView } from '../metadata/environment.js';
import {
  afterPrefix,
  blobIdKey,
  bucketIdKey,
  bucketKey,
  garbageKey,
  INDEX_FORMAT,
  manifestKey,
  NEXT_BUCKET_ID_KEY,
  objectKey,
  partKey,
  partsOfUploadKey,
  sequenceKey,
  uploadKey,
} from '../metadata/keys.js';
import { decodeNumber, encodeNumber } from '../metadata/record-codec.js';
import {
  decodeBucket,
  decodeCounters,
  decodeObject,
  decodePart,
  decodeUpload,
  encodeBucket,
  encodeCounters,
  encodeGarbage,
  encodeInline,
  encodeLayout,
  encodeManifest,
  encodeObject,
  encodePart,
  encodeUpload,
  type BucketRecord,
  type CountersRecord,
  type GarbageRecord,
  type LayoutRecord,
  type ManifestRecord,
  type ObjectRecord,
  type PartRecord,
  type UploadRecord,
} from '../metadata/records.js';
import { S3Error } from '../s3/errors.js';
import type { WriteConditions } from '../s3/object-attributes.js';
import { checkDeleteCondition, checkWriteConditions } from './conditions.js';

/** Uploads of one key that a deletion marks; far above any real number. */
const UPLOADS_PER_KEY_MAX = 10_000;

export interface CreateBucketInput {
  readonly bucket: string;
  readonly account: string;
  readonly region: string;
  readonly nowMs: number;
}

export function createBucketAction(txn: WriteView, input: CreateBucketInput): BucketRecord {
  const existing = txn.get('buckets', bucketKey(input.bucket));
  if (existing !== undefined) {
    const isOwn = decodeBucket(existing).account === input.account;
    const code = isOwn ? 'BucketAlreadyOwnedByYou' : 'BucketAlreadyExists';
    throw new S3Error(code, { BucketName: input.bucket });
  }
  const idBytes = txn.get('system', NEXT_BUCKET_ID_KEY);
  const id = idBytes === undefined ? 1 : decodeNumber(idBytes);
  const record = {
    id,
    account: input.account,
    region: input.region,
    createdMs: input.nowMs,
  };
  txn.put('system', NEXT_BUCKET_ID_KEY, encodeNumber(id + 1));
  txn.put('buckets', bucketKey(input.bucket), encodeBucket(record));
  txn.nextSequence();
  return record;
}

/** Removes an empty bucket; its uploads in progress become garbage. */
export function deleteBucketAction(txn: WriteView, bucket: string): void {
  const { id } = requireBucket(txn, bucket);
  const prefix = bucketIdKey(id);
  const end = bucketIdKey(id + 1);
  const isEmpty = (['objects', 'versions'] as const).every(
    (table) => txn.range(table, { start: prefix, end, countMax: 1 }).length === 0,
  );
  if (!isEmpty) throw new S3Error('BucketNotEmpty', { BucketName: bucket });
  const sequence = txn.nextSequence();
  const uploads = txn.range('uploads', { start: prefix, end, countMax: Number.MAX_SAFE_INTEGER });
  uploads.forEach((entry, index) => {
    const { key, uploadId } = partsOfUploadKey(entry.key);
    discard(txn, sequence, index, { kind: 'upload', bucket, key, uploadId, blobId: '' });
    txn.remove('uploads', entry.key);
  });
  txn.remove('counters', bucketIdKey(id));
  txn.remove('buckets', bucketKey(bucket));
}

/** What becomes the current version of a key. The sequence is assigned in the transaction. */
export interface PublishObjectInput {
  readonly bucket: string;
  readonly bucketId: number;
  readonly key: string;
  readonly record: Omit<ObjectRecord, 'sequence'>;
  readonly inline: Uint8Array | undefined;
  /** Layout of the blob the placement names. */
  readonly layout: LayoutRecord | undefined;
  readonly conditions: WriteConditions;
}

export function publishObject(txn: WriteView, input: PublishObjectInput): ObjectRecord {
  requireSameBucket(txn, input.bucket, input.bucketId);
  const current = findObject(txn, input.bucketId, input.key);
  checkWriteConditions(input.conditions, current, input.key);
  return replaceObject(txn, input, current, 0);
}

/** Writes the new version over `current` and hands the old payload to the sweeper. */
function replaceObject(
  txn: WriteView,
  input: PublishObjectInput,
  current: ObjectRecord | undefined,
  uploadCountChange: number,
): ObjectRecord {
  const sequence = txn.nextSequence();
  const record: ObjectRecord = {
    ...input.record,
    sequence,
    // A clock that jumped back must not make a newer version look older.
    lastModifiedMs: Math.max(input.record.lastModifiedMs, current?.lastModifiedMs ?? 0),
  };
  txn.put('objects', objectKey(input.bucketId, input.key), encodeObject(record));
  if (input.inline !== undefined)
    txn.put('inline', sequenceKey(sequence), encodeInline(input.inline));
  if (input.layout !== undefined && record.placement.kind !== 'inline') {
    txn.put('layouts', blobIdKey(record.placement.blobId), encodeLayout(input.layout));
  }
  if (current !== undefined) retire(txn, input.bucket, input.key, current, sequence, 0);
  count(txn, input.bucketId, {
    objectCount: current === undefined ? 1 : 0,
    objectBytes: record.sizeBytes - (current?.sizeBytes ?? 0),
    uploadCount: uploadCountChange,
  });
  return record;
}

export interface DeleteObjectsInput {
  readonly bucket: string;
  readonly entries: readonly { readonly key: string; readonly ifMatch: string | undefined }[];
}

/** @returns for each entry whether it was removed, or the refusal of that entry alone. */
export function deleteObjectsAction(
  txn: WriteView,
  input: DeleteObjectsInput,
): readonly (boolean | S3Error)[] {
  const { id } = requireBucket(txn, input.bucket);
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

export interface CreateUploadInput {
  readonly bucket: string;
  readonly key: string;
  readonly uploadId: string;
  readonly record: Omit<UploadRecord, 'startSequence'>;
}

export function createUploadAction(txn: WriteView, input: CreateUploadInput): UploadRecord {
  const { id } = requireBucket(txn, input.bucket);
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

export function putPartAction(txn: WriteView, input: PutPartInput): void {
  const upload = requireUpload(txn, input);
  const key = partKey(input.uploadId, input.partNumber);
  const previous = txn.get('parts', key);
  const replaced = previous === undefined ? undefined : decodePart(previous);
  txn.put('parts', key, encodePart(input.part));
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
    txn.remove('layouts', blobIdKey(replaced.blobId));
  }
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
  const record = replaceObject(txn, input, current, -1);
  txn.put('manifests', manifestKey(input.uploadId), encodeManifest(input.manifest));
  txn.remove('uploads', upload.key);
  input.unused.forEach((part, index) => {
    txn.remove('parts', partKey(input.uploadId, part.partNumber));
    txn.remove('layouts', blobIdKey(part.blobId));
    discard(txn, record.sequence, index + 1, {
      kind: 'blob',
      bucket: input.bucket,
      key: input.key,
      blobId: part.blobId,
    });
  });
  return record;
}

export interface UploadName {
  readonly bucket: string;
  readonly key: string;
  readonly uploadId: string;
}

export function abortUploadAction(txn: WriteView, input: UploadName): void {
  const { bucket, key, uploadId } = input;
  const upload = requireUpload(txn, input);
  txn.remove('uploads', upload.key);
  discard(txn, txn.nextSequence(), 0, { kind: 'upload', bucket, key, uploadId, blobId: '' });
  count(txn, upload.bucketId, { objectCount: 0, objectBytes: 0, uploadCount: -1 });
}

/** Forgets garbage whose files are gone, with the part rows that belonged to it. */
export function forgetGarbageAction(
  txn: WriteView,
  input: readonly {
    readonly key: Uint8Array;
    readonly uploadId: string | undefined;
    readonly parts: readonly { readonly partNumber: number; readonly blobId: string }[];
    readonly blobId: string;
  }[],
): void {
  for (const entry of input) {
    txn.remove('garbage', entry.key);
    if (entry.blobId !== '') txn.remove('layouts', blobIdKey(entry.blobId));
    if (entry.uploadId === undefined) continue;
    txn.remove('manifests', manifestKey(entry.uploadId));
    for (const part of entry.parts) {
      txn.remove('parts', partKey(entry.uploadId, part.partNumber));
      txn.remove('layouts', blobIdKey(part.blobId));
    }
  }
}

/** Begins a new server generation; writes of older ones are refused from here on. */
export function setEpochAction(
  txn: WriteView,
  input: { readonly key: Uint8Array; readonly format: Uint8Array },
): number {
  const bytes = txn.get('system', input.key);
  const epoch = (bytes === undefined ? 0 : decodeNumber(bytes)) + 1;
  txn.put('system', input.key, encodeNumber(epoch));
  txn.put('system', input.format, encodeNumber(INDEX_FORMAT));
  return epoch;
}

function requireBucket(txn: WriteView, bucket: string): BucketRecord {
  const bytes = txn.get('buckets', bucketKey(bucket));
  if (bytes === undefined) throw new S3Error('NoSuchBucket', { BucketName: bucket });
  return decodeBucket(bytes);
}

function requireSameBucket(txn: WriteView, bucket: string, bucketId: number): void {
  if (requireBucket(txn, bucket).id !== bucketId) {
    throw new S3Error('NoSuchBucket', { BucketName: bucket });
  }
}

function findObject(txn: WriteView, bucketId: number, key: string): ObjectRecord | undefined {
  const bytes = txn.get('objects', objectKey(bucketId, key));
  return bytes === undefined ? undefined : decodeObject(bytes);
}

interface FoundUpload {
  readonly key: Buffer;
  readonly record: UploadRecord;
  readonly bucketId: number;
}

function findUpload(txn: WriteView, name: UploadName): FoundUpload | undefined {
  const { id } = requireBucket(txn, name.bucket);
  const key = uploadKey(id, name.key, name.uploadId);
  const bytes = txn.get('uploads', key);
  return bytes && { key, record: decodeUpload(bytes), bucketId: id };
}

function requireUpload(txn: WriteView, name: UploadName): FoundUpload {
  const upload = findUpload(txn, name);
  if (upload === undefined) throw new S3Error('NoSuchUpload', { UploadId: name.uploadId });
  return upload;
}

/** Drops what a version that nobody can see any more kept alive. */
function retire(
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
    txn.remove('layouts', blobIdKey(placement.blobId));
  } else {
    // The rows of parts stay until the files go: a reader may still be on its way through them.
    const { uploadId, blobId } = placement;
    discard(txn, sequence, index, { kind: 'upload', bucket, key, uploadId, blobId });
  }
}

function discard(txn: WriteView, sequence: number, index: number, record: GarbageRecord): void {
  txn.put('garbage', garbageKey(sequence, index), encodeGarbage(record));
}

function markKeyDeleted(txn: WriteView, bucketId: number, key: string): void {
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

function readCounters(txn: WriteView, bucketId: number): CountersRecord {
  return decodeCounters(txn.get('counters', bucketIdKey(bucketId)));
}

function count(txn: WriteView, bucketId: number, change: CountersRecord): void {
  const counters = readCounters(txn, bucketId);
  txn.put(
    'counters',
    bucketIdKey(bucketId),
    encodeCounters({
      ...counters,
      objectCount: counters.objectCount + change.objectCount,
      objectBytes: counters.objectBytes + change.objectBytes,
      uploadCount: counters.uploadCount + change.uploadCount,
    }),
  );
}
