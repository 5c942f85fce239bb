/**
 * The headers of a copy: where it comes from and what it takes along.
 *
 * @see https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html
 * @module
 */

import { S3Error } from '../s3/errors.js';
import { assertKey, isBucketName } from '../s3/names.js';
import { assertVersionId } from '../s3/version-id.js';
import type { Headers } from './headers.js';
import { decodeUriComponentStrict } from './uri.js';

/** The object a copy reads. */
export interface CopySource {
  readonly bucket: string;
  readonly key: string;
  /** As sent; `null` or 32 characters. */
  readonly versionId: string | undefined;
}

/** Whether a copy keeps the source's metadata (or tags) or takes the request's. */
export type Directive = 'COPY' | 'REPLACE';

const COPY_SOURCE = 'x-amz-copy-source';
const VERSION_MARK = '?versionId=';

/**
 * Reads `x-amz-copy-source`: `[/]bucket/key[?versionId=id]`, percent-encoded once. A `+` is a
 * plus; the version mark is cut off before decoding, so a key may contain it encoded.
 *
 * @throws {S3Error} InvalidArgument, KeyTooLongError.
 */
export function parseCopySource(header: string): CopySource {
  const mark = header.lastIndexOf(VERSION_MARK);
  const versionId = mark < 0 ? undefined : header.slice(mark + VERSION_MARK.length);
  const path = decodeSource(header, mark < 0 ? header : header.slice(0, mark));
  const start = path.startsWith('/') ? 1 : 0;
  const slash = path.indexOf('/', start);
  if (slash < 0) throw invalidSource(header);
  const bucket = path.slice(start, slash);
  const key = path.slice(slash + 1);
  if (!isBucketName(bucket)) throw invalidSource(header);
  assertSourceKey(header, key);
  if (versionId !== undefined) assertVersionId(versionId);
  return { bucket, key, versionId };
}

/** `x-amz-metadata-directive`; COPY unless sent. @throws {S3Error} InvalidArgument. */
export function metadataDirective(headers: Headers): Directive {
  return directive(headers, 'x-amz-metadata-directive', 'Unknown metadata directive.');
}

/** `x-amz-tagging-directive`; COPY unless sent. @throws {S3Error} InvalidArgument. */
export function taggingDirective(headers: Headers): Directive {
  return directive(headers, 'x-amz-tagging-directive', 'Unknown tagging directive.');
}

function directive(headers: Headers, name: string, message: string): Directive {
  const value = headers.get(name) ?? 'COPY';
  if (value === 'COPY' || value === 'REPLACE') return value;
  const details = { ArgumentName: name, ArgumentValue: value };
  throw new S3Error('InvalidArgument', details, { message });
}

function decodeSource(header: string, path: string): string {
  try {
    return decodeUriComponentStrict(path);
  } catch (cause) {
    throw invalidSource(header, cause);
  }
}

function assertSourceKey(header: string, key: string): void {
  try {
    assertKey(key);
  } catch (cause) {
    // What is a bad URI in the request line is a bad argument here; a long key stays one.
    if (cause instanceof S3Error && cause.code === 'InvalidURI') throw invalidSource(header, cause);
    throw cause;
  }
}

function invalidSource(header: string, cause?: unknown): S3Error {
  return new S3Error(
    'InvalidArgument',
    { ArgumentName: COPY_SOURCE, ArgumentValue: header },
    { message: 'Invalid copy source object key', cause },
  );
}
