/**
 * From records to the blobs that must be on disk for them, with the sidecars they must have.
 *
 * Rows are looked up as the blobs are asked for, one at a time: an object has up to 10,000 parts,
 * and a layout can hold 80 KiB.
 *
 * @module
 */

import { DamagedRecordError } from '../metadata/record-codec.js';
import type { ObjectRecord, PartRecord } from '../metadata/records.js';
import type { StoreContext } from './context.js';
import { partsOfManifest, requireLayout } from './open-object.js';
import type { ManifestSidecar } from './sidecar.js';
import { partRecords } from './uploads.js';
import type { ExpectedBlob } from './verify-blob.js';

/** Rows of parts looked up at once. */
const PARTS_PAGE_COUNT = 100;

/** Blobs of a version; none for a payload in the index. @throws {DamagedRecordError} */
export function* blobsOfObject(
  context: StoreContext,
  bucket: string,
  key: string,
  record: ObjectRecord,
): Generator<ExpectedBlob> {
  const { placement, versionId, lastModifiedMs, md5Hex: md5, checksum, attributes, tags } = record;
  if (placement.kind === 'inline') return;
  const { blobId } = placement;
  const described = { bucket, key, blobId, lastModifiedMs, md5, checksum, attributes, tags };
  const location = { bucket, key, blobId };
  if (placement.kind === 'plain') {
    const layout = requireLayout(context, blobId, record.sizeBytes);
    yield { location, layout, sidecar: { kind: 'object', ...described, versionId } };
    return;
  }
  const { uploadId } = placement;
  const parts: ManifestSidecar['parts'][number][] = [];
  let sizeBytes = 0;
  for (const { partNumber, part } of partsOfManifest(context, uploadId)) {
    parts.push({ partNumber, sizeBytes: part.sizeBytes, blobId: part.blobId });
    sizeBytes += part.sizeBytes;
  }
  if (sizeBytes !== record.sizeBytes) {
    throw new DamagedRecordError(
      `the parts of upload ${uploadId} hold ${sizeBytes} bytes, not ${record.sizeBytes}`,
    );
  }
  const layout = requireLayout(context, blobId, 0);
  yield {
    location,
    layout,
    sidecar: { kind: 'manifest', ...described, versionId, uploadId, parts },
  };
  for (const { partNumber, part } of partsOfManifest(context, uploadId)) {
    yield blobOfPart(context, { bucket, key, uploadId }, partNumber, part);
  }
}

/** Blobs of an upload in progress. @throws {DamagedRecordError} */
export function* blobsOfUpload(
  context: StoreContext,
  upload: { readonly bucket: string; readonly key: string; readonly uploadId: string },
): Generator<ExpectedBlob> {
  let after = 0;
  for (;;) {
    const page = partRecords(context, upload.uploadId, after, PARTS_PAGE_COUNT);
    for (const { partNumber, part } of page) yield blobOfPart(context, upload, partNumber, part);
    const last = page.at(-1);
    if (last === undefined || page.length < PARTS_PAGE_COUNT) return;
    after = last.partNumber;
  }
}

function blobOfPart(
  context: StoreContext,
  { bucket, key, uploadId }: { bucket: string; key: string; uploadId: string },
  partNumber: number,
  part: PartRecord,
): ExpectedBlob {
  const { blobId, sizeBytes, lastModifiedMs, md5Hex: md5, checksum } = part;
  return {
    location: { bucket, key, blobId },
    layout: requireLayout(context, blobId, sizeBytes),
    sidecar: {
      ...{ kind: 'part', bucket, key, blobId, uploadId, partNumber },
      ...{ lastModifiedMs, md5, checksum },
    },
  };
}
