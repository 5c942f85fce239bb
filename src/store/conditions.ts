/**
 * Conditions of writes, decided against the record they would replace, inside the transaction.
 *
 * @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
 * @module
 */

import type { ObjectRecord, UploadRecord } from '../metadata/records.js';
import { wholeSecondMs } from '../s3/conditions.js';
import { S3Error } from '../s3/errors.js';
import type { WriteConditions } from '../s3/object-attributes.js';
import { etagOf } from './object-version.js';

/**
 * @param upload - the upload being completed, if this is a completion.
 * @throws {S3Error} ConditionalRequestConflict, NoSuchKey, PreconditionFailed.
 */
export function checkWriteConditions(
  conditions: WriteConditions,
  current: ObjectRecord | undefined,
  key: string,
  upload?: UploadRecord,
): void {
  if (conditions.ifNoneMatch !== undefined) {
    if (current !== undefined)
      throw new S3Error('PreconditionFailed', { Condition: 'If-None-Match' });
    if (upload?.isKeyDeleted === true) {
      throw new S3Error('ConditionalRequestConflict', { Condition: 'If-None-Match', Key: key });
    }
  }
  checkDates(conditions, current);
  if (conditions.ifMatch === undefined) return;
  if (current === undefined) throw new S3Error('NoSuchKey', { Key: key });
  if (conditions.ifMatch !== '*' && conditions.ifMatch !== etagOf(current)) {
    throw new S3Error('PreconditionFailed', { Condition: 'If-Match' });
  }
  if (upload !== undefined && current.sequence > upload.startSequence) {
    throw new S3Error('ConditionalRequestConflict', { Condition: 'If-Match', Key: key });
  }
}

/** The dates are in whole seconds, so the object's is compared without its fraction. */
function checkDates(
  { ifModifiedSinceMs, ifUnmodifiedSinceMs }: WriteConditions,
  current: ObjectRecord | undefined,
): void {
  const modifiedMs = current === undefined ? undefined : wholeSecondMs(current.lastModifiedMs);
  if (ifModifiedSinceMs !== undefined && (modifiedMs ?? -Infinity) <= ifModifiedSinceMs) {
    throw new S3Error('PreconditionFailed', { Condition: 'If-Modified-Since' });
  }
  if (ifUnmodifiedSinceMs !== undefined && (modifiedMs ?? -Infinity) > ifUnmodifiedSinceMs) {
    throw new S3Error('PreconditionFailed', { Condition: 'If-Unmodified-Since' });
  }
}

/** The refusal of a conditional delete; an absent key satisfies every condition. */
export function checkDeleteCondition(
  ifMatch: string | undefined,
  current: ObjectRecord | undefined,
): S3Error | undefined {
  if (ifMatch === undefined || ifMatch === '*' || current === undefined) return undefined;
  if (ifMatch === etagOf(current)) return undefined;
  return new S3Error('PreconditionFailed', { Condition: 'If-Match' });
}
