/**
 * From records to the versions that operations see.
 *
 * @module
 */

import type { ObjectRecord, PlacementRecord } from '../metadata/records.js';
import type { ObjectVersion } from './store.js';

/** The version id of objects written while versioning was never on. */
export const NULL_VERSION_ID = 'null';

export function etagOf(record: ObjectRecord): string {
  return record.partsCount === 0 ? record.md5Hex : `${record.md5Hex}-${record.partsCount}`;
}

/** What says where the payload of a version is, and whether it is still there. */
export interface PayloadPlace {
  readonly sequence: number;
  readonly placement: PlacementRecord;
}

/** Whether two looks at a key saw one version in one place. Tags of an inline one may differ. */
export function isSamePayload(one: PayloadPlace, other: PayloadPlace): boolean {
  return one.sequence === other.sequence && blobIdOf(one.placement) === blobIdOf(other.placement);
}

function blobIdOf(placement: PlacementRecord): string | undefined {
  return placement.kind === 'inline' ? undefined : placement.blobId;
}

export function versionOf(bucket: string, key: string, record: ObjectRecord): ObjectVersion {
  return {
    bucket,
    key,
    versionId: record.versionId === '' ? NULL_VERSION_ID : record.versionId,
    sequence: record.sequence,
    sizeBytes: record.sizeBytes,
    etag: etagOf(record),
    lastModifiedMs: record.lastModifiedMs,
    attributes: record.attributes,
    tags: record.tags,
    checksum: record.checksum,
    partsCount: record.partsCount === 0 ? undefined : record.partsCount,
    placement: record.placement,
  };
}
