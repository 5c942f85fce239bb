/**
 * Deleting: the record goes in one transaction, the bytes follow when nobody reads them.
 *
 * @module
 */

import { S3Error } from '../s3/errors.js';
import { assertVersionId } from '../s3/version-id.js';
import { deleteObjectsAction } from './object-actions.js';
import { requireBucketRecord, type StoreContext } from './context.js';
import { NULL_VERSION_ID } from './object-version.js';
import type { Store } from './store.js';

type DeleteEntry = Parameters<Store['deleteObjects']>[1][number];

/** @returns whether something was removed. */
export async function deleteObject(
  context: StoreContext,
  input: Parameters<Store['deleteObject']>[0],
): Promise<boolean> {
  const [result] = await removeAll(context, input.bucket, [input]);
  if (result instanceof Error) throw result;
  return result === true;
}

export async function deleteObjects(
  context: StoreContext,
  bucket: string,
  entries: readonly DeleteEntry[],
): Promise<readonly (undefined | Error)[]> {
  const results = await removeAll(context, bucket, entries);
  return results.map((result) => (result instanceof Error ? result : undefined));
}

async function removeAll(
  context: StoreContext,
  bucket: string,
  entries: readonly DeleteEntry[],
): Promise<readonly (boolean | Error)[]> {
  const { id: bucketId } = requireBucketRecord(context, bucket);
  const refusals = entries.map((entry) => refusalOfVersion(entry));
  const wanted = entries.filter((_, index) => refusals[index] === undefined);
  const input = {
    bucket,
    bucketId,
    entries: wanted.map(({ key, ifMatch }) => ({ key, ifMatch })),
  };
  const { environment, reserve } = context;
  const results = await reserve.spend(() => environment.write(deleteObjectsAction, input));
  let position = 0;
  return refusals.map((refusal) => refusal ?? results[position++] ?? false);
}

/** Only null versions exist while versioning cannot be turned on. */
function refusalOfVersion({ key, versionId }: DeleteEntry): S3Error | undefined {
  if (versionId === undefined || versionId === NULL_VERSION_ID) return undefined;
  try {
    assertVersionId(versionId);
  } catch (error) {
    if (error instanceof S3Error) return error;
    throw error;
  }
  return new S3Error('NoSuchVersion', { Key: key, VersionId: versionId });
}
