/**
 * CompleteMultipartUpload: checks the client's list against the parts and publishes a manifest.
 *
 * No payload byte is read or copied: ETag and checksum are made from those of the parts.
 *
 * @module
 */

import { manifestKey } from '../metadata/keys.js';
import { decodeManifest } from '../metadata/payload-records.js';
import type { PartRecord, UploadRecord } from '../metadata/records.js';
import {
  combineFullObject,
  compositeChecksum,
  DEFAULT_CHECKSUM_ALGORITHM,
  type CombinableAlgorithm,
} from '../s3/checksums.js';
import { invalidRequest, S3Error } from '../s3/errors.js';
import { multipartEtag } from '../s3/etag.js';
import { PARTS_COUNT_MAX } from '../s3/limits.js';
import type { ObjectChecksum } from '../s3/object-attributes.js';
import { newBlobId } from '../util/ids.js';
import { completeUploadAction } from './upload-actions.js';
import { findObjectRecord, requireBucketRecord, type StoreContext } from './context.js';
import { sealManifest } from './manifest.js';
import { versionOf } from './object-version.js';
import { isRefusal } from './staged-object.js';
import type { CompleteUpload, ObjectVersion } from './store.js';
import { findUploadRecord } from './upload-record.js';
import { partRecords } from './uploads.js';

interface ChosenPart {
  readonly partNumber: number;
  readonly part: PartRecord;
}

/** Parts that arrive while a completion runs make it start over, this often at most. */
const ATTEMPTS_MAX = 10;

export async function completeUpload(
  context: StoreContext,
  input: CompleteUpload,
): Promise<ObjectVersion> {
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt += 1) {
    context.environment.refresh();
    const upload = findUploadRecord(context, input.bucket, input.key, input.uploadId);
    if (upload === undefined) return repeatedCompletion(context, input);
    const version = await tryComplete(context, input, upload);
    if (version !== undefined) return version;
  }
  throw new S3Error('OperationAborted', { UploadId: input.uploadId });
}

async function tryComplete(
  context: StoreContext,
  input: CompleteUpload,
  upload: UploadRecord,
): Promise<ObjectVersion | undefined> {
  const { bucket, key, uploadId } = input;
  const { id: bucketId } = requireBucketRecord(context, bucket);
  const stored = partRecords(context, uploadId, 0, PARTS_COUNT_MAX);
  checkListedChecksums(input, upload);
  const chosen = chooseParts(input, stored);
  const sizeBytes = checkSizes(input, chosen);
  const checksum = checksumOfParts(upload, chosen);
  checkExpectation(input, checksum, chosen.length);
  const etag = multipartEtag(chosen.map(({ part }) => part.md5Hex));
  const md5Hex = etag.slice(0, 32);
  const lastModifiedMs = context.nowMs();
  const blobId = newBlobId(lastModifiedMs);
  const { attributes, tags } = upload;
  const parts = chosen.map(({ partNumber, part }) => ({
    partNumber,
    sizeBytes: part.sizeBytes,
    blobId: part.blobId,
  }));

  context.headroom.require(0);
  const blob = await sealManifest(context, {
    ...{ bucket, key, blobId, lastModifiedMs },
    ...{ md5: md5Hex, checksum, attributes, tags, uploadId, parts },
  });
  try {
    const used = new Set(chosen.map(({ partNumber }) => partNumber));
    const record = await context.environment.write(completeUploadAction, {
      bucket,
      bucketId,
      key,
      uploadId,
      revision: upload.revision,
      record: {
        ...{ versionId: '', sizeBytes, md5Hex, partsCount: chosen.length, lastModifiedMs },
        ...{ checksum, placement: { kind: 'parts', blobId, uploadId }, attributes, tags },
      },
      inline: undefined,
      layout: blob.layout,
      conditions: input.conditions,
      manifest: { parts },
      unused: stored
        .filter(({ partNumber }) => !used.has(partNumber))
        .map(({ partNumber, part }) => ({ partNumber, blobId: part.blobId })),
    });
    if (record === undefined) {
      await blob[Symbol.asyncDispose]();
      return undefined;
    }
    await blob.keep();
    return versionOf(bucket, key, record);
  } catch (error) {
    // After any other failure the commit may have happened: the sweeper decides by the index.
    if (isRefusal(error)) await blob[Symbol.asyncDispose]();
    throw error;
  }
}

/** A client that did not see the answer may ask again; the same list gives the same version. */
function repeatedCompletion(context: StoreContext, input: CompleteUpload): ObjectVersion {
  const { bucket, key, uploadId } = input;
  const { id } = requireBucketRecord(context, bucket);
  const record = findObjectRecord(context, id, key);
  const missing = new S3Error('NoSuchUpload', { UploadId: uploadId });
  if (record?.placement.kind !== 'parts' || record.placement.uploadId !== uploadId) throw missing;
  const bytes = context.environment.get('manifests', manifestKey(uploadId));
  if (bytes === undefined) throw missing;
  const { parts } = decodeManifest(bytes);
  const stored = new Map(
    partRecords(context, uploadId, 0, PARTS_COUNT_MAX).map((one) => [one.partNumber, one.part]),
  );
  const isSame =
    parts.length === input.parts.length &&
    input.parts.every(
      ({ partNumber, etag }, index) =>
        partNumber === parts[index]?.partNumber && etag === stored.get(partNumber)?.md5Hex,
    );
  if (!isSame) throw missing;
  return versionOf(bucket, key, record);
}

