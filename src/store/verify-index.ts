/**
 * Totals against rows: what notices that rows are missing, which no checksum of a row can.
 *
 * @module
 */

import { afterPrefix, bucketIdKey, justAfter } from '../metadata/keys.js';
import { decodeBucket, decodeCounters, decodeObject } from '../metadata/records.js';
import type { StoreContext } from './context.js';
import { damageOf, type Damage } from './damage.js';

const ROWS_PAGE_COUNT = 500;
const UP_TO_THE_LAST = Buffer.of(0xff);

/**
 * Compares the number of rows that the index keeps for each table with those that are there, and
 * the counters of each bucket with its objects. A bucket is compared only if nothing was written
 * while its rows were counted.
 */
export async function verifyIndex(
  context: StoreContext,
  pause: () => Promise<void>,
): Promise<readonly Damage[]> {
  const damages: Damage[] = context.environment.countRows().map((one) => ({
    kind: 'index',
    problem: `table ${one.table} has ${one.foundCount} rows, not ${one.keptCount}`,
  }));
  let start: Buffer = Buffer.of(0);
  for (;;) {
    await pause();
    context.environment.refresh();
    const range = { start, end: UP_TO_THE_LAST, countMax: 1 };
    const [bucket] = context.environment.range('buckets', range);
    if (bucket === undefined) return damages;
    try {
      const { id } = decodeBucket(bucket.value);
      const problem = await differenceOf(context, id, pause);
      const name = Buffer.from(bucket.key).toString('utf8');
      if (problem !== undefined) {
        damages.push({ kind: 'index', problem: `bucket ${name} ${problem}` });
      }
    } catch (error) {
      damages.push(damageOf(error));
    }
    start = justAfter(bucket.key);
  }
}

async function differenceOf(
  context: StoreContext,
  bucketId: number,
  pause: () => Promise<void>,
): Promise<string | undefined> {
  const { environment } = context;
  const sequence = environment.lastSequence();
  const end = afterPrefix(bucketIdKey(bucketId));
  let start = bucketIdKey(bucketId);
  let objectCount = 0;
  let objectBytes = 0;
  for (;;) {
    const rows = environment.range('objects', { start, end, countMax: ROWS_PAGE_COUNT });
    for (const { value } of rows) {
      objectCount += 1;
      objectBytes += decodeObject(value).sizeBytes;
    }
    const last = rows.at(-1);
    if (last === undefined || rows.length < ROWS_PAGE_COUNT) break;
    start = justAfter(last.key);
    await pause();
    environment.refresh();
  }
  if (environment.lastSequence() !== sequence) return undefined;
  const counters = decodeCounters(environment.get('counters', bucketIdKey(bucketId)));
  if (counters.objectCount === objectCount && counters.objectBytes === objectBytes)
    return undefined;
  return (
    `holds ${objectCount} objects of ${objectBytes} bytes, ` +
    `not ${counters.objectCount} of ${counters.objectBytes}`
  );
}
