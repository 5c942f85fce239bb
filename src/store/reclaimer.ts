/**
 * Removing payloads that no record refers to: replaced versions, aborted uploads, crash leftovers.
 *
 * Only the process that runs the sweeper uses this; requests never wait for it.
 *
 * @module
 */

import { blobIdKey, sequenceOfGarbageKey } from '../metadata/keys.js';
import { decodeGarbage, type GarbageRecord } from '../metadata/payload-records.js';
import { PARTS_COUNT_MAX } from '../s3/limits.js';
import { forgetGarbageAction } from './system-actions.js';
import type { StoreContext } from './context.js';
import { partRecords } from './uploads.js';

/** Decides whether a payload that write `sequence` made garbage may go now. */
export type MayReclaim = (sequence: number, uploadId: string | undefined) => boolean;

export interface Reclaimer {
  /** Removes what is allowed. @returns how many garbage entries went, and whether more wait. */
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

export function createReclaimer(context: StoreContext): Reclaimer {
  return {
    reclaimGarbage: (mayReclaim) => reclaimGarbage(context, mayReclaim),
    sweepIncarnation: (incarnation) =>
      context.blobs.sweepStaging(incarnation, (blobId) => isAlive(context, blobId)),
    stagingIncarnations: () => context.blobs.stagingIncarnations(),
    sweepOrphans: (olderThanMs) => sweepOrphans(context, olderThanMs),
  };
}

async function reclaimGarbage(
  context: StoreContext,
  mayReclaim: MayReclaim,
): Promise<{ removedCount: number; waitingCount: number }> {
  context.environment.refresh();
  const entries = context.environment.range('garbage', {
    start: Buffer.of(0),
    end: Buffer.of(0xff),
    countMax: BATCH_COUNT,
  });
  const removed: Parameters<typeof forgetGarbageAction>[1][number][] = [];
  const faults: unknown[] = [];
  for (const entry of entries) {
    const record = decodeGarbage(entry.value);
    const uploadId = record.kind === 'upload' ? record.uploadId : undefined;
    if (!mayReclaim(sequenceOfGarbageKey(entry.key), uploadId)) continue;
    try {
      const parts = await removeFiles(context, record);
      removed.push({ key: entry.key, uploadId, parts, blobId: record.blobId });
    } catch (fault) {
      // One payload that cannot be removed must not keep all later ones.
      faults.push(fault);
    }
  }
  if (removed.length > 0) await context.environment.write(forgetGarbageAction, removed);
  if (faults.length > 0) throw new AggregateError(faults, 'some payloads could not be removed');
  return { removedCount: removed.length, waitingCount: entries.length - removed.length };
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
  let removedCount = 0;
  for await (const blob of context.blobs.walk()) {
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
 * A blob lives exactly as long as the index holds its layout. Asked of the newest snapshot: in an
 * older one a blob that was committed since would look dead, and its bytes would be removed.
 */
function isAlive(context: StoreContext, blobId: string): boolean {
  context.environment.refresh();
  return context.environment.get('layouts', blobIdKey(blobId)) !== undefined;
}
