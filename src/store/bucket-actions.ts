/**
 * Buckets in the index, as actions: pure functions that decide first and write afterwards.
 *
 * @module
 */

import type { WriteView } from '../metadata/environment.js';
import {
  bucketIdKey,
  bucketKey,
  configurationKey,
  NEXT_BUCKET_ID_KEY,
  partsOfUploadKey,
} from '../metadata/keys.js';
import { decodeNumber, encodeNumber } from '../metadata/record-codec.js';
import {
  decodeBucket,
  encodeBucket,
  encodeConfiguration,
  type BucketRecord,
} from '../metadata/records.js';
import { S3Error } from '../s3/errors.js';
import type { BucketConfigurationName, BucketConfigurations } from './store.js';
import { discard, requireSameBucket, type BucketName } from './transaction.js';

export interface CreateBucketInput {
  readonly bucket: string;
  readonly account: string;
  readonly region: string;
  readonly nowMs: number;
  readonly configurations: BucketConfigurations;
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
  for (const [name, document] of Object.entries(input.configurations)) {
    txn.put('configurations', configurationKey(id, name), encodeConfiguration({ document }));
  }
  txn.nextSequence();
  return record;
}

export interface ConfigureBucketInput extends BucketName {
  readonly name: BucketConfigurationName;
  /** Undefined removes what there is. */
  readonly document: string | undefined;
}

export function configureBucketAction(txn: WriteView, input: ConfigureBucketInput): void {
  const { bucket, bucketId, name, document } = input;
  requireSameBucket(txn, bucket, bucketId);
  const key = configurationKey(bucketId, name);
  if (document === undefined) txn.remove('configurations', key);
  else txn.put('configurations', key, encodeConfiguration({ document }));
}

/** Removes an empty bucket and its configuration; its uploads in progress become garbage. */
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
  const all = { start: prefix, end, countMax: Number.MAX_SAFE_INTEGER };
  for (const { key } of txn.range('configurations', all)) txn.remove('configurations', key);
  txn.remove('counters', bucketIdKey(id));
  txn.remove('buckets', bucketKey(bucket));
}
