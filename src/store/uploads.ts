/**
 * Multipart uploads: parts are blobs from the moment they arrive; state lives in the index.
 *
 * @module
 */

import type { BlobLayout } from '../blobs/blob-store.js';
import { partKey, partNumberOfKey } from '../metadata/keys.js';
import { decodePart, type PartRecord } from '../metadata/records.js';
import type { ObjectChecksum } from '../s3/object-attributes.js';
import { newUploadId } from '../util/ids.js';
import { abortUploadAction, createUploadAction, putPartAction } from './upload-actions.js';
import { requireBucketRecord, type StoreContext } from './context.js';
import { writeSidecar } from './sidecar.js';
import { isRefusal } from './staged-object.js';
import { StagedPayload } from './staged-payload.js';
import type { StagedPart, Store, Upload, UploadPart } from './store.js';
import { requireUploadRecord, uploadOf, uploadPartOf } from './upload-record.js';

/** Which part of which upload. */
export interface PartName {
  readonly bucket: string;
  readonly key: string;
  readonly uploadId: string;
  readonly partNumber: number;
}

export async function createUpload(
  context: StoreContext,
  input: Parameters<Store['createUpload']>[0],
): Promise<Upload> {
  const { bucket, key, ...rest } = input;
  const { id: bucketId } = requireBucketRecord(context, bucket);
  context.headroom.require(0);
  const initiatedMs = context.nowMs();
  const uploadId = newUploadId(initiatedMs);
  const record = await context.environment.write(createUploadAction, {
    bucket,
    bucketId,
    key,
    uploadId,
    record: { ...rest, initiatedMs, revision: 0, isKeyDeleted: false },
  });
  return uploadOf(bucket, key, uploadId, record);
}

export function headUpload(
  context: StoreContext,
  bucket: string,
  key: string,
  uploadId: string,
): Upload {
  return uploadOf(bucket, key, uploadId, requireUploadRecord(context, bucket, key, uploadId));
}

export async function abortUpload(
  context: StoreContext,
  bucket: string,
  key: string,
  uploadId: string,
): Promise<void> {
  const { environment, reserve } = context;
  await reserve.spend(() => environment.write(abortUploadAction, { bucket, key, uploadId }));
}

export function stagePart(
  context: StoreContext,
  input: Parameters<Store['stagePart']>[0],
): StagedPart {
  requireUploadRecord(context, input.bucket, input.key, input.uploadId);
  context.headroom.require(input.sizeBytes ?? 0);
  const payload = new StagedPayload(context, { ...input, inlineBytesMax: 0 });
  return {
    write: (piece) => payload.write(piece),
    commit: (commit) => commitPart(context, input, payload, commit),
    [Symbol.asyncDispose]: () => payload[Symbol.asyncDispose](),
  };
}

async function commitPart(
  context: StoreContext,
  input: Parameters<Store['stagePart']>[0],
  payload: StagedPayload,
  { etag, checksum }: Parameters<StagedPart['commit']>[0],
): Promise<UploadPart> {
  const { bucket, key, uploadId, partNumber } = input;
  const lastModifiedMs = context.nowMs();
  const sealed = await payload.seal((blobId, layout) =>
    writeSidecar(
      {
        kind: 'part',
        bucket,
        key,
        blobId,
        uploadId,
        partNumber,
        lastModifiedMs,
        md5: etag,
        checksum,
      },
      layout,
    ),
  );
  if (sealed.kind === 'inline') throw new Error('a part is always a blob');
  const { blobId, layout } = sealed;
  return payload.publish(
    () => addPart(context, input, { blobId, etag, checksum, lastModifiedMs }, layout),
    isRefusal,
  );
}

/** Adds a sealed blob to an upload, in place of an earlier part of the same number. */
export async function addPart(
  context: StoreContext,
  { bucket, key, uploadId, partNumber }: PartName,
  made: {
    readonly blobId: string;
    readonly etag: string;
    readonly checksum: ObjectChecksum;
    readonly lastModifiedMs: number;
  },
  layout: BlobLayout,
): Promise<UploadPart> {
  const { blobId, etag: md5Hex, checksum, lastModifiedMs } = made;
  const part = { blobId, sizeBytes: layout.sizeBytes, md5Hex, lastModifiedMs, checksum };
  const input = { bucket, key, uploadId, partNumber, part, layout };
  const stored = await context.environment.write(putPartAction, input);
  return uploadPartOf(partNumber, stored);
}

/** Parts of an upload in progress, in order, strictly after `afterPartNumber`. */
export function listParts(
  context: StoreContext,
  upload: Upload,
  afterPartNumber: number,
  countMax: number,
): { readonly parts: readonly UploadPart[]; readonly isTruncated: boolean } {
  requireUploadRecord(context, upload.bucket, upload.key, upload.uploadId);
  const found = partRecords(context, upload.uploadId, afterPartNumber, countMax + 1);
  return {
    parts: found.slice(0, countMax).map(({ partNumber, part }) => uploadPartOf(partNumber, part)),
    isTruncated: countMax > 0 && found.length > countMax,
  };
}

/** Part rows of an upload, in order, strictly after `afterPartNumber`. */
export function partRecords(
  context: StoreContext,
  uploadId: string,
  afterPartNumber: number,
  countMax: number,
): { readonly partNumber: number; readonly part: PartRecord }[] {
  return context.environment
    .range('parts', {
      start: partKey(uploadId, Math.min(afterPartNumber + 1, 0xffff)),
      end: partKey(uploadId, 0xffff),
      countMax,
    })
    .map((entry) => ({ partNumber: partNumberOfKey(entry.key), part: decodePart(entry.value) }));
}
