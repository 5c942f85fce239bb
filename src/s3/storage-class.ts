/**
 * Storage classes: stored and returned, without an effect on where bytes live.
 *
 * @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/storage-class-intro.html
 * @module
 */

import { S3Error } from './errors.js';

/** The class that is not stored and not mentioned on GET and HEAD. */
export const STANDARD_STORAGE_CLASS = 'STANDARD';

const STORAGE_CLASSES: ReadonlySet<string> = new Set([
  STANDARD_STORAGE_CLASS,
  'DEEP_ARCHIVE',
  'GLACIER',
  'GLACIER_IR',
  'INTELLIGENT_TIERING',
  'ONEZONE_IA',
  'REDUCED_REDUNDANCY',
  'STANDARD_IA',
]);

const ARCHIVE_CLASSES: ReadonlySet<string> = new Set(['DEEP_ARCHIVE', 'GLACIER']);

/**
 * Checks a requested storage class.
 *
 * @returns the class to store: undefined for STANDARD and when none was requested.
 * @throws {S3Error} InvalidStorageClass.
 */
export function parseStorageClass(requested: string | undefined): string | undefined {
  if (requested === undefined || requested === STANDARD_STORAGE_CLASS) return undefined;
  if (STORAGE_CLASSES.has(requested)) return requested;
  throw new S3Error('InvalidStorageClass', { StorageClassRequested: requested });
}

/**
 * Checks that objects of a class can be read and copied: archived ones must be restored before.
 *
 * @throws {S3Error} InvalidObjectState.
 */
export function assertReadable(storageClass: string | undefined): void {
  if (storageClass === undefined || !ARCHIVE_CLASSES.has(storageClass)) return;
  const message = "The operation is not valid for the object's storage class";
  throw new S3Error('InvalidObjectState', { StorageClass: storageClass }, { message });
}
