/**
 * ListMultipartUploads and ListParts: what is under way in a bucket and in one upload.
 *
 * @see https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListMultipartUploads.html
 * @see https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListParts.html
 * @module
 */

import { S3Error } from '../s3/errors.js';
import { listMultipartUploadsDocument, listPartsDocument } from '../wire/documents/uploads.js';
import { listPartsParameters, listUploadsParameters } from '../wire/list-parameters.js';
import { refuseUnsupportedHeaders } from '../wire/unsupported-headers.js';
import type { Call, Reply } from './operation.js';
import { isUploadId, uploadIdOf } from './upload-id.js';
import { xmlReply } from './xml-reply.js';

/** Uploads by key, then by initiation. @throws {S3Error} InvalidArgument, NoSuchBucket. */
export function listMultipartUploads(call: Call): Reply {
  refuseUnsupportedHeaders(call.headers, { isCopy: false });
  const { bucket } = call;
  const parameters = listUploadsParameters(call.query);
  const { prefix, delimiter, keyMarker, uploadIdMarker, countMax } = parameters;
  assertUploadIdMarker(uploadIdMarker);
  const page = call.store.listUploads({
    bucket,
    prefix,
    delimiter,
    keyMarker,
    uploadIdMarker,
    countMax,
  });
  return xmlReply(listMultipartUploadsDocument(bucket, parameters, page));
}

/** Parts of an upload by number. @throws {S3Error} InvalidArgument, NoSuchBucket, NoSuchUpload. */
export function listParts(call: Call): Reply {
  refuseUnsupportedHeaders(call.headers, { isCopy: false });
  const parameters = listPartsParameters(call.query);
  const upload = call.store.headUpload(call.bucket, call.key, uploadIdOf(call));
  const { partNumberMarker, countMax } = parameters;
  const page = call.store.listParts(upload, partNumberMarker, countMax);
  return xmlReply(listPartsDocument(upload, parameters, page));
}

function assertUploadIdMarker(marker: string): void {
  if (marker === '' || isUploadId(marker)) return;
  throw new S3Error(
    'InvalidArgument',
    { ArgumentName: 'upload-id-marker', ArgumentValue: marker },
    { message: 'Invalid uploadId marker' },
  );
}
