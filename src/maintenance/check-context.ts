/**
 * What all checks share: the store as it is, where findings go, and how they are made sure of.
 *
 * @module
 */

import { setTimeout as sleep } from 'node:timers/promises';

import type { plainBlobsToRead } from '../blobs/plain-blobs.js';
import type { Entry, Table } from '../metadata/environment.js';
import { justAfter } from '../metadata/keys.js';
import { DamagedRecordError } from '../metadata/record-codec.js';
import type { StoreContext } from '../store/context.js';
import { NewerFormatError } from '../util/newer-format-error.js';
import type { BucketNames } from './bucket-names.js';
import { identityOf, type Finding, type FindingClass } from './findings.js';
import type { IdFilter } from './id-filter.js';

export interface CheckContext {
  /** Reading alone works: it holds no blobs that could be written. */
  readonly store: StoreContext;
  readonly blobs: ReturnType<typeof plainBlobsToRead>;
  readonly basePath: string;
  readonly metadataPath: string;
  readonly buckets: BucketNames;
  /** A server may be writing meanwhile. */
  readonly isOnline: boolean;
  /** Whether every byte of payload is read. */
  readonly isDataVerified: boolean;
  readonly nowMs: number;
  /** Ids of payloads that records refer to. */
  readonly used: IdFilter;
  readonly counts: CheckCounts;
  report(finding: Finding): void;
}

/** Tells of the row at hand. */
export type Report = (name: FindingClass, problem: string) => void;

/** How much was looked at. */
export interface CheckCounts {
  rows: number;
  objects: number;
  blobs: number;
  bytes: number;
  entries: number;
  /** Buckets whose counters could not be compared because they never stood still. */
  uncounted: number;
  /** Records that cannot be read: what they refer to is not known. */
  unreadable: number;
}

const PAGE_COUNT = 500;
/** Above every key. */
const LAST_KEY = Buffer.alloc(64, 0xff);
/** What was being written is done by then, or looks different. */
const RECHECK_MS = 250;
const RECHECKS_COUNT = 2;

/** All rows of a table, a page at a time; the rows of a page are those of the snapshot at hand. */
export function* pagesOf(
  context: { readonly store: Pick<StoreContext, 'environment'> },
  table: Table,
): Generator<readonly Entry[]> {
  let start: Buffer = Buffer.of(0);
  for (;;) {
    context.store.environment.refresh();
    const range = { start, end: LAST_KEY, countMax: PAGE_COUNT };
    const rows = context.store.environment.range(table, range);
    yield rows;
    const last = rows.at(-1);
    if (last === undefined || rows.length < PAGE_COUNT) return;
    start = justAfter(last.key);
  }
}

/**
 * Reports what a look finds. Beside a running server only what further looks on newer snapshots
 * find as well counts: a write in progress is no inconsistency.
 */
export async function reportLasting(
  context: CheckContext,
  look: () => Promise<readonly Finding[]>,
): Promise<void> {
  let findings = await look();
  for (let count = 0; context.isOnline && count < RECHECKS_COUNT; count += 1) {
    if (findings.length === 0) return;
    await sleep(RECHECK_MS);
    context.store.environment.refresh();
    const again = new Set((await look()).map(identityOf));
    findings = findings.filter((finding) => again.has(identityOf(finding)));
  }
  for (const finding of findings) context.report(finding);
}

/** What a fault says about a record. @throws it again when it says nothing. */
export function findingOfRecord(object: string, error: unknown): Finding {
  if (error instanceof DamagedRecordError) {
    return { class: 'record-damaged', object, problem: error.message };
  }
  if (error instanceof NewerFormatError) {
    return { class: 'record-newer', object, problem: error.message };
  }
  throw error;
}

/** The value, or undefined when the bytes are no record; who goes through that table tells. */
export function readable<Value>(read: () => Value): Value | undefined {
  try {
    return read();
  } catch (error) {
    findingOfRecord('', error);
    return undefined;
  }
}
