/**
 * Every operation of S3, one row each: how it is recognised, what it needs, who handles it.
 *
 * Rows without a handler of their own answer NotImplemented; they are authenticated, authorised
 * and counted like the others, so that nothing falls through to a plainer operation.
 *
 * @see https://docs.aws.amazon.com/AmazonS3/latest/API/API_Operations_Amazon_Simple_Storage_Service.html
 * @module
 */

import {
  COMPLETE_DOCUMENT_BYTES_MAX,
  DELETE_DOCUMENT_BYTES_MAX,
  DOCUMENT_BYTES_MAX,
} from '../s3/limits.js';
import {
  createBucket,
  deleteBucket,
  getBucketLocation,
  getBucketVersioning,
  headBucket,
  listBuckets,
} from './bucket.js';
import { copyObject, uploadPartCopy } from './copy-object.js';
import { deleteObject, deleteObjects } from './delete-object.js';
import { getObjectAttributes } from './get-object-attributes.js';
import { getObject, headObject } from './get-object.js';
import { listMultipartUploads, listParts } from './list-multipart-uploads.js';
import { listObjectVersions } from './list-object-versions.js';
import { listObjects, listObjectsV2 } from './list-objects.js';
import {
  abortMultipartUpload,
  completeMultipartUpload,
  createMultipartUpload,
} from './multipart-upload.js';
import { notImplemented } from './not-implemented.js';
import type { BodyMode, Handler, Operation } from './operation.js';
import { putObject } from './put-object.js';
import { uploadPart } from './upload-part.js';

function op(
  requestLine: string,
  permission: string,
  body: BodyMode,
  handler: Handler,
  documentBytesMax: number = DOCUMENT_BYTES_MAX,
): Operation {
  return { requestLine, permission, body, handler, documentBytesMax };
}

// A table: exempt from the 100-column rule, read it as one.
// prettier-ignore
const ROWS = {
  //                        request line                                                     permission                        body         handler
  ListBuckets:             op('GET /',                                                       's3:ListAllMyBuckets',            'none',      listBuckets),
  CreateBucket:            op('PUT /{bucket}',                                               's3:CreateBucket',                'document',  createBucket),
  HeadBucket:              op('HEAD /{bucket}',                                              's3:ListBucket',                  'none',      headBucket),
  DeleteBucket:            op('DELETE /{bucket}',                                            's3:DeleteBucket',                'none',      deleteBucket),
  GetBucketLocation:       op('GET /{bucket}?location',                                      's3:GetBucketLocation',           'none',      getBucketLocation),
  GetBucketVersioning:     op('GET /{bucket}?versioning',                                    's3:GetBucketVersioning',         'none',      getBucketVersioning),
  ListObjects:             op('GET /{bucket}',                                               's3:ListBucket',                  'none',      listObjects),
  ListObjectsV2:           op('GET /{bucket}?list-type=2',                                   's3:ListBucket',                  'none',      listObjectsV2),
  DeleteObjects:           op('POST /{bucket}?delete',                                       's3:DeleteObject',                'document',  deleteObjects, DELETE_DOCUMENT_BYTES_MAX),
  ListMultipartUploads:    op('GET /{bucket}?uploads',                                       's3:ListBucketMultipartUploads',  'none',      listMultipartUploads),
  GetObject:               op('GET /{bucket}/{key}',                                         's3:GetObject',                   'none',      getObject),
  GetObjectPart:           op('GET /{bucket}/{key}?partNumber',                              's3:GetObject',                   'none',      getObject),
  HeadObject:              op('HEAD /{bucket}/{key}',                                        's3:GetObject',                   'none',      headObject),
  HeadObjectPart:          op('HEAD /{bucket}/{key}?partNumber',                             's3:GetObject',                   'none',      headObject),
  PutObject:               op('PUT /{bucket}/{key}',                                         's3:PutObject',                   'stream',    putObject),
  CopyObject:              op('PUT /{bucket}/{key} +x-amz-copy-source',                      's3:PutObject',                   'none',      copyObject),
  CopyObjectByPatch:       op('PATCH /{bucket}/{key} +x-amz-copy-source',                    's3:PutObject',                   'none',      copyObject),
  DeleteObject:            op('DELETE /{bucket}/{key}',                                      's3:DeleteObject',                'none',      deleteObject),
  CreateMultipartUpload:   op('POST /{bucket}/{key}?uploads',                                's3:PutObject',                   'none',      createMultipartUpload),
  UploadPart:              op('PUT /{bucket}/{key}?partNumber&uploadId',                     's3:PutObject',                   'stream',    uploadPart),
  UploadPartCopy:          op('PUT /{bucket}/{key}?partNumber&uploadId +x-amz-copy-source',  's3:PutObject',                   'none',      uploadPartCopy),
  CompleteMultipartUpload: op('POST /{bucket}/{key}?uploadId',                               's3:PutObject',                   'document',  completeMultipartUpload, COMPLETE_DOCUMENT_BYTES_MAX),
  AbortMultipartUpload:    op('DELETE /{bucket}/{key}?uploadId',                             's3:AbortMultipartUpload',        'none',      abortMultipartUpload),
  ListParts:               op('GET /{bucket}/{key}?uploadId',                                's3:ListMultipartUploadParts',    'none',      listParts),
  PostObject:              op('POST /{bucket}',                                              's3:PutObject',                   'none',      notImplemented),
  PutBucketVersioning:     op('PUT /{bucket}?versioning',                                    's3:PutBucketVersioning',         'none',      notImplemented),
  ListObjectVersions:      op('GET /{bucket}?versions',                                      's3:ListBucketVersions',          'none',      listObjectVersions),
  GetObjectTagging:        op('GET /{bucket}/{key}?tagging',                                 's3:GetObjectTagging',            'none',      notImplemented),
  PutObjectTagging:        op('PUT /{bucket}/{key}?tagging',                                 's3:PutObjectTagging',            'none',      notImplemented),
  DeleteObjectTagging:     op('DELETE /{bucket}/{key}?tagging',                              's3:DeleteObjectTagging',         'none',      notImplemented),
  GetObjectAttributes:     op('GET /{bucket}/{key}?attributes',                              's3:GetObjectAttributes',         'none',      getObjectAttributes),
} as const satisfies Readonly<Record<string, Operation>>;

export type OperationName = keyof typeof ROWS;

export const OPERATIONS: Readonly<Record<OperationName, Operation>> = ROWS;
