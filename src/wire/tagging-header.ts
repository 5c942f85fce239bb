/**
 * `x-amz-tagging`: the tags of an object that a write sets, as a query string.
 *
 * @see https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html
 * @module
 */

import { S3Error } from '../s3/errors.js';
import { assertTags, NO_TAGS, repeatedTag, type Tags } from '../s3/tags.js';
import type { Headers } from './headers.js';
import { parseQuery, type QueryParameters } from './query.js';

/** The header; other operations than those that read it refuse it. */
export const TAGGING = 'x-amz-tagging';
// Whatever else a value holds was to be escaped, and may have been changed on its way.
const PRINTABLE_ASCII = /^[\x21-\x7e]*$/;

/**
 * The tags a request asks for; none without the header. A key without `=` has the empty value.
 *
 * @throws {S3Error} BadRequest, InvalidArgument, InvalidTag.
 */
export function requestedTags(headers: Headers): Tags {
  const header = headers.get(TAGGING);
  if (header === undefined || header === '') return NO_TAGS;
  const tags = [...decode(header)].flatMap(([key, values]) =>
    values.map((value) => ({ key, value })),
  );
  if (repeatedTag(tags) !== undefined) throw invalidHeader(header);
  assertTags(tags, 'object');
  return tags;
}

function decode(header: string): QueryParameters {
  if (!PRINTABLE_ASCII.test(header)) throw invalidHeader(header);
  try {
    return parseQuery(header);
  } catch (cause) {
    throw invalidHeader(header, cause);
  }
}

function invalidHeader(header: string, cause?: unknown): S3Error {
  return new S3Error(
    'InvalidArgument',
    { ArgumentName: TAGGING, ArgumentValue: header },
    {
      message:
        "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters without tag name duplicates.",
      cause,
    },
  );
}
