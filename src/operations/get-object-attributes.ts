/**
 * GetObjectAttributes: what is known of an object, its parts included, without its bytes.
 *
 * @see https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObjectAttributes.html
 * @module
 */

import { DEFAULT_CHECKSUM_ALGORITHM } from '../s3/checksums.js';
import { httpDate } from '../s3/dates.js';
import type { ObjectVersion } from '../store/store.js';
import {
  objectAttributesDocument,
  type ObjectPartsPage,
} from '../wire/documents/object-attributes.js';
import { queryValue } from '../wire/list-parameters.js';
import {
  requestedAttributes,
  requestedParts,
  type PartsPageParameters,
} from '../wire/object-attributes-headers.js';
import { refuseUnsupportedHeaders } from '../wire/unsupported-headers.js';
import type { Call, Reply } from './operation.js';

/** @throws {S3Error} InvalidArgument, InvalidRequest, NoSuchBucket, NoSuchKey, NoSuchVersion. */
export function getObjectAttributes(call: Call): Reply {
  refuseUnsupportedHeaders(call.headers, { isCopy: false });
  const requested = requestedAttributes(call.headers);
  const parameters = requestedParts(call.headers);
  const versionId = queryValue(call.query, 'versionId');
  const version = call.store.headObject(call.bucket, call.key, versionId);
  const page = requested.has('ObjectParts') ? partsPage(call, version, parameters) : undefined;
  return {
    status: 200,
    headers: {
      'content-type': 'application/xml',
      'last-modified': httpDate(version.lastModifiedMs),
    },
    body: objectAttributesDocument(version, requested, page),
  };
}

/**
 * Parts are listed for their checksums. Those of the default algorithm are the server's choice and
 * never shown: the parts of such an object are only counted.
 */
function partsPage(
  call: Call,
  version: ObjectVersion,
  { partNumberMarker, countMax }: PartsPageParameters,
): ObjectPartsPage | undefined {
  const algorithm = version.checksum?.algorithm;
  if (algorithm === undefined || algorithm === DEFAULT_CHECKSUM_ALGORITHM) return undefined;
  const found = call.store.objectParts(version, partNumberMarker, countMax + 1);
  return {
    partNumberMarker,
    countMax,
    parts: found.slice(0, countMax),
    isTruncated: countMax > 0 && found.length > countMax,
  };
}
