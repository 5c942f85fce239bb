/**
 * Appending in the index, as an action: the version that the new one was made from is replaced by
 * it, or nothing happens.
 *
 * @module
 */

import type { WriteView } from '../metadata/environment.js';
import type { ObjectRecord } from '../metadata/records.js';
import { invalidWriteOffset } from '../s3/append.js';
import { S3Error } from '../s3/errors.js';
import { checkWriteConditions } from './conditions.js';
import { replaceObject, type PublishObjectInput } from './object-actions.js';
import { findObject, putManifest, requireSameBucket, type ManifestInput } from './transaction.js';

export interface AppendActionInput extends PublishObjectInput {
  readonly offsetBytes: number;
  /** Sequence of the version that the new one was made from; undefined when there was none. */
  readonly baseSequence: number | undefined;
  readonly manifest: ManifestInput | undefined;
}

/** @throws {S3Error} InvalidWriteOffset, NoSuchBucket, NoSuchKey, OperationAborted, PreconditionFailed. */
export function appendObjectAction(txn: WriteView, input: AppendActionInput): ObjectRecord {
  requireSameBucket(txn, input.bucket, input.bucketId);
  const current = findObject(txn, input.bucketId, input.key);
  checkWriteConditions(input.conditions, current, input.key);
  if (current?.sequence !== input.baseSequence) {
    const sizeBytes = current?.sizeBytes ?? 0;
    if (sizeBytes !== input.offsetBytes) throw invalidWriteOffset(input.offsetBytes, sizeBytes);
    throw new S3Error('OperationAborted', {}, { message: 'The object was replaced; retry' });
  }
  const record = replaceObject(txn, input, current, 0);
  if (input.manifest !== undefined) putManifest(txn, input.manifest);
  return record;
}
