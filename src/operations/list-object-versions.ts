/**
 * ListObjectVersions: one page of the versions of a bucket. While versioning has never been on,
 * every object is the one version of its key, with the id `null`.
 *
 * @see https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectVersions.html
 * @module
 */

import type { ObjectPage } from '../store/store.js';
import {
  listObjectVersionsDocument,
  type VersionsPage,
} from '../wire/documents/list-object-versions.js';
import { listVersionsParameters } from '../wire/list-parameters.js';
import { refuseUnsupportedHeaders } from '../wire/unsupported-headers.js';
import { isCommonPrefix, ownerId } from './list-objects.js';
import type { Call, Reply } from './operation.js';
import { xmlReply } from './xml-reply.js';

/** Versions by key. @throws {S3Error} InvalidArgument, NoSuchBucket. */
export function listObjectVersions(call: Call): Reply {
  refuseUnsupportedHeaders(call.headers, { isCopy: false });
  const { bucket } = call;
  const parameters = listVersionsParameters(call.query);
  const { prefix, delimiter, countMax, keyMarker, versionIdMarker } = parameters;
  const page = call.store.listObjects({
    bucket,
    prefix,
    delimiter,
    // No key has a version behind its only one, so with and without a version id the next key comes.
    after: keyMarker,
    afterIsCommonPrefix: versionIdMarker === '' && isCommonPrefix(keyMarker, parameters),
    countMax,
  });
  return xmlReply(
    listObjectVersionsDocument(bucket, parameters, versionsPageOf(page), ownerId(call)),
  );
}

function versionsPageOf({ objects, commonPrefixes, isTruncated, last }: ObjectPage): VersionsPage {
  const versions = objects;
  if (!isTruncated || last === undefined) return { versions, commonPrefixes, next: undefined };
  const keyMarker = last.name;
  const versionIdMarker = last.isCommonPrefix ? undefined : objects.at(-1)?.versionId;
  const next = versionIdMarker === undefined ? { keyMarker } : { keyMarker, versionIdMarker };
  return { versions, commonPrefixes, next };
}
