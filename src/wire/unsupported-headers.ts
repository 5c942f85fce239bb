/**
 * Headers that ask for something this version does not offer.
 *
 * They are refused before anything happens: an object that was to be encrypted or locked must not be
 * stored as if it had been. So are headers that only some operations read, such as `x-amz-tagging`,
 * by all others.
 *
 * @see https://docs.aws.amazon.com/AmazonS3/latest/API/RESTCommonRequestHeaders.html
 * @module
 */

import { invalidRequest, S3Error, type S3ErrorCode } from '../s3/errors.js';
import type { Headers } from './headers.js';

const AMZ_PREFIX = 'x-amz-';
const ACL = 'x-amz-acl';
const COPY_SOURCE = 'x-amz-copy-source';
const GRANT_PREFIX = 'x-amz-grant-';

const UNSUPPORTED_PREFIXES = [
  'x-amz-copy-source-server-side-encryption',
  'x-amz-fwd-',
  'x-amz-object-lock-',
  'x-amz-rename-',
  'x-amz-server-side-encryption',
] as const;

const UNSUPPORTED: ReadonlySet<string> = new Set([
  'x-amz-bypass-governance-retention',
  'x-amz-client-token',
  'x-amz-create-session-mode',
  'x-amz-if-match-initiated-time',
  'x-amz-if-match-last-modified-time',
  'x-amz-if-match-size',
  'x-amz-mfa',
  'x-amz-tagging',
  'x-amz-write-offset-bytes',
]);

/** Headers that are refused unless they ask for what happens anyway. */
const HARMLESS_VALUES: ReadonlyMap<string, string> = new Map([
  ['x-amz-bucket-namespace', 'global'],
  ['x-amz-bucket-object-lock-enabled', 'false'],
  ['x-amz-object-ownership', 'bucketownerenforced'],
]);

// Everything belongs to the account that owns the bucket, which is what these two say.
const OFFERED_ACLS: ReadonlySet<string> = new Set(['private', 'bucket-owner-full-control']);
const KNOWN_ACLS: ReadonlySet<string> = new Set([
  'authenticated-read',
  'aws-exec-read',
  'bucket-owner-read',
  'log-delivery-write',
  'public-read',
  'public-read-write',
]);

/**
 * Refuses a request that asks for more than this version does.
 *
 * @param options.isCopy - the operation reads `x-amz-copy-source`.
 * @param options.offered - headers beyond the usual that the operation reads.
 * @param options.aclRefusal - code for access control lists, which buckets do not have.
 * @throws {S3Error} AccessControlListNotSupported, InvalidArgument, InvalidRequest, NotImplemented.
 */
export function refuseUnsupportedHeaders(
  headers: Headers,
  options: {
    readonly isCopy: boolean;
    readonly aclRefusal?: S3ErrorCode;
    readonly offered?: readonly string[];
  },
): void {
  const { isCopy, aclRefusal = 'AccessControlListNotSupported', offered = [] } = options;
  for (const [name, value] of headers) {
    if (!name.startsWith(AMZ_PREFIX) || offered.includes(name)) continue;
    if (name === ACL) assertAcl(headers, value, aclRefusal);
    else if (name.startsWith(GRANT_PREFIX)) throw grantRefusal(headers, aclRefusal);
    else if (name === COPY_SOURCE && !isCopy) throw unexpectedCopySource(value);
    else if (isUnsupported(name, value)) throw new S3Error('NotImplemented', { Header: name });
  }
}

function isUnsupported(name: string, value: string): boolean {
  if (UNSUPPORTED.has(name)) return true;
  const harmless = HARMLESS_VALUES.get(name);
  if (harmless !== undefined) return value.toLowerCase() !== harmless;
  return UNSUPPORTED_PREFIXES.some((prefix) => name.startsWith(prefix));
}

function assertAcl(headers: Headers, acl: string, refusal: S3ErrorCode): void {
  for (const name of headers.keys()) {
    if (name.startsWith(GRANT_PREFIX)) throw grantRefusal(headers, refusal);
  }
  if (OFFERED_ACLS.has(acl)) return;
  if (KNOWN_ACLS.has(acl)) throw new S3Error(refusal);
  throw new S3Error('InvalidArgument', { ArgumentName: ACL, ArgumentValue: acl });
}

/** The error of a header that grants something. */
function grantRefusal(headers: Headers, refusal: S3ErrorCode): S3Error {
  if (!headers.has(ACL)) return new S3Error(refusal);
  const message = 'Specifying both Canned ACLs and Header Grants is not allowed';
  return invalidRequest(message);
}

function unexpectedCopySource(value: string): S3Error {
  return new S3Error(
    'InvalidArgument',
    { ArgumentName: COPY_SOURCE, ArgumentValue: value },
    { message: 'You can only specify a copy source header for copy requests.' },
  );
}
