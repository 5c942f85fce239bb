/**
 * Removing payloads that no record refers to: replaced versions, aborted uploads, crash leftovers.
 *
 * Only the process that runs the sweeper uses this; requests never wait for it.
 *
 * @module
 */

import type { Entry } from '../metadata/environment.js';
import { blobIdKey, justAfter, KEEP_ORPHANS_KEY, sequenceOfGarbageKey } from '../metadata/keys.js';
import { decodeGarbage, type GarbageRecord } from '../metadata/payload-records.js';
import { PARTS_COUNT_MAX } from '../s3/limits.js';
import { forgetGarbageAction } from './system-actions.js';
import type { StoreContext } from './context.js';
import { partRecords } from './uploads.js';

/**
 * Decides whether a payload that write `sequence` made garbage may go now. Without an upload: when
 * not, then no later one either.
 */
export type MayReclaim = (sequence: number, uploadId: string | undefined) => boolean;

export interface Reclaimer {
  /**
   * Removes some of what is allowed; repeated until nothing goes, all of it.
   *
   * @returns how many garbage entries went, and whether more wait.
   * @throws {AggregateError} none went, and these are the reasons of those that should have.
   */
  reclaimGarbage(mayReclaim: MayReclaim): Promise<{ removedCount: number; waitingCount: number }>;
  /** Removes what a dead process had staged and not committed. @returns blobs removed. */
  sweepIncarnation(incarnation: string): Promise<number>;
  /** Incarnations with staging marks on disk. */
  stagingIncarnations(): Promise<readonly string[]>;
  /**
   * Walks every blob on disk and removes those that no record knows and that are older than
   * `olderThanMs`. The slow net below the others; needed only after a power cut.
   */
  sweepOrphans(olderThanMs: number): Promise<number>;
}

const BATCH_COUNT = 256;
/** Of one look. A disk that is gone refuses them all. */
const FAULTS_COUNT_MAX = 4096;

export function createReclaimer(context: StoreContext): Reclaimer {
  return {
    reclaimGarbage: (mayReclaim) => reclaimGarbage(context, mayReclaim),
    sweepIncarnation: async (incarnation) => {
      if (areOrphansKept(context)) return 0;
      // Another process may still be about to commit what the dead one asked it to.
      await context.environment.settle(incarnation);
      return context.blobs.sweepStaging(incarnation, (blobId) => isAlive(context, blobId));
    },
    stagingIncarnations: () => context.blobs.stagingIncarnations(),
    sweepOrphans: (olderThanMs) => sweepOrphans(context, olderThanMs),
  };
}

async function reclaimGarbage(
  context: StoreContext,
  mayReclaim: MayReclaim,
): Promise<{ removedCount: number; waitingCount: number }> {
  context.environment.refresh();
  const removed: Parameters<typeof forgetGarbageAction>[1][number][] = [];
  const faults: unknown[] = [];
  let waitingCount = 0;
  // What has to wait or cannot go is passed over: however much it is, it must not keep later ones.
  for (const entry of garbageOf(context)) {
    const sequence = sequenceOfGarbageKey(entry.key);
    const record = decodeGarbage(entry.value);
    const uploadId = record.kind === 'upload' ? record.uploadId : undefined;
    if (!mayReclaim(sequence, uploadId)) {
      waitingCount += 1;
      // Not for the sake of its own readers: all later ones wait as well.
      if (!mayReclaim(sequence, undefined)) break;
      continue;
    }
    try {
      const parts = await removeFiles(context, record);
      removed.push({ key: entry.key, uploadId, parts, blobId: record.blobId });
    } catch (fault) {
      faults.push(fault);
    }
    if (removed.length === BATCH_COUNT || faults.length === FAULTS_COUNT_MAX) break;
  }
  const { environment, reserve } = context;
  if (removed.length > 0) {
    await reserve.spend(() => environment.write(forgetGarbageAction, removed));
  }
  // While others go the next look tries again, and a list of faults never ends the work early.
  if (faults.length > 0 && removed.length === 0) {
    throw new AggregateError(faults, 'some payloads could not be removed');
  }
  return { removedCount: removed.length, waitingCount };
}

/** The garbage list, oldest first, looked up a batch at a time. */
function* garbageOf(context: StoreContext): Generator<Entry> {
  const end = Buffer.of(0xff);
  let start: Buffer = Buffer.of(0);
  for (;;) {
    const range = { start, end, countMax: BATCH_COUNT };
    const entries = context.environment.range('garbage', range);
    yield* entries;
    const last = entries.at(-1);
    if (last === undefined || entries.length < BATCH_COUNT) return;
    start = justAfter(last.key);
  }
}

async function removeFiles(
  context: StoreContext,
  record: GarbageRecord,
): Promise<{ partNumber: number; blobId: string }[]> {
  const { bucket, key, blobId } = record;
  if (blobId !== '') await context.blobs.remove({ bucket, key, blobId });
  if (record.kind === 'blob') return [];
  const parts = partRecords(context, record.uploadId, 0, PARTS_COUNT_MAX).map((one) => ({
    partNumber: one.partNumber,
    blobId: one.part.blobId,
  }));
  for (const part of parts) await context.blobs.remove({ bucket, key, blobId: part.blobId });
  return parts;
}

async function sweepOrphans(context: StoreContext, olderThanMs: number): Promise<number> {
  if (areOrphansKept(context)) return 0;
  let removedCount = 0;
  for await (const blob of context.blobs.walk({ isTidying: true })) {
    if (blob.modifiedMs > context.nowMs() - olderThanMs) continue;
    if (isAlive(context, blob.blobId)) continue;
    // Its age alone proves nothing: clocks jump. What is not staged any more was committed before
    // this moment or never will be, so the index is asked once again.
    if ((await blob.isStaged()) || isAlive(context, blob.blobId)) continue;
    await blob.remove();
    removedCount += 1;
  }
  return removedCount;
}

/**
 * The index holds the layout of a blob as long as it lives or is in the garbage list. Asked of the newest snapshot: in an
 * older one a blob that was committed since would look dead, and its bytes would be removed.
 */
function isAlive(context: StoreContext, blobId: string): boolean {
  context.environment.refresh();
  return context.environment.get('layouts', blobIdKey(blobId)) !== undefined;
}

/** After the index was restored or rebuilt, what it does not know may be newer than it. */
function areOrphansKept(context: StoreContext): boolean {
  context.environment.refresh();
  return context.environment.get('system', KEEP_ORPHANS_KEY) !== undefined;
}
