/**
 * Buckets: list, create, probe, delete, and where they are.
 *
 * @see https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateBucket.html
 * @module
 */

import { authorizeAccount } from '../auth/authorize.js';
import { S3Error } from '../s3/errors.js';
import { assertLocationConstraint } from '../s3/location.js';
import { assertBucketName } from '../s3/names.js';
import { ownerIdOf } from '../s3/owner.js';
import { encodeContinuationToken } from '../wire/continuation-token.js';
import {
  bucketArn,
  listBucketsDocument,
  locationDocument,
  versioningDocument,
} from '../wire/documents/buckets.js';
import { parseCreateBucketConfiguration } from '../wire/documents/create-bucket.js';
import { taggingDocument } from '../wire/documents/tagging.js';
import { listBucketsParameters } from '../wire/list-parameters.js';
import { refuseUnsupportedHeaders } from '../wire/unsupported-headers.js';
import type { Call, Reply } from './operation.js';
import { xmlReply } from './xml-reply.js';

/** Creating one's own bucket again is no error in this region, and only there. */
const LEGACY_REGION = 'us-east-1';

/** The caller's buckets in name order. @throws {S3Error} AccessDenied, InvalidArgument. */
export function listBuckets(call: Call): Reply {
  const account = authorizeAccount(call.principal);
  const parameters = listBucketsParameters(call.query, call.region);
  const page = call.store.listBuckets({ account, ...parameters });
  const last = page.buckets.at(-1);
  return xmlReply(
    listBucketsDocument({
      ownerId: ownerIdOf(account),
      buckets: page.buckets,
      prefix: parameters.prefix,
      continuationToken:
        page.isTruncated && last !== undefined
          ? encodeContinuationToken({ name: last.name, isCommonPrefix: false })
          : undefined,
    }),
  );
}

/**
 * Creates a bucket, with the tags of its document. Creating one's own again changes nothing.
 *
 * @throws {S3Error} BadRequest, BucketAlreadyExists, InvalidBucketAclWithObjectOwnership,
 * InvalidBucketName, InvalidTag, MalformedXML.
 */
export async function createBucket(call: Call): Promise<Reply> {
  assertBucketName(call.bucket);
  const aclRefusal = 'InvalidBucketAclWithObjectOwnership';
  refuseUnsupportedHeaders(call.headers, { isCopy: false, aclRefusal });
  const { locationConstraint, tags } = parseCreateBucketConfiguration(call.document);
  assertLocationConstraint(locationConstraint, call.region);
  try {
    const { bucket, region } = call;
    const configurations = tags.length === 0 ? {} : { tagging: taggingDocument(tags) };
    const account = authorizeAccount(call.principal);
    await call.store.createBucket({ bucket, account, region, configurations });
  } catch (error) {
    const isOwn = error instanceof S3Error && error.code === 'BucketAlreadyOwnedByYou';
    if (!isOwn || call.region !== LEGACY_REGION) throw error;
  }
  return {
    status: 200,
    headers: { location: `/${call.bucket}`, 'x-amz-bucket-arn': bucketArn(call.bucket) },
  };
}

export function headBucket(call: Call): Reply {
  return {
    status: 200,
    headers: {
      'x-amz-bucket-region': call.region,
      'x-amz-bucket-arn': bucketArn(call.bucket),
      'x-amz-access-point-alias': 'false',
      'content-type': 'application/xml',
    },
  };
}

/** @throws {S3Error} BucketNotEmpty, NoSuchBucket. */
export async function deleteBucket(call: Call): Promise<Reply> {
  await call.store.deleteBucket(call.bucket);
  return { status: 204 };
}

export function getBucketLocation(call: Call): Reply {
  return xmlReply(locationDocument(call.region));
}

/** Never enabled: an empty configuration. */
export function getBucketVersioning(): Reply {
  return xmlReply(versioningDocument());
}
