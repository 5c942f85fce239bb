/**
 * The `uploadId` of a request.
 *
 * @module
 */

import { S3Error } from '../s3/errors.js';
import { queryValue } from '../wire/list-parameters.js';
import type { Call } from './operation.js';

/** Form of the ids that the store makes. */
const UPLOAD_ID = /^[0-9a-z]{32}$/;

/** Says whether a text can be the id of an upload. */
export function isUploadId(text: string): boolean {
  return UPLOAD_ID.test(text);
}

/**
 * The id that the query names. One that no upload can have is as unknown as one that none has;
 * refusing it here keeps texts of any length and alphabet out of the index.
 *
 * @throws {S3Error} NoSuchUpload.
 */
export function uploadIdOf(call: Call): string {
  const uploadId = queryValue(call.query, 'uploadId') ?? '';
  if (!isUploadId(uploadId)) throw new S3Error('NoSuchUpload', { UploadId: uploadId });
  return uploadId;
}
