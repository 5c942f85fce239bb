/**
 * Reading: from a key to verified bytes.
 *
 * @module
 */

import type { BlobReader } from '../blobs/blob-store.js';
import { blobIdKey, manifestKey, partKey, sequenceKey } from '../metadata/keys.js';
import {
  decodeInline,
  decodeLayout,
  decodeManifest,
  type LayoutRecord,
  type ManifestRecord,
} from '../metadata/payload-records.js';
import { decodePart, type ObjectRecord, type PartRecord } from '../metadata/records.js';
import { DamagedRecordError } from '../metadata/record-codec.js';
import { S3Error } from '../s3/errors.js';
import { assertVersionId } from '../s3/version-id.js';
import { findObjectRecord, requireBucketRecord, type StoreContext } from './context.js';
import { NULL_VERSION_ID, versionOf } from './object-version.js';
import type { ByteRange, ObjectPart, ObjectVersion, OpenObject } from './store.js';

/** @throws {S3Error} InvalidArgument, NoSuchBucket, NoSuchKey, NoSuchVersion. */
export function headObject(
  context: StoreContext,
  bucket: string,
  key: string,
  versionId: string | undefined,
): ObjectVersion {
  return versionOf(bucket, key, requireRecord(context, bucket, key, versionId));
}

/** @throws {S3Error} NoSuchBucket. */
export function findObject(
  context: StoreContext,
  bucket: string,
  key: string,
): ObjectVersion | undefined {
  const { id } = requireBucketRecord(context, bucket);
  const record = findObjectRecord(context, id, key);
  return record && versionOf(bucket, key, record);
}

/** Opens the payload; everything that can be missing is missed here, not while streaming. */
export async function openObject(
  context: StoreContext,
  bucket: string,
  key: string,
  versionId: string | undefined,
): Promise<OpenObject> {
  const record = requireRecord(context, bucket, key, versionId);
  return openVersion(context, versionOf(bucket, key, record));
}

/** Opens a version found in this same turn of the event loop. */
export async function openVersion(
  context: StoreContext,
  version: ObjectVersion,
): Promise<OpenObject> {
  const { placement } = version;
  if (placement.kind === 'inline') return openInline(context, version);
  if (placement.kind === 'parts') return openParts(context, version, placement.uploadId);
  const layout = requireLayout(context, placement.blobId, version.sizeBytes);
  const endOpen = context.holds.beginOpen(context.environment.lastSequence());
  try {
    const { bucket, key } = version;
    const reader = await context.blobs.open({ bucket, key, blobId: placement.blobId }, layout);
    return {
      version,
      read: ({ startByte, endByte }, isLent) => reader.read(startByte, endByte, isLent),
      close: () => {
        reader.close();
      },
    };
  } finally {
    endOpen();
  }
}

export function objectPart(
  context: StoreContext,
  version: ObjectVersion,
  partNumber: number,
): ObjectPart | undefined {
  return objectParts(context, version, partNumber - 1, 1)[0];
}

/** Parts by their position, 1 to count, whatever numbers the client uploaded them under. */
export function objectParts(
  context: StoreContext,
  version: ObjectVersion,
  afterPartNumber: number,
  countMax: number,
): readonly ObjectPart[] {
  const { placement } = version;
  if (placement.kind !== 'parts') return [];
  const manifest = requireManifest(context, placement.uploadId);
  const parts: ObjectPart[] = [];
  let startByte = 0;
  manifest.parts.forEach((part, index) => {
    if (index >= afterPartNumber && parts.length < countMax) {
      const record = requirePart(context, placement.uploadId, part.partNumber);
      const isSame = record.checksum.algorithm === version.checksum?.algorithm;
      parts.push({
        partNumber: index + 1,
        startByte,
        sizeBytes: part.sizeBytes,
        checksum: isSame ? record.checksum.value : undefined,
      });
    }
    startByte += part.sizeBytes;
  });
  return parts;
}

/** The payload of a version that lies in the index. @throws {DamagedRecordError} */
export function inlinePayload(
  context: StoreContext,
  { sequence, sizeBytes }: { readonly sequence: number; readonly sizeBytes: number },
): Buffer {
  const bytes = context.environment.get('inline', sequenceKey(sequence));
  if (bytes === undefined) throw new DamagedRecordError(`inline payload ${sequence} is missing`);
  const payload = decodeInline(bytes);
  if (payload.length === sizeBytes) return payload;
  throw new DamagedRecordError(
    `inline payload ${sequence} holds ${payload.length} bytes, not ${sizeBytes}`,
  );
}

function openInline(context: StoreContext, version: ObjectVersion): OpenObject {
  const payload = inlinePayload(context, version);
  return {
    version,
    read: ({ startByte, endByte }) => payload.subarray(startByte, endByte),
    close: () => undefined,
  };
}

