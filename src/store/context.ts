/**
 * What the parts of the store share: the index, the blobs and the settings.
 *
 * @module
 */

import type { BlobStore } from '../blobs/blob-store.js';
import type { Environment } from '../metadata/environment.js';
import { bucketKey, objectKey } from '../metadata/keys.js';
import {
  decodeBucket,
  decodeObject,
  type BucketRecord,
  type ObjectRecord,
} from '../metadata/records.js';
import { S3Error } from '../s3/errors.js';
import type { Headroom } from './headroom.js';
import type { ReadHolds } from './read-holds.js';

export interface StoreContext {
  readonly environment: Environment;
  readonly blobs: BlobStore;
  readonly holds: ReadHolds;
  /** Asked before data is added. */
  readonly headroom: Headroom;
  /** Payloads up to this size live in the index. */
  readonly inlineBytesMax: number;
  readonly nowMs: () => number;
}

/** @throws {S3Error} NoSuchBucket. */
export function requireBucketRecord(context: StoreContext, bucket: string): BucketRecord {
  const bytes = context.environment.get('buckets', bucketKey(bucket));
  if (bytes === undefined) throw new S3Error('NoSuchBucket', { BucketName: bucket });
  return decodeBucket(bytes);
}

export function findObjectRecord(
  context: StoreContext,
  bucketId: number,
  key: string,
): ObjectRecord | undefined {
  const bytes = context.environment.get('objects', objectKey(bucketId, key));
  return bytes === undefined ? undefined : decodeObject(bytes);
}
