/**
 * Conditions of requests: on what a read returns, on the source of a copy, and on the object a
 * write or delete would replace.
 *
 * Read conditions are decided here. Write conditions are only read here: deciding them belongs to
 * the transaction that publishes, or two writers could both win.
 *
 * @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-requests.html
 * @see https://www.rfc-editor.org/rfc/rfc9110#name-precedence-of-preconditions
 * @module
 */

import { httpDate, parseHttpDate } from './dates.js';
import { S3Error } from './errors.js';
import { matchesEtag, parseEtag, quoteEtag } from './etag.js';
import type { WriteConditions } from './object-attributes.js';

/** Lower-case header names to values. */
type Headers = ReadonlyMap<string, string>;

/** The four conditions of a read, as they were sent; absent ones hold. */
export interface ReadConditions {
  readonly ifMatch: string | undefined;
  readonly ifNoneMatch: string | undefined;
  readonly ifModifiedSinceMs: number | undefined;
  readonly ifUnmodifiedSinceMs: number | undefined;
}

/** What conditions look at. The ETag is without quotes. */
export interface ConditionSubject {
  readonly etag: string;
  readonly lastModifiedMs: number;
}

type ConditionName = 'If-Match' | 'If-Unmodified-Since' | 'If-None-Match' | 'If-Modified-Since';

const NO_CONDITIONS: WriteConditions = {};

/** Conditions of GetObject and HeadObject, or undefined when there are none. */
export function readConditions(headers: Headers): ReadConditions | undefined {
  const ifMatch = headers.get('if-match');
  const ifNoneMatch = headers.get('if-none-match');
  const ifModifiedSince = headers.get('if-modified-since');
  const ifUnmodifiedSince = headers.get('if-unmodified-since');
  return conditionsOf(ifMatch, ifNoneMatch, ifModifiedSince, ifUnmodifiedSince);
}

/** The header that names the source of an operation; its conditions begin with the same words. */
export type SourceHeader = 'x-amz-copy-source' | 'x-amz-rename-source';

/** Conditions on the source of CopyObject and UploadPartCopy, or of RenameObject, or undefined. */
export function sourceConditions(
  headers: Headers,
  source: SourceHeader,
): ReadConditions | undefined {
  return conditionsOf(
    headers.get(`${source}-if-match`),
    headers.get(`${source}-if-none-match`),
    headers.get(`${source}-if-modified-since`),
    headers.get(`${source}-if-unmodified-since`),
  );
}

/**
 * Decides whether an object may be read.
 *
 * @throws {S3Error} NotModified, PreconditionFailed.
 */
export function evaluateReadConditions(
  conditions: ReadConditions | undefined,
  subject: ConditionSubject,
  nowMs: number,
): void {
  if (conditions === undefined) return;
  const failed = failedCondition(conditions, subject, nowMs);
  if (failed === undefined) return;
  if (failed === 'If-Match' || failed === 'If-Unmodified-Since') throw preconditionFailed(failed);
  throw new S3Error(
    'NotModified',
    {},
    {
      headers: {
        etag: quoteEtag(subject.etag),
        'last-modified': httpDate(subject.lastModifiedMs),
      },
    },
  );
}

/**
 * Decides whether an object may be copied or renamed. Unlike a read, every failure is the same
 * error.
 *
 * @throws {S3Error} PreconditionFailed.
 */
export function evaluateSourceConditions(
  conditions: ReadConditions | undefined,
  subject: ConditionSubject,
  nowMs: number,
  source: SourceHeader,
): void {
  if (conditions === undefined) return;
  const failed = failedCondition(conditions, subject, nowMs);
  if (failed !== undefined) throw preconditionFailed(`${source}-${failed}`);
}

/**
 * Conditions on the object that PutObject, CopyObject or CompleteMultipartUpload would replace.
 *
 * @throws {S3Error} NotImplemented for the forms that AWS refuses.
 */
export function writeConditions(headers: Headers): WriteConditions {
  const ifMatch = headers.get('if-match');
  const ifNoneMatch = headers.get('if-none-match');
  if (ifMatch === undefined && ifNoneMatch === undefined) return NO_CONDITIONS;
  if (ifMatch !== undefined && ifNoneMatch !== undefined) {
    const reason = 'Multiple conditional request headers present in the request';
    throw unsupportedCondition('If-Match,If-None-Match', reason);
  }
  if (ifNoneMatch !== undefined) {
    if (ifNoneMatch.trim() !== '*') throw unsupportedValue('If-None-Match');
    return { ifNoneMatch: '*' };
  }
  const etag = parseEtag(ifMatch ?? '');
  if (etag === '*') throw unsupportedValue('If-Match');
  return { ifMatch: etag };
}

