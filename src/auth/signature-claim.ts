/**
 * What a request claims about its signature, wherever it carries the claim.
 *
 * @module
 */

import { invalidRequest, S3Error } from '../s3/errors.js';
import type { SignedAddress } from '../wire/addressing.js';
import { SCOPE_SERVICE, SCOPE_TERMINAL } from '../wire/sigv4.js';
import type { QueryParameters } from '../wire/query.js';

/** The parts of a request that a signature can cover. */
export interface SignedRequest {
  readonly method: string;
  /** Byte for byte as sent. */
  readonly rawPath: string;
  /** Without the `?`. */
  readonly rawQuery: string;
  /** Lower-case names; copies of a repeated header joined with `, `. */
  readonly headers: ReadonlyMap<string, string>;
  readonly repeatedHeaders: ReadonlySet<string>;
  /** Changes nothing: like AWS, UNSIGNED-PAYLOAD is accepted over plain HTTP too. */
  readonly isSecure?: boolean;
  /**
   * Other hosts and paths of this very resource that the signer may have used, because proxies
   * rewrite them. Bounded by OTHER_ADDRESSES_COUNT_MAX; absent when nothing is declared.
   */
  readonly otherAddresses?: () => Iterable<SignedAddress>;
  /**
   * What version 2 covers in place of host and path, when that is not the path alone: it does not
   * cover the host, so it must spell out the very bucket and key.
   */
  readonly resourceV2?: () => { readonly hostBucket: string; readonly rawPath: string };
}

/** A signature and what it says it covers. Nothing in it has been verified. */
export interface SignatureClaim {
  readonly credential: ClaimedCredential;
  /** `20130524T000000Z` form. */
  readonly timestamp: string;
  readonly timeMs: number;
  /** Lower-case, in the order of the claim. */
  readonly signedHeaders: readonly string[];
  readonly signature: string;
  /** What the canonical request ends in. */
  readonly payloadHash: string;
  /** Query parameter that cannot cover itself. */
  readonly omittedParameter: string | undefined;
}

/** Time and place a claim is judged by. */
export interface ClaimContext {
  readonly region: string;
  readonly nowMs: number;
}

/** A credential taken apart, its region, service and terminal checked. */
export interface ClaimedCredential {
  readonly accessKey: string;
  readonly date: string;
  readonly region: string;
  /** `20130524/us-east-1/s3/aws4_request`. */
  readonly scope: string;
}

/** Makes the error of one carrier out of a reason. */
export type Refusal = (reason: string, details?: Readonly<Record<string, string>>) => S3Error;

const DATE = /^\d{8}$/;
/** More names than headers can arrive; each costs a look-up. */
const SIGNED_HEADERS_COUNT_MAX = 200;

/**
 * Takes a credential apart from the right, since access keys may contain slashes.
 *
 * @throws what `refuse` makes.
 */
export function parseCredential(
  credential: string,
  region: string,
  refuse: Refusal,
): ClaimedCredential {
  const parts = credential.split('/');
  const [date, claimedRegion, service, terminal] = parts.slice(-4);
  const accessKey = parts.slice(0, -4).join('/');
  if (accessKey === '' || date === undefined) {
    throw refuse(
      'the Credential is mal-formed; expecting "<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request".',
    );
  }
  if (terminal !== SCOPE_TERMINAL) {
    throw refuse(`incorrect terminal "${terminal}". This endpoint uses "${SCOPE_TERMINAL}".`);
  }
  if (service !== SCOPE_SERVICE) {
    throw refuse(`incorrect service "${service}". This endpoint belongs to "${SCOPE_SERVICE}".`);
  }
  if (claimedRegion !== region) {
    const details = { Region: region };
    throw refuse(`the region '${claimedRegion}' is wrong; expecting '${region}'`, details);
  }
  if (!DATE.test(date)) {
    throw refuse(
      `incorrect date format "${date}". This date in the credential must be in the format "yyyyMMdd".`,
    );
  }
  return { accessKey, date, region, scope: `${date}/${region}/${SCOPE_SERVICE}/${SCOPE_TERMINAL}` };
}

/** Checks that the credential is of the day of the time stamp. @throws what `refuse` makes. */
export function assertSameDay(
  { date }: ClaimedCredential,
  timestamp: string,
  refuse: Refusal,
): void {
  if (timestamp.startsWith(date)) return;
  throw refuse(
    `Invalid credential date "${date}". This date is not the same as X-Amz-Date: "${timestamp.slice(0, 8)}".`,
  );
}

/** Splits `SignedHeaders`. @throws what `refuse` makes. */
export function parseSignedHeaders(text: string, refuse: Refusal): readonly string[] {
  const names = text.toLowerCase().split(';');
  if (names.length > SIGNED_HEADERS_COUNT_MAX) throw refuse('too many SignedHeaders.');
  return names;
}

/**
 * Refuses session tokens: there are no temporary credentials here.
 *
 * @throws {S3Error} InvalidToken.
 */
export function assertNoSessionToken(request: SignedRequest, query: QueryParameters): void {
  if ((request.headers.get('x-amz-security-token') ?? '') !== '') throw new S3Error('InvalidToken');
  if (query.has('X-Amz-Security-Token')) throw new S3Error('InvalidToken');
}

/** The error of a request without a time that could be read. */
export function invalidDate(): S3Error {
  const message = 'AWS authentication requires a valid Date or x-amz-date header';
  return new S3Error('AccessDenied', {}, { message });
}

/** The error of a request that is signed in two places or ways. */
export function onlyOneMechanism(): S3Error {
  const details = { ArgumentName: 'Authorization' };
  const message =
    'Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature query string parameter or the Authorization header should be specified';
  return new S3Error('InvalidArgument', details, { message });
}

/** The error of a signature in a version that is not offered. */
export function unsupportedVersion(): S3Error {
  const message =
    'The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.';
  return invalidRequest(message);
}
