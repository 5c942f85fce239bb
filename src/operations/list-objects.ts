/**
 * ListObjects and ListObjectsV2: one page of a bucket in the order of its keys.
 *
 * @see https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjects.html
 * @see https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html
 * @module
 */

import { ownerIdOf } from '../s3/owner.js';
import { listObjectsDocument, listObjectsV2Document } from '../wire/documents/list-objects.js';
import {
  listObjectsParameters,
  listObjectsV2Parameters,
  type NameListParameters,
} from '../wire/list-parameters.js';
import { refuseUnsupportedHeaders } from '../wire/unsupported-headers.js';
import type { Call, Reply } from './operation.js';
import { xmlReply } from './xml-reply.js';

/** The first version, which pages by name. @throws {S3Error} InvalidArgument, NoSuchBucket. */
export function listObjects(call: Call): Reply {
  refuseUnsupportedHeaders(call.headers, { isCopy: false });
  const { bucket } = call;
  const parameters = listObjectsParameters(call.query);
  const { prefix, delimiter, countMax, marker } = parameters;
  const page = call.store.listObjects({
    bucket,
    prefix,
    delimiter,
    after: marker,
    afterIsCommonPrefix: isCommonPrefix(marker, parameters),
    countMax,
  });
  return xmlReply(listObjectsDocument(bucket, parameters, page, ownerId(call)));
}

/** The second version, which pages by token. @throws {S3Error} InvalidArgument, NoSuchBucket. */
export function listObjectsV2(call: Call): Reply {
  refuseUnsupportedHeaders(call.headers, { isCopy: false });
  const { bucket } = call;
  const parameters = listObjectsV2Parameters(call.query);
  const { prefix, delimiter, countMax, startAfter, position } = parameters;
  const page = call.store.listObjects({
    bucket,
    prefix,
    delimiter,
    // The token continues a listing that began at start-after, so it lies behind it.
    after: position?.name ?? startAfter,
    afterIsCommonPrefix: position?.isCommonPrefix ?? false,
    countMax,
  });
  return xmlReply(listObjectsV2Document(bucket, parameters, page, ownerId(call)));
}

/** Objects belong to whoever owns their bucket. */
export function ownerId(call: Call): string {
  return ownerIdOf(call.authorizeBucket(call.bucket).account);
}

/**
 * Says what a marker is, which it does not say itself. A name that this very listing would group is
 * taken for the prefix that ended a page: unless all below it is skipped, the prefix would come a
 * second time.
 */
export function isCommonPrefix(marker: string, listing: NameListParameters): boolean {
  const { prefix, delimiter } = listing;
  if (delimiter === '' || !marker.startsWith(prefix)) return false;
  const index = marker.indexOf(delimiter, prefix.length);
  return index >= 0 && index + delimiter.length === marker.length;
}
