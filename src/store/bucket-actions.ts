/**
 * Buckets in the index, as actions: pure functions that decide first and write afterwards.
 *
 * @module
 */

import type { WriteView } from '../metadata/environment.js';
import { bucketIdKey, bucketKey, NEXT_BUCKET_ID_KEY, partsOfUploadKey } from '../metadata/keys.js';
import { decodeNumber, encodeNumber } from '../metadata/record-codec.js';
import { decodeBucket, encodeBucket, type BucketRecord } from '../metadata/records.js';
import { S3Error } from '../s3/errors.js';
import { discard, requireSameBucket, type BucketName } from './transaction.js';

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
export function deleteBucketAction(txn: WriteView, input: BucketName): void {
  const { bucket, bucketId: id } = input;
  requireSameBucket(txn, bucket, id);
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
