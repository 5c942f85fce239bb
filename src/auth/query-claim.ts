/**
 * The signature in the query of a presigned URL, and the headers such a URL may carry.
 *
 * @see https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html
 * @module
 */

import { isoDate } from '../s3/dates.js';
import { S3Error } from '../s3/errors.js';
import { CLOCK_SKEW_MS_MAX, PRESIGN_EXPIRES_SECS_MAX } from '../s3/limits.js';
import { parseAmzDate } from '../wire/amz-date.js';
import { isChecksumValueHeader } from '../wire/checksum-headers.js';
import type { QueryParameters } from '../wire/query.js';
import { SIGNATURE_ALGORITHM, UNSIGNED_PAYLOAD } from '../wire/sigv4.js';
import { assertPayloadHash } from './payload-mode.js';
import {
  assertNoSessionToken,
  assertSameDay,
  parseCredential,
  parseSignedHeaders,
  unsupportedVersion,
  type ClaimContext,
  type SignatureClaim,
  type SignedRequest,
} from './signature-claim.js';

/** Parameters that make up the signature; they stand for no header. */
const SIGNATURE_PARAMETERS: ReadonlySet<string> = new Set([
  'x-amz-algorithm',
  'x-amz-credential',
  'x-amz-date',
  'x-amz-expires',
  'x-amz-security-token',
  'x-amz-signature',
  'x-amz-signedheaders',
]);

const EXPIRES = /^-?[0-9]+$/;

/** Which version of signature a query carries, if any. */
export function querySignatureVersion(query: QueryParameters): 'v2' | 'v4' | undefined {
  if (query.size === 0) return undefined;
  // Any one of them is enough: a URL that lost one must not pass for an anonymous request.
  if (query.has('X-Amz-Algorithm') || query.has('X-Amz-Signature')) return 'v4';
  if (query.has('X-Amz-Credential')) return 'v4';
  return query.has('AWSAccessKeyId') || query.has('Signature') ? 'v2' : undefined;
}

/**
 * Reads the claim of a presigned URL.
 *
 * @throws {S3Error} AuthorizationQueryParametersError, InvalidArgument, InvalidRequest,
 * InvalidToken, NotImplemented.
 */
export function queryClaim(
  request: SignedRequest,
  query: QueryParameters,
  context: ClaimContext,
): SignatureClaim {
  if (querySignatureVersion(query) === 'v2') throw unsupportedVersion();
  const credentialText = parameter(query, 'X-Amz-Credential');
  const signature = parameter(query, 'X-Amz-Signature');
  const timestamp = parameter(query, 'X-Amz-Date');
  const signedHeaders = parseSignedHeaders(parameter(query, 'X-Amz-SignedHeaders'), refused);
  assertExpires(parameter(query, 'X-Amz-Expires'));
  if (parameter(query, 'X-Amz-Algorithm') !== SIGNATURE_ALGORITHM) {
    throw refused(`X-Amz-Algorithm only supports "${SIGNATURE_ALGORITHM}"`);
  }
  const credential = parseCredential(credentialText, context.region, refusedCredential);
  const timeMs = parseAmzDate(timestamp);
  if (timeMs === undefined) {
    throw refused("X-Amz-Date must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\"");
  }
  assertSameDay(credential, timestamp, refused);
  assertNoSessionToken(request, query);
  const payloadHash = signedPayloadHash(request, query, signedHeaders);
  assertPayloadHash(payloadHash);
  const omittedParameter = 'X-Amz-Signature';
  return {
    credential,
    timestamp,
    timeMs,
    signedHeaders,
    signature,
    payloadHash,
    omittedParameter,
  };
}

/** Checks that the URL is good now. @throws {S3Error} AccessDenied. */
export function assertNotExpired(
  claim: SignatureClaim,
  query: QueryParameters,
  nowMs: number,
): void {
  const expiresSecs = Number(query.get('X-Amz-Expires')?.[0]);
  if (claim.timeMs - nowMs > CLOCK_SKEW_MS_MAX) {
    throw new S3Error('AccessDenied', {}, { message: 'Request is not valid yet' });
  }
  const lastSecond = claim.timeMs / 1000 + expiresSecs;
  if (Math.floor(nowMs / 1000) <= lastSecond) return;
  const details = {
    'X-Amz-Expires': expiresSecs,
    Expires: isoDate(lastSecond * 1000),
    ServerTime: isoDate(nowMs),
  };
  throw new S3Error('AccessDenied', details, { message: 'Request has expired' });
}

/**
 * The `x-amz-*` parameters of a presigned URL that stand for headers, by lower-case name.
 *
 * Left out are checksums of the payload: SDKs sign that of an empty body into every URL, so it says
 * nothing about what is uploaded.
 */
export function hoistedHeaders(query: QueryParameters): ReadonlyMap<string, string> {
  const hoisted = new Map<string, string>();
  for (const [parameterName, values] of query) {
    const name = parameterName.toLowerCase();
    if (!name.startsWith('x-amz-') || SIGNATURE_PARAMETERS.has(name)) continue;
    if (isChecksumValueHeader(name) || name === 'x-amz-sdk-checksum-algorithm') continue;
    const earlier = hoisted.get(name);
    const value = values.join(',');
    hoisted.set(name, earlier === undefined ? value : `${earlier},${value}`);
  }
  return hoisted;
}

/**
 * The payload hash that the signer knew. A header that came later still decides how the body is
 * verified, but cannot have been signed.
 */
function signedPayloadHash(
  request: SignedRequest,
  query: QueryParameters,
  signedHeaders: readonly string[],
): string {
  const header = request.headers.get('x-amz-content-sha256');
  if (header !== undefined && signedHeaders.includes('x-amz-content-sha256')) return header;
  return hoistedHeaders(query).get('x-amz-content-sha256') ?? UNSIGNED_PAYLOAD;
}

function parameter(query: QueryParameters, name: string): string {
  const value = query.get(name)?.[0] ?? '';
  if (value !== '') return value;
  throw refused(
    'Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters.',
  );
}

function assertExpires(expires: string): void {
  if (!EXPIRES.test(expires)) throw refused('X-Amz-Expires should be a number');
  if (expires.startsWith('-')) throw refused('X-Amz-Expires must be non-negative');
  if (Number(expires) <= PRESIGN_EXPIRES_SECS_MAX) return;
  throw refused(
    `X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less than ${PRESIGN_EXPIRES_SECS_MAX} seconds`,
  );
}

function refusedCredential(reason: string, details?: Readonly<Record<string, string>>): S3Error {
  return refused(`Error parsing the X-Amz-Credential parameter; ${reason}`, details);
}

function refused(message: string, details: Readonly<Record<string, string>> = {}): S3Error {
  return new S3Error('AuthorizationQueryParametersError', details, { message });
}
