/**
 * Every operation of S3, one row each: how it is recognised, what it needs, who handles it.
 *
 * Names are those of AWS. Where one operation has several request lines, the others say what sets
 * them apart: GetObjectPart, PutObjectAppend, CopyObjectByPatch for clients that copy with PATCH.
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
import { getBucketAcl, getObjectAcl, putBucketAcl, putObjectAcl } from './access-control-list.js';
import { appendObject } from './append-object.js';
import {
  getBucketAccelerateConfiguration,
  getBucketEncryption,
  getBucketLifecycleConfiguration,
  getBucketLogging,
  getBucketNotificationConfiguration,
  getBucketOwnershipControls,
  getBucketPolicy,
  getBucketPolicyStatus,
  getBucketReplication,
  getBucketRequestPayment,
  getBucketWebsite,
  getNamedConfiguration,
  getObjectLock,
  getObjectLockConfiguration,
  getPublicAccessBlock,
  listAnalyticsConfigurations,
  listIntelligentTieringConfigurations,
  listInventoryConfigurations,
  listMetricsConfigurations,
} from './bucket-configuration.js';
import { deleteBucketCors, getBucketCors, preflight, putBucketCors } from './bucket-cors.js';
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
import { EVERYBODY, type BodyMode, type Handler, type Operation } from './operation.js';
import { postObject } from './post-object.js';
import { putObject } from './put-object.js';
import { renameObject } from './rename-object.js';
import {
  deleteBucketTagging,
  deleteObjectTagging,
  getBucketTagging,
  getObjectTagging,
  putBucketTagging,
  putObjectTagging,
} from './tagging.js';
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
  //                                             request line                                                   permission                                body         handler
  ListBuckets:                                op('GET /',                                                       's3:ListAllMyBuckets',                    'none',      listBuckets),
  CreateBucket:                               op('PUT /{bucket}',                                               's3:CreateBucket',                        'document',  createBucket),
  HeadBucket:                                 op('HEAD /{bucket}',                                              's3:ListBucket',                          'none',      headBucket),
  DeleteBucket:                               op('DELETE /{bucket}',                                            's3:DeleteBucket',                        'none',      deleteBucket),
  GetBucketLocation:                          op('GET /{bucket}?location',                                      's3:GetBucketLocation',                   'none',      getBucketLocation),
  GetBucketVersioning:                        op('GET /{bucket}?versioning',                                    's3:GetBucketVersioning',                 'none',      getBucketVersioning),
  ListObjects:                                op('GET /{bucket}',                                               's3:ListBucket',                          'none',      listObjects),
  ListObjectsV2:                              op('GET /{bucket}?list-type=2',                                   's3:ListBucket',                          'none',      listObjectsV2),
  DeleteObjects:                              op('POST /{bucket}?delete',                                       's3:DeleteObject',                        'document',  deleteObjects, DELETE_DOCUMENT_BYTES_MAX),
  ListMultipartUploads:                       op('GET /{bucket}?uploads',                                       's3:ListBucketMultipartUploads',          'none',      listMultipartUploads),
  GetObject:                                  op('GET /{bucket}/{key}',                                         's3:GetObject',                           'none',      getObject),
  GetObjectPart:                              op('GET /{bucket}/{key}?partNumber',                              's3:GetObject',                           'none',      getObject),
  HeadObject:                                 op('HEAD /{bucket}/{key}',                                        's3:GetObject',                           'none',      headObject),
  HeadObjectPart:                             op('HEAD /{bucket}/{key}?partNumber',                             's3:GetObject',                           'none',      headObject),
  PutObject:                                  op('PUT /{bucket}/{key}',                                         's3:PutObject',                           'stream',    putObject),
  CopyObject:                                 op('PUT /{bucket}/{key} +x-amz-copy-source',                      's3:PutObject',                           'none',      copyObject),
  CopyObjectByPatch:                          op('PATCH /{bucket}/{key} +x-amz-copy-source',                    's3:PutObject',                           'none',      copyObject),
  PutObjectAppend:                            op('PUT /{bucket}/{key} +x-amz-write-offset-bytes',               's3:PutObject',                           'stream',    appendObject),
  RenameObject:                               op('PUT /{bucket}/{key}?renameObject',                            's3:PutObject',                           'none',      renameObject),
  DeleteObject:                               op('DELETE /{bucket}/{key}',                                      's3:DeleteObject',                        'none',      deleteObject),
  CreateMultipartUpload:                      op('POST /{bucket}/{key}?uploads',                                's3:PutObject',                           'none',      createMultipartUpload),
  UploadPart:                                 op('PUT /{bucket}/{key}?partNumber&uploadId',                     's3:PutObject',                           'stream',    uploadPart),
  UploadPartCopy:                             op('PUT /{bucket}/{key}?partNumber&uploadId +x-amz-copy-source',  's3:PutObject',                           'none',      uploadPartCopy),
  CompleteMultipartUpload:                    op('POST /{bucket}/{key}?uploadId',                               's3:PutObject',                           'document',  completeMultipartUpload, COMPLETE_DOCUMENT_BYTES_MAX),
  AbortMultipartUpload:                       op('DELETE /{bucket}/{key}?uploadId',                             's3:AbortMultipartUpload',                'none',      abortMultipartUpload),
  ListParts:                                  op('GET /{bucket}/{key}?uploadId',                                's3:ListMultipartUploadParts',            'none',      listParts),
  PostObject:                                 op('POST /{bucket}',                                              's3:PutObject',                           'form',      postObject),
  PutBucketVersioning:                        op('PUT /{bucket}?versioning',                                    's3:PutBucketVersioning',                 'none',      notImplemented),
  ListObjectVersions:                         op('GET /{bucket}?versions',                                      's3:ListBucketVersions',                  'none',      listObjectVersions),
  GetObjectTagging:                           op('GET /{bucket}/{key}?tagging',                                 's3:GetObjectTagging',                    'none',      getObjectTagging),
  PutObjectTagging:                           op('PUT /{bucket}/{key}?tagging',                                 's3:PutObjectTagging',                    'document',  putObjectTagging),
  DeleteObjectTagging:                        op('DELETE /{bucket}/{key}?tagging',                              's3:DeleteObjectTagging',                 'none',      deleteObjectTagging),
  GetObjectAttributes:                        op('GET /{bucket}/{key}?attributes',                              's3:GetObjectAttributes',                 'none',      getObjectAttributes),
  GetBucketAcl:                               op('GET /{bucket}?acl',                                           's3:GetBucketAcl',                        'none',      getBucketAcl),
  PutBucketAcl:                               op('PUT /{bucket}?acl',                                           's3:PutBucketAcl',                        'document',  putBucketAcl),
  GetObjectAcl:                               op('GET /{bucket}/{key}?acl',                                     's3:GetObjectAcl',                        'none',      getObjectAcl),
  PutObjectAcl:                               op('PUT /{bucket}/{key}?acl',                                     's3:PutObjectAcl',                        'document',  putObjectAcl),
  GetBucketAccelerateConfiguration:           op('GET /{bucket}?accelerate',                                    's3:GetAccelerateConfiguration',          'none',      getBucketAccelerateConfiguration),
  GetBucketCors:                              op('GET /{bucket}?cors',                                          's3:GetBucketCORS',                       'none',      getBucketCors),
  PutBucketCors:                              op('PUT /{bucket}?cors',                                          's3:PutBucketCORS',                       'document',  putBucketCors),
  DeleteBucketCors:                           op('DELETE /{bucket}?cors',                                       's3:PutBucketCORS',                       'none',      deleteBucketCors),
  PreflightBucket:                            op('OPTIONS /{bucket}',                                           EVERYBODY,                                'none',      preflight),
  PreflightObject:                            op('OPTIONS /{bucket}/{key}',                                     EVERYBODY,                                'none',      preflight),
  GetBucketEncryption:                        op('GET /{bucket}?encryption',                                    's3:GetEncryptionConfiguration',          'none',      getBucketEncryption),
  GetBucketLifecycleConfiguration:            op('GET /{bucket}?lifecycle',                                     's3:GetLifecycleConfiguration',           'none',      getBucketLifecycleConfiguration),
  GetBucketLogging:                           op('GET /{bucket}?logging',                                       's3:GetBucketLogging',                    'none',      getBucketLogging),
  GetBucketNotificationConfiguration:         op('GET /{bucket}?notification',                                  's3:GetBucketNotification',               'none',      getBucketNotificationConfiguration),
  GetBucketOwnershipControls:                 op('GET /{bucket}?ownershipControls',                             's3:GetBucketOwnershipControls',          'none',      getBucketOwnershipControls),
  GetBucketPolicy:                            op('GET /{bucket}?policy',                                        's3:GetBucketPolicy',                     'none',      getBucketPolicy),
  GetBucketPolicyStatus:                      op('GET /{bucket}?policyStatus',                                  's3:GetBucketPolicyStatus',               'none',      getBucketPolicyStatus),
  GetBucketReplication:                       op('GET /{bucket}?replication',                                   's3:GetReplicationConfiguration',         'none',      getBucketReplication),
  GetBucketRequestPayment:                    op('GET /{bucket}?requestPayment',                                's3:GetBucketRequestPayment',             'none',      getBucketRequestPayment),
  GetBucketTagging:                           op('GET /{bucket}?tagging',                                       's3:GetBucketTagging',                    'none',      getBucketTagging),
  PutBucketTagging:                           op('PUT /{bucket}?tagging',                                       's3:PutBucketTagging',                    'document',  putBucketTagging),
  DeleteBucketTagging:                        op('DELETE /{bucket}?tagging',                                    's3:PutBucketTagging',                    'none',      deleteBucketTagging),
  GetBucketWebsite:                           op('GET /{bucket}?website',                                       's3:GetBucketWebsite',                    'none',      getBucketWebsite),
  GetPublicAccessBlock:                       op('GET /{bucket}?publicAccessBlock',                             's3:GetBucketPublicAccessBlock',          'none',      getPublicAccessBlock),
  GetObjectLockConfiguration:                 op('GET /{bucket}?object-lock',                                   's3:GetBucketObjectLockConfiguration',    'none',      getObjectLockConfiguration),
  GetObjectLegalHold:                         op('GET /{bucket}/{key}?legal-hold',                              's3:GetObjectLegalHold',                  'none',      getObjectLock),
  GetObjectRetention:                         op('GET /{bucket}/{key}?retention',                               's3:GetObjectRetention',                  'none',      getObjectLock),
  ListBucketAnalyticsConfigurations:          op('GET /{bucket}?analytics',                                     's3:GetAnalyticsConfiguration',           'none',      listAnalyticsConfigurations),
  GetBucketAnalyticsConfiguration:            op('GET /{bucket}?analytics&id',                                  's3:GetAnalyticsConfiguration',           'none',      getNamedConfiguration),
  ListBucketIntelligentTieringConfigurations: op('GET /{bucket}?intelligent-tiering',                           's3:GetIntelligentTieringConfiguration',  'none',      listIntelligentTieringConfigurations),
  GetBucketIntelligentTieringConfiguration:   op('GET /{bucket}?intelligent-tiering&id',                        's3:GetIntelligentTieringConfiguration',  'none',      getNamedConfiguration),
  ListBucketInventoryConfigurations:          op('GET /{bucket}?inventory',                                     's3:GetInventoryConfiguration',           'none',      listInventoryConfigurations),
  GetBucketInventoryConfiguration:            op('GET /{bucket}?inventory&id',                                  's3:GetInventoryConfiguration',           'none',      getNamedConfiguration),
  ListBucketMetricsConfigurations:            op('GET /{bucket}?metrics',                                       's3:GetMetricsConfiguration',             'none',      listMetricsConfigurations),
  GetBucketMetricsConfiguration:              op('GET /{bucket}?metrics&id',                                    's3:GetMetricsConfiguration',             'none',      getNamedConfiguration),
} as const satisfies Readonly<Record<string, Operation>>;

export type OperationName = keyof typeof ROWS;

export const OPERATIONS: Readonly<Record<OperationName, Operation>> = ROWS;
