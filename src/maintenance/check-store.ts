/**
 * Checks a whole store: the index, the files it names, and the tree they lie in. It never writes.
 *
 * Memory does not grow with the store, apart from two bytes for each object up to 256 MiB.
 *
 * @module
 */

import { existsSync } from 'node:fs';

import { plainBlobsToRead } from '../blobs/plain-blobs.js';
import type { Environment } from '../metadata/environment.js';
import { openLmdbEnvironment } from '../metadata/lmdb-environment.js';
import { decodeCounters } from '../metadata/records.js';
import { RecentBucket } from '../store/context.js';
import { RecordCache } from '../store/record-cache.js';
import { Headroom } from '../store/headroom.js';
import { ReadHolds } from '../store/read-holds.js';
import { Reserve } from '../store/reserve.js';
import { openMemoryBlobs } from '../blobs/memory-blobs.js';
import { BucketNames } from './bucket-names.js';
import { pagesOf, readable, type CheckContext, type CheckCounts } from './check-context.js';
import { checkCounters } from './check-counters.js';
import { checkFiles } from './check-files.js';
import { checkRows } from './check-rows.js';
import { checkTree } from './check-tree.js';
import { checkUnused } from './check-unused.js';
import { identityOf, type Finding } from './findings.js';
import { IdFilter } from './id-filter.js';

export interface CheckOptions {
  readonly basePath: string;
  readonly metadataPath: string;
  /** A server may be running: nothing that is only being written is reported. */
  readonly isOnline: boolean;
  /** Reads every byte of payload and compares it with the checksum of its block. */
  readonly isDataVerified: boolean;
  /** Called for each finding, once. */
  readonly onFinding: (finding: Finding) => void;
  readonly nowMs?: number;
}

export interface CheckSummary extends Readonly<CheckCounts> {
  readonly findings: number;
}

/** Whether there is anything to check; opening what is not there would make it. */
export function hasIndex(metadataPath: string): boolean {
  return existsSync(`${metadataPath}/data.mdb`);
}

/**
 * @throws {NewerFormatError} a later version wrote the index.
 * @throws when a directory cannot be read.
 */
export async function checkStore(options: CheckOptions): Promise<CheckSummary> {
  const { metadataPath: path } = options;
  const environment = openLmdbEnvironment({
    ...{ path, isFsyncEnabled: true, epoch: undefined, isReadOnly: true },
  });
  try {
    return await checkOver(options, environment);
  } finally {
    await environment.close();
  }
}

async function checkOver(options: CheckOptions, environment: Environment): Promise<CheckSummary> {
  const { basePath, metadataPath, isOnline, isDataVerified, nowMs = Date.now() } = options;
  const counts: CheckCounts = {
    rows: 0,
    objects: 0,
    blobs: 0,
    bytes: 0,
    entries: 0,
    uncounted: 0,
    unreadable: 0,
  };
  let findingsCount = 0;
  let last = '';
  const base = {
    ...{ basePath, metadataPath, isOnline, isDataVerified, nowMs, counts },
    store: {
      environment,
      recentBucket: new RecentBucket(),
      records: new RecordCache({ bytesMax: 0, ttlMs: 1 }),
      blobs: openMemoryBlobs(),
      holds: new ReadHolds(),
      headroom: new Headroom([]),
      reserve: new Reserve(undefined),
      inlineBytesMax: 0,
      nowMs: () => nowMs,
    },
    blobs: plainBlobsToRead(basePath),
    buckets: new BucketNames(environment),
    report: (finding: Finding): void => {
      // Two looks at one row in a row can say the same.
      if (identityOf(finding) === last) return;
      last = identityOf(finding);
      findingsCount += 1;
      options.onFinding(finding);
    },
  };
  const context: CheckContext = { ...base, used: new IdFilter(idsExpected(environment)) };
  for (const check of [checkRows, checkUnused, checkCounters, checkFiles, checkTree]) {
    try {
      await check(context);
    } catch (error) {
      if (!isIndexFault(error)) throw error;
      const problem = error.message;
      context.report({ class: 'index-unreadable', object: metadataPath, problem });
    }
  }
  return { ...counts, findings: findingsCount };
}

/** Objects and uploads by the counters, which may be wrong: then the filter is less sure. */
function idsExpected(environment: Environment): number {
  let count = 0;
  for (const rows of pagesOf({ store: { environment } }, 'counters')) {
    for (const { value } of rows) {
      const counters = readable(() => decodeCounters(value));
      count += (counters?.objectCount ?? 0) + (counters?.uploadCount ?? 0);
    }
  }
  return count;
}

/** LMDB's own faults begin with its name. */
function isIndexFault(error: unknown): error is Error {
  return error instanceof Error && error.message.startsWith('MDB_');
}
