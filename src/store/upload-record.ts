/**
 * From upload and part records to what operations see.
 *
 * @module
 */

import { uploadKey } from '../metadata/keys.js';
import { decodeUpload, type PartRecord, type UploadRecord } from '../metadata/records.js';
import { S3Error } from '../s3/errors.js';
import { requireBucketRecord, type StoreContext } from './context.js';
import type { Upload, UploadPart } from './store.js';

export function uploadOf(
  bucket: string,
  key: string,
  uploadId: string,
  record: UploadRecord,
): Upload {
  return {
    bucket,
    key,
    uploadId,
    initiatedMs: record.initiatedMs,
    attributes: record.attributes,
    checksumAlgorithm: record.checksumAlgorithm,
    checksumType: record.checksumType,
    account: record.account,
  };
}

export function uploadPartOf(partNumber: number, record: PartRecord): UploadPart {
  return {
    partNumber,
    sizeBytes: record.sizeBytes,
    etag: record.md5Hex,
    lastModifiedMs: record.lastModifiedMs,
    checksum: record.checksum,
  };
}

/** @throws {S3Error} NoSuchBucket. @returns undefined when there is no such upload. */
export function findUploadRecord(
  context: StoreContext,
  bucket: string,
  key: string,
  uploadId: string,
): UploadRecord | undefined {
  const { id } = requireBucketRecord(context, bucket);
  const bytes = context.environment.get('uploads', uploadKey(id, key, uploadId));
  return bytes === undefined ? undefined : decodeUpload(bytes);
}

/** @throws {S3Error} NoSuchBucket, NoSuchUpload. */
export function requireUploadRecord(
  context: StoreContext,
  bucket: string,
  key: string,
  uploadId: string,
): UploadRecord {
  const record = findUploadRecord(context, bucket, key, uploadId);
  if (record === undefined) throw new S3Error('NoSuchUpload', { UploadId: uploadId });
  return record;
}
