/**
 * What the actions on the index share: finding records inside a transaction, and bookkeeping.
 *
 * @module
 */

import type { WriteView } from '../metadata/environment.js';
import {
  blobIdKey,
  bucketIdKey,
  bucketKey,
  garbageKey,
  manifestKey,
  objectKey,
  partKey,
  uploadKey,
} from '../metadata/keys.js';
import {
  encodeGarbage,
  encodeLayout,
  encodeManifest,
  type GarbageRecord,
  type LayoutRecord,
  type ManifestRecord,
} from '../metadata/payload-records.js';
import {
  decodeBucket,
  decodeCounters,
  decodeObject,
  decodeUpload,
  encodeCounters,
  encodePart,
  type BucketRecord,
  type CountersRecord,
  type ObjectRecord,
  type PartRecord,
  type UploadRecord,
} from '../metadata/records.js';
import { S3Error } from '../s3/errors.js';

/** A bucket by its name, and the one that had this name when the request was authorised. */
export interface BucketName {
  readonly bucket: string;
  readonly bucketId: number;
}

export function requireBucket(txn: WriteView, bucket: string): BucketRecord {
  const bytes = txn.get('buckets', bucketKey(bucket));
  if (bytes === undefined) throw new S3Error('NoSuchBucket', { BucketName: bucket });
  return decodeBucket(bytes);
}

/** A name may have passed to another account since; its bucket has another id then. */
export function requireSameBucket(txn: WriteView, bucket: string, bucketId: number): void {
  if (requireBucket(txn, bucket).id !== bucketId) {
    throw new S3Error('NoSuchBucket', { BucketName: bucket });
  }
}

export function findObject(
  txn: WriteView,
  bucketId: number,
  key: string,
): ObjectRecord | undefined {
  const bytes = txn.get('objects', objectKey(bucketId, key));
  return bytes === undefined ? undefined : decodeObject(bytes);
}

export interface UploadName {
  readonly bucket: string;
  readonly key: string;
  readonly uploadId: string;
}

interface FoundUpload {
  readonly key: Buffer;
  readonly record: UploadRecord;
  readonly bucketId: number;
}

export function findUpload(txn: WriteView, name: UploadName): FoundUpload | undefined {
  const { id } = requireBucket(txn, name.bucket);
  const key = uploadKey(id, name.key, name.uploadId);
  const bytes = txn.get('uploads', key);
  return bytes && { key, record: decodeUpload(bytes), bucketId: id };
}

export function requireUpload(txn: WriteView, name: UploadName): FoundUpload {
  const upload = findUpload(txn, name);
  if (upload === undefined) throw new S3Error('NoSuchUpload', { UploadId: name.uploadId });
  return upload;
}

export function discard(
  txn: WriteView,
  sequence: number,
  index: number,
  record: GarbageRecord,
): void {
  txn.put('garbage', garbageKey(sequence, index), encodeGarbage(record));
}

/** A manifest and the rows of its parts that the index does not have yet. */
export interface ManifestInput {
  readonly uploadId: string;
  readonly manifest: ManifestRecord;
  readonly parts: readonly {
    readonly partNumber: number;
    readonly part: PartRecord;
    /** Undefined for a blob that was alive before. */
    readonly layout: LayoutRecord | undefined;
  }[];
}

export function putManifest(txn: WriteView, input: ManifestInput): void {
  const { uploadId } = input;
  txn.put('manifests', manifestKey(uploadId), encodeManifest(input.manifest));
  for (const { partNumber, part, layout } of input.parts) {
    txn.put('parts', partKey(uploadId, partNumber), encodePart(part));
    if (layout !== undefined) txn.put('layouts', blobIdKey(part.blobId), encodeLayout(layout));
  }
}

export function readCounters(txn: WriteView, bucketId: number): CountersRecord {
  return decodeCounters(txn.get('counters', bucketIdKey(bucketId)));
}

export function count(txn: WriteView, bucketId: number, change: CountersRecord): void {
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
