/**
 * Reads of configurations that cannot be written yet, answered as AWS answers them for a bucket
 * and an object that nobody has configured: clients probe them before they do anything else.
 *
 * @see docs/S3_DIFFERENCES.md for GetBucketEncryption
 * @module
 */

import { invalidRequest, S3Error, type S3ErrorCode } from '../s3/errors.js';
import {
  accelerateDocument,
  bucketLoggingDocument,
  noConfigurationsDocument,
  notificationDocument,
  ownershipControlsDocument,
  publicAccessBlockDocument,
  requestPaymentDocument,
} from '../wire/documents/bucket-configuration.js';
import type { Handler, Reply } from './operation.js';
import { xmlReply } from './xml-reply.js';

/** Configurations that every bucket has. */
export const getBucketAccelerateConfiguration = always(accelerateDocument());
export const getBucketLogging = always(bucketLoggingDocument());
export const getBucketNotificationConfiguration = always(notificationDocument());
export const getBucketOwnershipControls = always(ownershipControlsDocument());
export const getBucketRequestPayment = always(requestPaymentDocument());
export const getPublicAccessBlock = always(publicAccessBlockDocument());

/** Configurations that no bucket has. */
export const getBucketEncryption = absent('ServerSideEncryptionConfigurationNotFoundError');
export const getBucketLifecycleConfiguration = absent('NoSuchLifecycleConfiguration');
export const getBucketPolicy = absent('NoSuchBucketPolicy');
/** Without a policy there is no status either: the answer of GetBucketPolicy. */
export const getBucketPolicyStatus = absent('NoSuchBucketPolicy');
export const getBucketReplication = absent('ReplicationConfigurationNotFoundError');
export const getBucketWebsite = absent('NoSuchWebsiteConfiguration');
export const getObjectLockConfiguration = absent('ObjectLockConfigurationNotFoundError');
/** One of the configurations that a bucket may have many of, by `id`. */
export const getNamedConfiguration = absent('NoSuchConfiguration');

/** All configurations of a kind that a bucket may have many of. */
export const listAnalyticsConfigurations = none('ListBucketAnalyticsConfigurationResult');
export const listIntelligentTieringConfigurations = none(
  'ListBucketIntelligentTieringConfigurationsOutput',
);
export const listInventoryConfigurations = none('ListInventoryConfigurationsResult');
export const listMetricsConfigurations = none('ListMetricsConfigurationsResult');

/** Retention and legal hold exist only in buckets with Object Lock. @throws {S3Error} InvalidRequest. */
export function getObjectLock(): Reply {
  const message = 'Bucket is missing Object Lock Configuration';
  throw invalidRequest(message);
}

function always(document: string): Handler {
  const reply = xmlReply(document);
  return () => reply;
}

function none(root: string): Handler {
  return always(noConfigurationsDocument(root));
}

function absent(code: S3ErrorCode): Handler {
  return ({ bucket }) => {
    throw new S3Error(code, { BucketName: bucket });
  };
}
