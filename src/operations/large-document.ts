/**
 * Documents that take so long to read that other requests have their turns meanwhile.
 *
 * @module
 */

import type { Call } from './operation.js';

/**
 * Waits for a document to be read, and makes sure that the caller still owns the bucket: it can have
 * been deleted, and its name taken by another account.
 *
 * @throws {S3Error} AccessDenied, NoSuchBucket, or what the reading throws.
 */
export async function readLargeDocument<Content>(
  call: Call,
  read: (document: string) => Promise<Content>,
): Promise<Content> {
  const content = await read(call.document);
  call.store.refresh();
  call.authorizeBucket(call.bucket);
  return content;
}
