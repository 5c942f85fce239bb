/**
 * Verifies what is stored, one place at a time: the records of an object or an upload in progress,
 * its payload and its sidecars. The scrubber decides when and how fast.
 *
 * What is damaged now was not only replaced meanwhile: after a finding the newest snapshot is asked
 * whether it still refers to what was read. If not, the place is looked at again.
 *
 * @module
 */

import { decodeCounters } from '../metadata/records.js';
import { findObjectRecord, type StoreContext } from './context.js';
import { damageOf, type Damage, type Place } from './damage.js';
import { blobsOfObject, blobsOfUpload } from './expected-blobs.js';
import { findBucket } from './buckets.js';
import { inlinePayload } from './open-object.js';
import { findUploadRecord } from './upload-record.js';
import { verifyBlob, type ExpectedBlob } from './verify-blob.js';
import { nextPlaces, type PlacePage } from './verify-places.js';
import { verifyIndex } from './verify-index.js';

/** What was found at a place. */
export interface Verified {
  readonly blobCount: number;
  readonly damages: readonly Damage[];
}

/** Called after each read; what it returns is waited for. */
export type OnRead = (byteCount: number) => Promise<void> | void;

export interface Verifier {
  /** The next places after one, objects first, then uploads. */
  placesAfter(after: Place | undefined, countMax: number): PlacePage;
  /** An absent place is in order. */
  verify(place: Place, onRead: OnRead): Promise<Verified>;
  /** Compares totals with rows. @param pause - called between pages of rows. */
  verifyIndex(pause: () => Promise<void>): Promise<readonly Damage[]>;
  /** Objects and their bytes, by the counters. */
  totals(): { readonly objectCount: number; readonly objectBytes: number };
}

/** A place that changes faster than it can be read is left to the next pass. */
const LOOKS_MAX = 5;
/** Enough for an estimate of how far a pass has come. */
const ALL_COUNTERS = { start: Buffer.of(0), end: Buffer.of(0xff), countMax: 10_000 };
const NOTHING: Verified = { blobCount: 0, damages: [] };

export function createVerifier(context: StoreContext): Verifier {
  return {
    placesAfter: (after, countMax) => nextPlaces(context, after, countMax),
    verify: (place, onRead) => verify(context, place, onRead),
    verifyIndex: (pause) => verifyIndex(context, pause),
    totals: () => totalsOf(context),
  };
}

async function verify(context: StoreContext, place: Place, onRead: OnRead): Promise<Verified> {
  for (let look = 0; look < LOOKS_MAX; look += 1) {
    context.environment.refresh();
    const before = snapshotOf(context, place);
    const verified = await verifyNow(context, place, onRead);
    if (verified.damages.length === 0) return verified;
    context.environment.refresh();
    if (snapshotOf(context, place) === before) return verified;
  }
  return NOTHING;
}

/** A text that changes when the place refers to other blobs or other rows. */
function snapshotOf(context: StoreContext, { bucket, key, uploadId }: Place): string {
  try {
    const id = findBucket(context, bucket)?.id;
    if (id === undefined) return 'absent';
    if (uploadId !== undefined) {
      return `${id} ${findUploadRecord(context, bucket, key, uploadId)?.revision}`;
    }
    const record = findObjectRecord(context, id, key);
    const { placement, sequence } = record ?? {};
    return `${id} ${sequence} ${JSON.stringify(placement)}`;
  } catch (error) {
    return damageOf(error).problem;
  }
}

async function verifyNow(context: StoreContext, place: Place, onRead: OnRead): Promise<Verified> {
  let blobCount = 0;
  const damages: Damage[] = [];
  try {
    await verifyInline(context, place, onRead);
    for (const blob of blobsOf(context, place)) {
      for (const { part, problem } of await verifyBlob(context.blobs, blob, onRead)) {
        damages.push({ kind: part, problem });
      }
      blobCount += 1;
    }
  } catch (error) {
    damages.push(damageOf(error));
  }
  return { blobCount, damages };
}

async function verifyInline(context: StoreContext, place: Place, onRead: OnRead): Promise<void> {
  const { bucket, key, uploadId } = place;
  const id = findBucket(context, bucket)?.id;
  if (id === undefined || uploadId !== undefined) return;
  const record = findObjectRecord(context, id, key);
  if (record?.placement.kind !== 'inline') return;
  await onRead(inlinePayload(context, record).byteLength);
}

/** The blobs of a place, after its records were read. */
function* blobsOf(
  context: StoreContext,
  { bucket, key, uploadId }: Place,
): Generator<ExpectedBlob> {
  const found = findBucket(context, bucket);
  if (found === undefined) return;
  if (uploadId !== undefined) {
    const upload = findUploadRecord(context, bucket, key, uploadId);
    if (upload !== undefined) yield* blobsOfUpload(context, { bucket, key, uploadId });
    return;
  }
  const record = findObjectRecord(context, found.id, key);
  if (record === undefined) return;
  yield* blobsOfObject(context, bucket, key, record);
}

function totalsOf(context: StoreContext): { objectCount: number; objectBytes: number } {
  context.environment.refresh();
  let objectCount = 0;
  let objectBytes = 0;
  for (const { value } of context.environment.range('counters', ALL_COUNTERS)) {
    try {
      const counters = decodeCounters(value);
      objectCount += counters.objectCount;
      objectBytes += counters.objectBytes;
    } catch (error) {
      // Told where the index is verified.
      damageOf(error);
    }
  }
  return { objectCount, objectBytes };
}
