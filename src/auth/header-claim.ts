/**
 * The signature in the `Authorization` header.
 *
 * ```text
 * AWS4-HMAC-SHA256 Credential=<credential>, SignedHeaders=<names>, Signature=<hex>
 * ```
 *
 * @see https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-auth-using-authorization-header.html
 * @module
 */

import { isoDate, parseHttpDate } from '../s3/dates.js';
import { invalidRequest, S3Error } from '../s3/errors.js';
import { CLOCK_SKEW_MS_MAX } from '../s3/limits.js';
import { formatAmzDate, parseAmzDate } from '../wire/amz-date.js';
import type { QueryParameters } from '../wire/query.js';
import { SIGNATURE_ALGORITHM } from '../wire/sigv4.js';
import { assertPayloadHash } from './payload-mode.js';
import {
  assertNoSessionToken,
  assertSameDay,
  invalidDate,
  parseCredential,
  parseSignedHeaders,
  unsupportedVersion,
  type ClaimContext,
  type SignatureClaim,
  type SignedRequest,
} from './signature-claim.js';

const SIGV2_SCHEME = 'AWS';
const SIGV4A_SCHEME = 'AWS4-ECDSA-P256-SHA256';

/**
 * Reads the claim of an `Authorization` header.
 *
 * @throws {S3Error} AccessDenied, AuthorizationHeaderMalformed, InvalidArgument, InvalidRequest,
 * InvalidToken, NotImplemented.
 */
export function headerClaim(
  request: SignedRequest,
  authorization: string,
  query: QueryParameters,
  context: ClaimContext,
): SignatureClaim {
  const components = parseComponents(authorization);
  const credential = parseCredential(components.credential, context.region, malformed);
  const signedHeaders = parseSignedHeaders(components.signedHeaders, malformed);
  const timeMs = requestTime(request.headers);
  const timestamp = request.headers.get('x-amz-date') ?? formatAmzDate(timeMs);
  assertSameDay(credential, timestamp, malformed);
  assertNoSessionToken(request, query);
  const payloadHash = request.headers.get('x-amz-content-sha256');
  if (payloadHash === undefined) {
    const message = 'Missing required header for this request: x-amz-content-sha256';
    throw invalidRequest(message);
  }
  assertPayloadHash(payloadHash);
  const { signature } = components;
  const omittedParameter = undefined;
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

/** Compares the clocks. @throws {S3Error} RequestTimeTooSkewed. */
export function assertClockSkew(
  claim: Pick<SignatureClaim, 'timestamp' | 'timeMs'>,
  nowMs: number,
): void {
  if (Math.abs(claim.timeMs - nowMs) <= CLOCK_SKEW_MS_MAX) return;
  throw new S3Error('RequestTimeTooSkewed', {
    RequestTime: claim.timestamp,
    ServerTime: isoDate(nowMs),
    MaxAllowedSkewMilliseconds: CLOCK_SKEW_MS_MAX,
  });
}

interface Components {
  readonly credential: string;
  readonly signedHeaders: string;
  readonly signature: string;
}

function parseComponents(authorization: string): Components {
  let credential = '';
  let signedHeaders = '';
  let signature = '';
  for (const component of componentsText(authorization).split(',')) {
    const equals = component.indexOf('=');
    if (equals === -1) throw malformed('a component is not of the form "name=value".');
    const value = component.slice(equals + 1).trim();
    switch (component.slice(0, equals).trim()) {
      case 'Credential':
        if (credential !== '') throw malformed('the Credential appears twice.');
        credential = value;
        break;
      case 'SignedHeaders':
        if (signedHeaders !== '') throw malformed('SignedHeaders appears twice.');
        signedHeaders = value;
        break;
      case 'Signature':
        if (signature !== '') throw malformed('the Signature appears twice.');
        signature = value;
        break;
      default:
        throw malformed('it has an unknown component.');
    }
  }
  if (credential === '') throw malformed('missing Credential.');
  if (signedHeaders === '') throw malformed('missing SignedHeaders.');
  if (signature === '') throw malformed('missing Signature.');
  return { credential, signedHeaders, signature };
}

/** What follows the scheme. */
function componentsText(authorization: string): string {
  if (authorization === '') throw new S3Error('AccessDenied');
  const space = authorization.indexOf(' ');
  if (space === -1) {
    throw invalidAuthorization(
      '',
      "Authorization header is invalid -- one and only one ' ' (space) required",
    );
  }
  const scheme = authorization.slice(0, space);
  if (scheme === SIGNATURE_ALGORITHM) return authorization.slice(space + 1);
  if (scheme === SIGV2_SCHEME) throw unsupportedVersion();
  if (scheme === SIGV4A_SCHEME) throw new S3Error('NotImplemented', { Header: 'Authorization' });
  throw invalidAuthorization(scheme, 'Unsupported Authorization Type');
}

/** The time of `x-amz-date`, which wins, or of `Date`. */
function requestTime(headers: ReadonlyMap<string, string>): number {
  const amzDate = headers.get('x-amz-date');
  const date = headers.get('date') ?? '';
  const timeMs =
    amzDate === undefined ? (parseHttpDate(date) ?? parseAmzDate(date)) : parseAmzDate(amzDate);
  if (timeMs !== undefined) return timeMs;
  throw invalidDate();
}

// Only the scheme is shown: what follows may be a password or token meant for another server.
function invalidAuthorization(scheme: string, message: string): S3Error {
  const details = { ArgumentName: 'Authorization', ArgumentValue: scheme };
  return new S3Error('InvalidArgument', details, { message });
}

function malformed(reason: string, details: Readonly<Record<string, string>> = {}): S3Error {
  const message = `The authorization header is malformed; ${reason}`;
  return new S3Error('AuthorizationHeaderMalformed', details, { message });
}
