/**
 * DeleteObject and DeleteObjects.
 *
 * @see https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html
 * @module
 */

import { deleteCondition } from '../s3/conditions.js';
import { S3Error } from '../s3/errors.js';
import { assertKey } from '../s3/names.js';
import {
  deleteResultDocument,
  parseDelete,
  type DeleteEntry,
  type DeleteOutcome,
} from '../wire/documents/delete-objects.js';
import { queryValue } from '../wire/list-parameters.js';
import { refuseUnsupportedHeaders } from '../wire/unsupported-headers.js';
import { readLargeDocument } from './large-document.js';
import type { Call, Reply } from './operation.js';
import { requireIntegrity } from './payload.js';
import { xmlReply } from './xml-reply.js';

/** Absent keys are deleted already. @throws {S3Error} NoSuchBucket, NoSuchVersion, PreconditionFailed. */
export async function deleteObject(call: Call): Promise<Reply> {
  refuseUnsupportedHeaders(call.headers, { isCopy: false });
  await call.store.deleteObject({
    bucket: call.bucket,
    key: call.key,
    versionId: queryValue(call.query, 'versionId'),
    ifMatch: deleteCondition(call.headers),
  });
  return { status: 204 };
}

/** Up to 1,000 keys in one transaction. @throws {S3Error} InvalidRequest, MalformedXML, NoSuchBucket. */
export async function deleteObjects(call: Call): Promise<Reply> {
  refuseUnsupportedHeaders(call.headers, { isCopy: false });
  requireIntegrity(call);
  const request = await readLargeDocument(call, parseDelete);
  const refusals = request.entries.map(refusalOfKey);
  const accepted = request.entries.filter((_, index) => refusals[index] === undefined);
  const results = await call.store.deleteObjects(call.bucket, accepted);
  let position = 0;
  const outcomes = request.entries.map((entry, index): DeleteOutcome => {
    const error = refusals[index] ?? results[position++];
    return { key: entry.key, versionId: entry.versionId, error: error && errorOf(error) };
  });
  return xmlReply(deleteResultDocument(outcomes, request.isQuiet));
}

/** A key that cannot exist fails alone, not the whole request. */
function refusalOfKey(entry: DeleteEntry): S3Error | undefined {
  try {
    assertKey(entry.key);
    return undefined;
  } catch (error) {
    if (error instanceof S3Error) return error;
    throw error;
  }
}

function errorOf(error: Error): { readonly code: string; readonly message: string } {
  return { code: error instanceof S3Error ? error.code : 'InternalError', message: error.message };
}
