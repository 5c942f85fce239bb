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
import type { RecordCache } from './record-cache.js';
import type { Reserve } from './reserve.js';

/**
 * The bucket found last, until the code that runs now gives way to anything else: a request asks for
 * its bucket to be authorised and again to be served. Nothing can be committed in between.
 */
export class RecentBucket {
  #name = '';
  #record: BucketRecord | undefined;
  readonly #forget = (): void => {
    this.#record = undefined;
  };

  get(name: string): BucketRecord | undefined {
    return name === this.#name ? this.#record : undefined;
  }

  set(name: string, record: BucketRecord): void {
    this.#name = name;
    this.#record = record;
    queueMicrotask(this.#forget);
  }
}

export interface StoreContext {
  readonly environment: Environment;
  readonly recentBucket: RecentBucket;
  readonly records: RecordCache;
  readonly blobs: BlobStore;
  readonly holds: ReadHolds;
  /** Asked before data is added. */
  readonly headroom: Headroom;
  /** Given up by what frees space. */
  readonly reserve: Reserve;
  /** Payloads up to this size live in the index. */
  readonly inlineBytesMax: number;
  readonly nowMs: () => number;
}

export function findBucketRecord(context: StoreContext, bucket: string): BucketRecord | undefined {
  const known = context.recentBucket.get(bucket);
  if (known !== undefined) return known;
  const bytes = context.environment.get('buckets', bucketKey(bucket));
  if (bytes === undefined) return undefined;
  const record = decodeBucket(bytes);
  context.recentBucket.set(bucket, record);
  return record;
}

/** @throws {S3Error} NoSuchBucket. */
export function requireBucketRecord(context: StoreContext, bucket: string): BucketRecord {
  const record = findBucketRecord(context, bucket);
  if (record === undefined) throw new S3Error('NoSuchBucket', { BucketName: bucket });
  return record;
}

export function findObjectRecord(
  context: StoreContext,
  bucketId: number,
  key: string,
): ObjectRecord | undefined {
  const bytes = context.environment.get('objects', objectKey(bucketId, key));
  return bytes && context.records.decode(`objects ${bucketId} ${key}`, bytes, decodeObject);
}
