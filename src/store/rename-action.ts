/**
 * Renaming in the index, as an action: in one transaction the source is gone and the target there.
 *
 * @module
 */

import { sequenceKey, objectKey } from '../metadata/keys.js';
import type { WriteView } from '../metadata/environment.js';
import { DamagedRecordError } from '../metadata/record-codec.js';
import { decodeInline, type LayoutRecord } from '../metadata/payload-records.js';
import type { ObjectRecord, PlacementRecord } from '../metadata/records.js';
import { withRenameMemory, type RenameMemory } from '../metadata/rename-memory.js';
import type { WriteConditions } from '../s3/object-attributes.js';
import { checkWriteConditions } from './conditions.js';
import { markKeyDeleted, replaceObject, retire } from './object-actions.js';
import { isSamePayload, type PayloadPlace } from './object-version.js';
import {
  count,
  findObject,
  putManifest,
  readCounters,
  requireSameBucket,
  type BucketName,
  type ManifestInput,
} from './transaction.js';

/** Where the payload lies under its new key. */
export interface MovedPayload {
  readonly placement: PlacementRecord;
  /** Layout of the blob the placement names; undefined for an inline payload. */
  readonly layout: LayoutRecord | undefined;
  /** The parts under their new key. */
  readonly manifest: ManifestInput | undefined;
}

export interface RenameActionInput extends BucketName {
  readonly sourceKey: string;
  /** What `moved` was made from: the version and where it lay. */
  readonly source: PayloadPlace;
  readonly key: string;
  readonly moved: MovedPayload;
  readonly memory: RenameMemory | undefined;
  readonly conditions: WriteConditions;
}

/** @returns undefined when the source is another version by now, has moved, or is gone. */
export function renameObjectAction(
  txn: WriteView,
  input: RenameActionInput,
): ObjectRecord | undefined {
  const { bucket, bucketId, key, sourceKey, moved, conditions } = input;
  requireSameBucket(txn, bucket, bucketId);
  const source = findObject(txn, bucketId, sourceKey);
  // New tags move a payload in files; of one in the index they are those of the record here.
  if (source === undefined || !isSamePayload(source, input.source)) return undefined;
  const current = findObject(txn, bucketId, key);
  checkWriteConditions(conditions, current, key);
  const extensions = withRenameMemory(source, input.memory);
  const record = replaceObject(
    txn,
    {
      ...{ bucket, bucketId, key, conditions, layout: moved.layout, isLastModifiedKept: true },
      record: { ...source, placement: moved.placement, extensions },
      inline: moved.placement.kind === 'inline' ? inlineBytes(txn, source) : undefined,
    },
    current,
    0,
  );
  if (moved.manifest !== undefined) putManifest(txn, moved.manifest);
  txn.remove('objects', objectKey(bucketId, sourceKey));
  retire(txn, bucket, sourceKey, source, record.sequence, 1);
  if (readCounters(txn, bucketId).uploadCount > 0) markKeyDeleted(txn, bucketId, sourceKey);
  count(txn, bucketId, { objectCount: -1, objectBytes: -source.sizeBytes, uploadCount: 0 });
  return record;
}

function inlineBytes(txn: WriteView, { sequence }: ObjectRecord): Uint8Array {
  const bytes = txn.get('inline', sequenceKey(sequence));
  if (bytes === undefined) throw new DamagedRecordError(`inline payload ${sequence} is missing`);
  return decodeInline(bytes);
}