/**
 * Conditions on the object that RenameObject would replace: those of other writes, and dates. An
 * ETag condition replaces the date condition of its kind, as in reads.
 *
 * @throws {S3Error} NotImplemented for the forms that AWS refuses.
 */
export function renameConditions(headers: Headers): WriteConditions {
  const conditions = writeConditions(headers);
  const since = dateMs(headers.get('if-modified-since'));
  const unmodifiedSince = dateMs(headers.get('if-unmodified-since'));
  return {
    ...conditions,
    ...(since === undefined || conditions.ifNoneMatch !== undefined
      ? {}
      : { ifModifiedSinceMs: since }),
    ...(unmodifiedSince === undefined || conditions.ifMatch !== undefined
      ? {}
      : { ifUnmodifiedSinceMs: unmodifiedSince }),
  };
}

/**
 * Condition of DeleteObject: the ETag without quotes, or `*` for any.
 *
 * @throws {S3Error} NotImplemented.
 */
export function deleteCondition(headers: Headers): string | undefined {
  if (headers.has('if-none-match')) throw unsupportedValue('If-None-Match');
  const ifMatch = headers.get('if-match');
  return ifMatch === undefined ? undefined : parseEtag(ifMatch);
}

/** The error of a condition that does not hold; `condition` is the header as AWS spells it. */
export function preconditionFailed(condition: string): S3Error {
  return new S3Error('PreconditionFailed', { Condition: condition });
}

function conditionsOf(
  ifMatch: string | undefined,
  ifNoneMatch: string | undefined,
  ifModifiedSince: string | undefined,
  ifUnmodifiedSince: string | undefined,
): ReadConditions | undefined {
  const isPlain =
    ifMatch === undefined &&
    ifNoneMatch === undefined &&
    ifModifiedSince === undefined &&
    ifUnmodifiedSince === undefined;
  if (isPlain) return undefined;
  return {
    ifMatch,
    ifNoneMatch,
    ifModifiedSinceMs: dateMs(ifModifiedSince),
    ifUnmodifiedSinceMs: dateMs(ifUnmodifiedSince),
  };
}

// A date that cannot be read counts as absent.
function dateMs(header: string | undefined): number | undefined {
  return header === undefined ? undefined : parseHttpDate(header);
}

// RFC 9110 13.2.2: an ETag condition replaces the date condition of its kind, whatever it decides.
function failedCondition(
  conditions: ReadConditions,
  { etag, lastModifiedMs }: ConditionSubject,
  nowMs: number,
): ConditionName | undefined {
  const { ifMatch, ifNoneMatch, ifModifiedSinceMs, ifUnmodifiedSinceMs } = conditions;
  // Dates in headers have whole seconds, so the object's must be compared without its fraction.
  const modifiedMs = wholeSecondMs(lastModifiedMs);

  if (ifMatch !== undefined) {
    if (!matchesEtag(ifMatch, etag, 'strong')) return 'If-Match';
  } else if (ifUnmodifiedSinceMs !== undefined && modifiedMs > ifUnmodifiedSinceMs) {
    return 'If-Unmodified-Since';
  }

  if (ifNoneMatch !== undefined) {
    if (matchesEtag(ifNoneMatch, etag, 'weak')) return 'If-None-Match';
  } else if (ifModifiedSinceMs !== undefined && ifModifiedSinceMs <= nowMs) {
    if (modifiedMs <= ifModifiedSinceMs) return 'If-Modified-Since';
  }
  return undefined;
}

/** A date as headers show it: whole seconds. */
export function wholeSecondMs(timeMs: number): number {
  return timeMs - (timeMs % 1000);
}

function unsupportedValue(header: 'If-Match' | 'If-None-Match'): S3Error {
  const reason = `We don't accept the provided value of ${header} header for this API`;
  return unsupportedCondition(header, reason);
}

function unsupportedCondition(header: string, additionalMessage: string): S3Error {
  return new S3Error(
    'NotImplemented',
    { Header: header, additionalMessage },
    { message: 'A header you provided implies functionality that is not implemented' },
  );
}
