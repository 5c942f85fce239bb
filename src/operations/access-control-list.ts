/**
 * Access control lists of buckets and objects. The owner of a bucket owns all that is in it, as on
 * AWS while `BucketOwnerEnforced` holds: every list grants full control to the owner, may be
 * written as such, and cannot be changed.
 *
 * @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/about-object-ownership.html
 * @module
 */

import { S3Error } from '../s3/errors.js';
import {
  accessControlPolicyDocument,
  assertOwnersPolicy,
} from '../wire/documents/access-control-policy.js';
import { queryValue } from '../wire/list-parameters.js';
import { refuseUnsupportedHeaders } from '../wire/unsupported-headers.js';
import { ownerId } from './list-objects.js';
import type { Call, Reply } from './operation.js';
import { xmlReply } from './xml-reply.js';

export function getBucketAcl(call: Call): Reply {
  return xmlReply(accessControlPolicyDocument(ownerId(call)));
}

/** @throws {S3Error} InvalidArgument, NoSuchKey, NoSuchVersion. */
export function getObjectAcl(call: Call): Reply {
  requireObject(call);
  return getBucketAcl(call);
}

/**
 * Accepts the list that holds anyway, and changes nothing.
 *
 * @throws {S3Error} AccessControlListNotSupported, InvalidArgument, InvalidRequest,
 * MalformedACLError, MissingSecurityHeader, UnexpectedContent.
 */
export function putBucketAcl(call: Call): Reply {
  refuseUnsupportedHeaders(call.headers, { isCopy: false });
  const isCanned = call.headers.has('x-amz-acl');
  const { document } = call;
  if (isCanned && document !== '') throw new S3Error('UnexpectedContent');
  if (!isCanned && document === '') {
    throw new S3Error('MissingSecurityHeader', { MissingHeaderName: 'x-amz-acl' });
  }
  if (!isCanned) assertOwnersPolicy(document, ownerId(call));
  return { status: 200 };
}

/** @throws {S3Error} as PutBucketAcl; NoSuchKey, NoSuchVersion. */
export function putObjectAcl(call: Call): Reply {
  requireObject(call);
  return putBucketAcl(call);
}

function requireObject(call: Call): void {
  call.store.headObject(call.bucket, call.key, queryValue(call.query, 'versionId'));
}
