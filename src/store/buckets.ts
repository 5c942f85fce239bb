/**
 * Buckets: create, find, list, delete.
 *
 * @module
 */

import { afterPrefix, bucketIdKey, configurationKey, justAfter } from '../metadata/keys.js';
import { decodeBucket, decodeConfiguration, decodeCounters } from '../metadata/records.js';
import { configureBucketAction, createBucketAction, deleteBucketAction } from './bucket-actions.js';
import { findBucketRecord, requireBucketRecord, type StoreContext } from './context.js';
import type { Bucket, BucketConfigurationName, BucketCounters, Store } from './store.js';

/** Buckets looked at in one step of a listing. */
const SCAN_COUNT = 256;

export function findBucket(context: StoreContext, bucket: string): Bucket | undefined {
  const record = findBucketRecord(context, bucket);
  return record && { name: bucket, ...record };
}

export function bucketCounters(context: StoreContext, bucket: string): BucketCounters {
  const { id } = requireBucketRecord(context, bucket);
  return decodeCounters(context.environment.get('counters', bucketIdKey(id)));
}

export async function createBucket(
  context: StoreContext,
  input: Parameters<Store['createBucket']>[0],
): Promise<Bucket> {
  context.headroom.require(0);
  const record = await context.environment.write(createBucketAction, {
    configurations: {},
    ...input,
    nowMs: context.nowMs(),
  });
  return { name: input.bucket, ...record };
}

export function bucketConfiguration(
  context: StoreContext,
  bucket: string,
  name: BucketConfigurationName,
): string | undefined {
  const { id } = requireBucketRecord(context, bucket);
  const bytes = context.environment.get('configurations', configurationKey(id, name));
  return bytes === undefined ? undefined : decodeConfiguration(bytes).document;
}

/** @param document - undefined removes what there is. */
export async function configureBucket(
  context: StoreContext,
  bucket: string,
  name: BucketConfigurationName,
  document: string | undefined,
): Promise<void> {
  const { id: bucketId } = requireBucketRecord(context, bucket);
  if (document !== undefined) context.headroom.require(0);
  await context.environment.write(configureBucketAction, { bucket, bucketId, name, document });
}

export async function deleteBucket(context: StoreContext, bucket: string): Promise<void> {
  const { id: bucketId } = requireBucketRecord(context, bucket);
  await context.environment.write(deleteBucketAction, { bucket, bucketId });
}

export function listBuckets(
  context: StoreContext,
  input: {
    readonly account: string;
    readonly prefix: string;
    readonly region?: string | undefined;
    readonly after: string;
    readonly countMax: number;
  },
): { readonly buckets: readonly Bucket[]; readonly isTruncated: boolean } {
  const buckets: Bucket[] = [];
  const prefix = Buffer.from(input.prefix, 'utf8');
  const end = prefix.length === 0 ? Buffer.of(0xff) : afterPrefix(prefix);
  let start = laterOf(prefix.length === 0 ? Buffer.of(0) : prefix, input.after);
  for (;;) {
    const entries = context.environment.range('buckets', { start, end, countMax: SCAN_COUNT });
    for (const entry of entries) {
      const record = decodeBucket(entry.value);
      if (record.account !== input.account) continue;
      if (input.region !== undefined && record.region !== input.region) continue;
      if (buckets.length === input.countMax) return { buckets, isTruncated: true };
      buckets.push({ name: Buffer.from(entry.key).toString('latin1'), ...record });
    }
    const last = entries.at(-1);
    if (last === undefined || entries.length < SCAN_COUNT) return { buckets, isTruncated: false };
    start = justAfter(last.key);
  }
}

function laterOf(start: Buffer, after: string): Buffer {
  if (after === '') return start;
  const resume = justAfter(Buffer.from(after, 'utf8'));
  return Buffer.compare(resume, start) > 0 ? resume : start;
}
