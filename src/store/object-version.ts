/**
 * From records to the versions that operations see.
 *
 * @module
 */

import type { ObjectRecord } from '../metadata/records.js';
import type { ObjectVersion } from './store.js';

/** The version id of objects written while versioning was never on. */
export const NULL_VERSION_ID = 'null';

export function etagOf(record: ObjectRecord): string {
  return record.partsCount === 0 ? record.md5Hex : `${record.md5Hex}-${record.partsCount}`;
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
    checksum: record.checksum,
    partsCount: record.partsCount === 0 ? undefined : record.partsCount,
    placement: record.placement,
  };
}