function openParts(context: StoreContext, version: ObjectVersion, uploadId: string): OpenObject {
  const manifest = requireManifest(context, uploadId);
  const sizeBytes = manifest.parts.reduce((sum, part) => sum + part.sizeBytes, 0);
  // More is well: bytes may have been appended since the version was looked up.
  if (sizeBytes < version.sizeBytes) {
    throw new DamagedRecordError(
      `manifest of upload ${uploadId} is for ${sizeBytes} bytes, not ${version.sizeBytes}`,
    );
  }
  const release = context.holds.holdUpload(uploadId);
  return {
    version,
    read: (range, isLent) => readParts(context, version, { uploadId, manifest }, range, isLent),
    close: release,
  };
}

async function* readParts(
  context: StoreContext,
  version: ObjectVersion,
  { uploadId, manifest }: { readonly uploadId: string; readonly manifest: ManifestRecord },
  range: ByteRange,
  isLent: boolean | undefined,
): AsyncGenerator<Uint8Array> {
  let partStart = 0;
  for (const part of manifest.parts) {
    const partEnd = partStart + part.sizeBytes;
    const startByte = Math.max(range.startByte, partStart);
    const endByte = Math.min(range.endByte, partEnd);
    if (startByte < endByte) {
      const reader = await openPart(context, version, uploadId, part);
      try {
        yield* reader.read(startByte - partStart, endByte - partStart, isLent);
      } finally {
        reader.close();
      }
    }
    partStart = partEnd;
    if (partStart >= range.endByte) return;
  }
}

async function openPart(
  context: StoreContext,
  version: ObjectVersion,
  uploadId: string,
  { partNumber, sizeBytes: partBytes }: ManifestRecord['parts'][number],
): Promise<BlobReader> {
  const { bucket, key } = version;
  const { blobId, sizeBytes } = requirePart(context, uploadId, partNumber);
  if (sizeBytes !== partBytes) {
    throw new DamagedRecordError(
      `part ${partNumber} of upload ${uploadId} holds ${sizeBytes} bytes, not ${partBytes}`,
    );
  }
  const layout = requireLayout(context, blobId, sizeBytes);
  return context.blobs.open({ bucket, key, blobId }, layout);
}

export function requireRecord(
  context: StoreContext,
  bucket: string,
  key: string,
  versionId: string | undefined,
): ObjectRecord {
  const { id } = requireBucketRecord(context, bucket);
  if (versionId !== undefined && versionId !== NULL_VERSION_ID) assertVersionId(versionId);
  const record = findObjectRecord(context, id, key);
  if (versionId === undefined) {
    if (record === undefined) throw new S3Error('NoSuchKey', { Key: key });
    return record;
  }
  const wanted = versionId === NULL_VERSION_ID ? '' : versionId;
  if (record?.versionId !== wanted) {
    throw new S3Error('NoSuchVersion', { Key: key, VersionId: versionId });
  }
  return record;
}

/** The parts of a completed upload, in order, with the row of each. */
export function partsOfManifest(
  context: StoreContext,
  uploadId: string,
): readonly { readonly partNumber: number; readonly part: PartRecord }[] {
  return requireManifest(context, uploadId).parts.map(({ partNumber }) => ({
    partNumber,
    part: requirePart(context, uploadId, partNumber),
  }));
}

/** @param sizeBytes - what another record says of the blob; the two must agree. */
export function requireLayout(
  context: StoreContext,
  blobId: string,
  sizeBytes: number,
): LayoutRecord {
  const bytes = context.environment.get('layouts', blobIdKey(blobId));
  if (bytes === undefined) throw new DamagedRecordError(`layout of blob ${blobId} is missing`);
  const layout = decodeLayout(bytes);
  if (layout.sizeBytes === sizeBytes) return layout;
  throw new DamagedRecordError(
    `layout of blob ${blobId} is for ${layout.sizeBytes} bytes, not ${sizeBytes}`,
  );
}

function requireManifest(context: StoreContext, uploadId: string): ManifestRecord {
  const bytes = context.environment.get('manifests', manifestKey(uploadId));
  if (bytes === undefined)
    throw new DamagedRecordError(`manifest of upload ${uploadId} is missing`);
  return context.records.decode(`manifests ${uploadId}`, bytes, decodeManifest);
}

function requirePart(context: StoreContext, uploadId: string, partNumber: number): PartRecord {
  const bytes = context.environment.get('parts', partKey(uploadId, partNumber));
  if (bytes === undefined) {
    throw new DamagedRecordError(`part ${partNumber} of upload ${uploadId} is missing`);
  }
  return decodePart(bytes);
}
