/**
 * Totals against rows: what notices that rows are missing, which no checksum of a row can.
 *
 * @module
 */

import type { Table } from '../metadata/environment.js';
import { bucketIdKey, justAfter } from '../metadata/keys.js';
import { decodeBucket, decodeCounters, decodeObject } from '../metadata/records.js';
import { asBuffer } from '../util/bytes.js';
import { pagesOf, readable, type CheckContext } from './check-context.js';

const PAGE_COUNT = 1000;
/** Rows counted in one turn, from one snapshot, beside a server: some seconds at most. */
const SNAPSHOT_ROWS_MAX = 1_000_000;

interface Totals {
  objectCount: number;
  objectBytes: number;
  uploadCount: number;
}

/** Compares the counters of each bucket, and the number of rows LMDB keeps for each table. */
export async function checkCounters(context: CheckContext): Promise<void> {
  for (const { table, keptCount, foundCount } of context.store.environment.countRows()) {
    const problem = `it has ${foundCount} rows, not ${keptCount}`;
    context.report({ class: 'table-count', object: `table ${table}`, problem });
  }
  for (const rows of pagesOf(context, 'buckets')) {
    for (const { key, value } of rows) {
      const id = readable(() => decodeBucket(value).id);
      const name = asBuffer(key).toString('utf8');
      if (id !== undefined) await checkBucket(context, name, id);
    }
  }
}

async function checkBucket(context: CheckContext, name: string, id: number): Promise<void> {
  const { environment } = context.store;
  environment.refresh();
  const kept = countersOf(context, id);
  if (kept === undefined) return;
  const isSmall = kept.objectCount + kept.uploadCount <= SNAPSHOT_ROWS_MAX;
  // A store at rest is one snapshot anyway.
  const mayPause = !context.isOnline || !isSmall;
  const sequence = readable(() => environment.lastSequence());
  const found = await count(context, id, mayPause);
  if (mayPause && readable(() => environment.lastSequence()) !== sequence) {
    context.counts.uncounted += 1;
    return;
  }
  // Deleted meanwhile, with its counters.
  if (context.buckets.idOf(name) !== id || found === undefined) return;
  for (const what of ['objectCount', 'objectBytes', 'uploadCount'] as const) {
    if (found[what] === kept[what]) continue;
    const problem = `its ${what} is ${kept[what]}, and its rows make ${found[what]}`;
    context.report({ class: 'counters-wrong', object: `bucket ${name}`, problem });
  }
}

function countersOf({ store: { environment } }: CheckContext, id: number): Totals | undefined {
  return readable(() => decodeCounters(environment.get('counters', bucketIdKey(id))));
}

/** @returns undefined when a record cannot be read, which is told elsewhere. */
async function count(
  context: CheckContext,
  id: number,
  mayPause: boolean,
): Promise<Totals | undefined> {
  const totals: Totals = { objectCount: 0, objectBytes: 0, uploadCount: 0 };
  let isReadable = true;
  for (const table of ['objects', 'uploads'] as const) {
    for (const rows of rowsOf(context, table, id)) {
      for (const { value } of rows) {
        if (table === 'uploads') totals.uploadCount += 1;
        else {
          totals.objectCount += 1;
          const sizeBytes = readable(() => decodeObject(value).sizeBytes);
          isReadable &&= sizeBytes !== undefined;
          totals.objectBytes += sizeBytes ?? 0;
        }
      }
      if (!mayPause) continue;
      await new Promise(setImmediate);
      context.store.environment.refresh();
    }
  }
  return isReadable ? totals : undefined;
}

function* rowsOf({ store: { environment } }: CheckContext, table: Table, id: number) {
  const end = bucketIdKey(id + 1);
  let start: Buffer = bucketIdKey(id);
  for (;;) {
    const rows = environment.range(table, { start, end, countMax: PAGE_COUNT });
    yield rows;
    const last = rows.at(-1);
    if (last === undefined || rows.length < PAGE_COUNT) return;
    start = justAfter(last.key);
  }
}