/** A composite checksum is the client's own statement, so every part of it must be listed. */
function checkListedChecksums(input: CompleteUpload, upload: UploadRecord): void {
  const { checksumAlgorithm: algorithm, checksumType } = upload;
  for (const { partNumber, etag, checksums } of input.parts) {
    if (algorithm === undefined) {
      if (Object.keys(checksums).length === 0) continue;
      const details = { UploadId: input.uploadId, PartNumber: partNumber, ETag: etag };
      throw new S3Error('InvalidPart', details);
    }
    if (checksumType === 'FULL_OBJECT' || checksums[algorithm] !== undefined) continue;
    const message = `The upload was created using a ${algorithm.toLowerCase()} checksum. The complete request must include the checksum for each part. It was missing for part ${partNumber} in the request.`;
    throw invalidRequest(message);
  }
}

function chooseParts(input: CompleteUpload, stored: readonly ChosenPart[]): readonly ChosenPart[] {
  const byNumber = new Map(stored.map((one) => [one.partNumber, one]));
  let previous = 0;
  for (const { partNumber } of input.parts) {
    if (partNumber <= previous) throw new S3Error('InvalidPartOrder', { UploadId: input.uploadId });
    previous = partNumber;
  }
  return input.parts.map((listed) => {
    const found = byNumber.get(listed.partNumber);
    const repeated = found && listed.checksums[found.part.checksum.algorithm];
    const isDifferent = repeated !== undefined && repeated !== found?.part.checksum.value;
    if (found?.part.md5Hex !== listed.etag || isDifferent) {
      throw new S3Error('InvalidPart', {
        UploadId: input.uploadId,
        PartNumber: listed.partNumber,
        ETag: listed.etag,
      });
    }
    return found;
  });
}

/** @returns the size of the object. */
function checkSizes(input: CompleteUpload, chosen: readonly ChosenPart[]): number {
  let sizeBytes = 0;
  chosen.forEach(({ partNumber, part }, index) => {
    if (index < chosen.length - 1 && part.sizeBytes < input.partSizeBytesMin) {
      throw new S3Error('EntityTooSmall', {
        ProposedSize: part.sizeBytes,
        MinSizeAllowed: input.partSizeBytesMin,
        PartNumber: partNumber,
        ETag: part.md5Hex,
      });
    }
    sizeBytes += part.sizeBytes;
  });
  if (sizeBytes > input.objectSizeBytesMax) {
    throw new S3Error('EntityTooLarge', {
      ProposedSize: sizeBytes,
      MaxSizeAllowed: input.objectSizeBytesMax,
    });
  }
  if (input.expectedSizeBytes !== undefined && input.expectedSizeBytes !== sizeBytes) {
    throw new S3Error(
      'InvalidRequest',
      {},
      {
        message: 'The object size does not match x-amz-mp-object-size',
      },
    );
  }
  return sizeBytes;
}

function checksumOfParts(upload: UploadRecord, chosen: readonly ChosenPart[]): ObjectChecksum {
  const algorithm = upload.checksumAlgorithm ?? DEFAULT_CHECKSUM_ALGORITHM;
  const values = chosen.map(({ part }) => ({
    value: part.checksum.value,
    sizeBytes: part.sizeBytes,
  }));
  if (upload.checksumAlgorithm !== undefined && upload.checksumType === 'COMPOSITE') {
    const value = compositeChecksum(
      algorithm,
      values.map((one) => one.value),
    );
    return { algorithm, type: 'COMPOSITE', value };
  }
  const value = combineFullObject(algorithm as CombinableAlgorithm, values);
  return { algorithm, type: 'FULL_OBJECT', value };
}

function checkExpectation(
  input: CompleteUpload,
  checksum: ObjectChecksum,
  partsCount: number,
): void {
  const type = input.expectedChecksumType;
  if (type !== undefined && type !== checksum.type) {
    const message = `The upload was created with checksum type ${checksum.type}`;
    throw invalidRequest(message);
  }
  const expected = input.expectedChecksum;
  if (expected === undefined) return;
  const isCounted = checksum.type === 'COMPOSITE' && expected.value.includes('-');
  const value = isCounted ? `${checksum.value}-${partsCount}` : checksum.value;
  if (expected.algorithm === checksum.algorithm && expected.value === value) return;
  const message = `The ${expected.algorithm} you specified did not match the calculated checksum.`;
  throw new S3Error('BadDigest', {}, { message });
}
