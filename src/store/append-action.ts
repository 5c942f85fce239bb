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
import { isSameTags, type Tags } from '../s3/tags.js';
import { checkWriteConditions } from './conditions.js';
import { replaceObject, type PublishObjectInput } from './object-actions.js';
import { isSamePayload, type PayloadPlace } from './object-version.js';
import { findObject, putManifest, requireSameBucket, type ManifestInput } from './transaction.js';

export interface AppendActionInput extends PublishObjectInput {
  readonly offsetBytes: number;
  /** What the new version was made from; undefined when there was nothing. */
  readonly base: (PayloadPlace & { readonly tags: Tags }) | undefined;
  readonly manifest: ManifestInput | undefined;
}

/** @throws {S3Error} InvalidWriteOffset, NoSuchBucket, NoSuchKey, OperationAborted, PreconditionFailed. */
export function appendObjectAction(txn: WriteView, input: AppendActionInput): ObjectRecord {
  requireSameBucket(txn, input.bucket, input.bucketId);
  const current = findObject(txn, input.bucketId, input.key);
  checkWriteConditions(input.conditions, current, input.key);
  if (!isSameBase(current, input.base)) {
    const sizeBytes = current?.sizeBytes ?? 0;
    if (sizeBytes !== input.offsetBytes) throw invalidWriteOffset(input.offsetBytes, sizeBytes);
    throw new S3Error('OperationAborted', {}, { message: 'The object was changed; retry' });
  }
  const record = replaceObject(txn, input, current, 0);
  if (input.manifest !== undefined) putManifest(txn, input.manifest);
  return record;
}

/** New tags since then would be lost, and a payload in files lies elsewhere by now. */
function isSameBase(current: ObjectRecord | undefined, base: AppendActionInput['base']): boolean {
  if (current === undefined || base === undefined) return current === base;
  return isSamePayload(current, base) && isSameTags(current.tags, base.tags);
}
