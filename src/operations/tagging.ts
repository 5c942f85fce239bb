/**
 * Tags of objects and of buckets: read, replace, remove.
 *
 * @see https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObjectTagging.html
 * @see https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketTagging.html
 * @module
 */

import { S3Error } from '../s3/errors.js';
import { NO_TAGS, type Tags } from '../s3/tags.js';
import { parseTagging, taggingDocument } from '../wire/documents/tagging.js';
import { queryValue } from '../wire/list-parameters.js';
import type { Call, Reply } from './operation.js';
import { xmlReply } from './xml-reply.js';

/** An object without tags has an empty set. @throws {S3Error} InvalidArgument, NoSuchKey, NoSuchVersion. */
export function getObjectTagging(call: Call): Reply {
  const version = call.store.headObject(call.bucket, call.key, versionIdOf(call));
  return xmlReply(taggingDocument(version.tags));
}

/**
 * Replaces all tags of an object; its ETag, checksums and time stay.
 *
 * @throws {S3Error} BadRequest, InvalidArgument, InvalidTag, MalformedXML, MissingRequestBodyError,
 * NoSuchKey, NoSuchVersion, OperationAborted.
 */
export async function putObjectTagging(call: Call): Promise<Reply> {
  await setTags(call, parseTagging(call.document, 'object'));
  return { status: 200 };
}

/** @throws {S3Error} InvalidArgument, NoSuchKey, NoSuchVersion, OperationAborted. */
export async function deleteObjectTagging(call: Call): Promise<Reply> {
  await setTags(call, NO_TAGS);
  return { status: 204 };
}

/** @throws {S3Error} NoSuchTagSet. */
export function getBucketTagging({ store, bucket }: Call): Reply {
  const document = store.bucketConfiguration(bucket, 'tagging');
  if (document === undefined) throw new S3Error('NoSuchTagSet', { BucketName: bucket });
  return xmlReply(document);
}

/**
 * Replaces all tags of a bucket; an empty set removes them.
 *
 * @throws {S3Error} BadRequest, InvalidTag, MalformedXML, MissingRequestBodyError, NoSuchBucket.
 */
export async function putBucketTagging(call: Call): Promise<Reply> {
  const tags = parseTagging(call.document, 'bucket');
  if (tags.length === 0) return deleteBucketTagging(call);
  await call.store.putBucketConfiguration(call.bucket, 'tagging', taggingDocument(tags));
  return { status: 204 };
}

/** @throws {S3Error} NoSuchBucket. */
export async function deleteBucketTagging({ store, bucket }: Call): Promise<Reply> {
  await store.deleteBucketConfiguration(bucket, 'tagging');
  return { status: 204 };
}

async function setTags(call: Call, tags: Tags): Promise<void> {
  const { bucket, key } = call;
  await call.store.setObjectTags({ bucket, key, versionId: versionIdOf(call), tags });
}

function versionIdOf(call: Call): string | undefined {
  return queryValue(call.query, 'versionId');
}
