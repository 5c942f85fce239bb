/**
 * Who sent a request, and how its body will prove itself. Fails closed, for every carrier of a
 * signature.
 *
 * A request with several faults reports the first of: the form of the claim, headers left unsigned,
 * the access key, the signature, the clock.
 *
 * @see https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-authenticating-requests.html
 * @module
 */

import { S3Error } from '../s3/errors.js';
import type { SignedAddress } from '../wire/addressing.js';
import { parseQuery, type QueryParameters } from '../wire/query.js';
import { UNSIGNED_PAYLOAD } from '../wire/sigv4.js';
import type { Credential } from './credentials.js';
import { assertClockSkew, headerClaim } from './header-claim.js';
import { assertPayloadHash, payloadVerification } from './payload-mode.js';
import type { PayloadVerification } from './payload-verification.js';
import type { Principal } from './principal.js';
import {
  assertNotExpired,
  hoistedHeaders,
  queryClaim,
  querySignatureVersion,
} from './query-claim.js';
import {
  onlyOneMechanism,
  type ClaimContext,
  type SignatureClaim,
  type SignedRequest,
} from './signature-claim.js';
import { isSignatureV2, verifySignatureV2 } from './signature-v2.js';
import {
  assertHeadersSigned,
  verifySignature,
  type SigningKeys,
  type VerifiedSignature,
} from './signature.js';

/** What a request is judged by. */
export interface AuthenticationContext extends ClaimContext, SigningKeys {
  /** Headers of the form `AWS key:signature` are verified instead of refused. */
  readonly isSignatureV2Offered?: boolean;
}

/** A request whose sender is known, or known to be nobody. */
export interface AuthenticatedRequest {
  readonly principal: Principal;
  readonly verification: PayloadVerification;
  /** Those of the request; presigned `x-amz-*` query parameters are merged in. */
  readonly headers: ReadonlyMap<string, string>;
  /** What the signature covers, when it is another address than the one that arrived. */
  readonly signedAddress?: SignedAddress | undefined;
}

const NOTHING_HOISTED: ReadonlyMap<string, string> = new Map();

/**
 * Verifies the signature of a request head, or finds that it has none.
 *
 * @param query - of `rawQuery`, when the caller has parsed it already.
 * @throws {S3Error} AccessDenied, AuthorizationHeaderMalformed, AuthorizationQueryParametersError,
 * InvalidAccessKeyId, InvalidArgument, InvalidRequest, InvalidToken, InvalidURI, NotImplemented,
 * RequestTimeTooSkewed, SignatureDoesNotMatch.
 */
export function authenticate(
  request: SignedRequest,
  context: AuthenticationContext,
  query: QueryParameters = parseQuery(request.rawQuery),
): AuthenticatedRequest {
  if (request.repeatedHeaders.size > 0) assertNotRepeated(request);
  const authorization = request.headers.get('authorization');
  const isQuerySigned = querySignatureVersion(query) !== undefined;
  if (authorization === undefined) {
    if (isQuerySigned) return presigned(request, query, context);
    return withoutSigningKey(request, { kind: 'anonymous' });
  }
  if (isQuerySigned) throw onlyOneMechanism();
  if (context.isSignatureV2Offered === true && isSignatureV2(authorization)) {
    const credential = verifySignatureV2(request, authorization, query, context);
    return withoutSigningKey(request, userOf(credential));
  }
  const claim = headerClaim(request, authorization, query, context);
  assertHeadersSigned(request, claim, NOTHING_HOISTED);
  const verified = verifySignature(request, query, claim, context);
  assertClockSkew(claim, context.nowMs);
  return authenticated(claim, verified, claim.payloadHash, request.headers);
}

function presigned(
  request: SignedRequest,
  query: QueryParameters,
  context: AuthenticationContext,
): AuthenticatedRequest {
  const claim = queryClaim(request, query, context);
  const hoisted = hoistedHeaders(query);
  assertHeadersSigned(request, claim, hoisted);
  const verified = verifySignature(request, query, claim, context);
  const headers = mergedHeaders(request, hoisted, claim);
  assertNotExpired(claim, query, context.nowMs);
  const payloadHash = headers.get('x-amz-content-sha256') ?? claim.payloadHash;
  assertPayloadHash(payloadHash);
  return authenticated(claim, verified, payloadHash, headers);
}

/** A request whose payload no signature can cover: nobody's, or one signed in version 2. */
function withoutSigningKey(request: SignedRequest, principal: Principal): AuthenticatedRequest {
  const payloadHash = request.headers.get('x-amz-content-sha256') ?? UNSIGNED_PAYLOAD;
  assertPayloadHash(payloadHash);
  return {
    principal,
    verification: payloadVerification(payloadHash, undefined),
    headers: request.headers,
  };
}

function authenticated(
  claim: SignatureClaim,
  { credential, signingKey, signedAddress }: VerifiedSignature,
  payloadHash: string,
  headers: ReadonlyMap<string, string>,
): AuthenticatedRequest {
  return {
    principal: userOf(credential),
    verification: payloadVerification(payloadHash, () => ({
      signingKey: signingKey.bytes,
      timestamp: claim.timestamp,
      scope: claim.credential.scope,
      seedSignature: claim.signature,
    })),
    headers,
    signedAddress,
  };
}

function userOf({ accessKey, account }: Credential): Principal {
  return { kind: 'user', accessKey, account };
}

/** @throws {S3Error} SignatureDoesNotMatch when a header contradicts what was signed. */
function mergedHeaders(
  request: SignedRequest,
  hoisted: ReadonlyMap<string, string>,
  claim: SignatureClaim,
): ReadonlyMap<string, string> {
  if (hoisted.size === 0) return request.headers;
  const merged = new Map(request.headers);
  for (const [name, value] of hoisted) {
    if ((request.headers.get(name) ?? value) !== value) {
      throw new S3Error('SignatureDoesNotMatch', {
        AWSAccessKeyId: claim.credential.accessKey,
        SignatureProvided: claim.signature,
      });
    }
    merged.set(name, value);
  }
  return merged;
}

// Two parsers could take different copies for the one that counts.
function assertNotRepeated({ repeatedHeaders }: SignedRequest): void {
  if (repeatedHeaders.has('host')) throw new S3Error('BadRequest');
  if (!repeatedHeaders.has('authorization')) return;
  const details = { ArgumentName: 'Authorization' };
  throw new S3Error('InvalidArgument', details, { message: 'Only one Authorization is allowed' });
}
