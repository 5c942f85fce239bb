/**
 * Verifies that a claimed signature is the one the secret makes of this request.
 *
 * @module
 */

import { randomBytes } from 'node:crypto';

import { S3Error } from '../s3/errors.js';
import type { SignedAddress } from '../wire/addressing.js';
import { HmacSha256Key } from '../wire/hmac-sha256.js';
import { canonicalQuery, type QueryParameters } from '../wire/query.js';
import { canonicalRequest, signaturesEqual, stringToSign } from '../wire/sigv4.js';
import type { Credential, CredentialStore } from './credentials.js';
import type { ClaimedCredential, SignatureClaim, SignedRequest } from './signature-claim.js';
import type { SigningKeyCache } from './signing-key-cache.js';

/** Where secrets and the keys made of them are found. */
export interface SigningKeys {
  readonly credentials: CredentialStore;
  readonly signingKeys: SigningKeyCache;
}

/** What verified a signature. */
export interface VerifiedSignature {
  readonly credential: Credential;
  readonly signingKey: HmacSha256Key;
  /** What the signature covers, when it is another address than the one that arrived. */
  readonly signedAddress: SignedAddress | undefined;
}

/** Signs for access keys that nobody has, so that they take as long as others. */
const NOBODYS_KEY = new HmacSha256Key(randomBytes(32));

/**
 * Headers that frame the body and may arrive unsigned: the payload hash is covered by the canonical
 * request itself, the others can only make a body fail that would have passed.
 */
const MAY_BE_UNSIGNED: ReadonlySet<string> = new Set([
  'x-amz-content-sha256',
  'x-amz-decoded-content-length',
  'x-amz-sdk-checksum-algorithm',
  'x-amz-trailer',
]);

/**
 * Verifies the signature of a request.
 *
 * @throws {S3Error} InvalidAccessKeyId, SignatureDoesNotMatch.
 */
export function verifySignature(
  request: SignedRequest,
  query: QueryParameters,
  claim: SignatureClaim,
  keys: SigningKeys,
): VerifiedSignature {
  const { credential, signingKey } = keyOf(claim.credential, keys);
  const queryText = canonicalQuery(query, claim.omittedParameter);
  const canonical = canonicalRequest({
    method: request.method,
    rawPath: request.rawPath,
    canonicalQuery: queryText,
    headers: request.headers,
    repeatedHeaders: request.repeatedHeaders,
    signedHeaders: claim.signedHeaders,
    payloadHash: claim.payloadHash,
  });
  const text = stringToSign(claim.timestamp, claim.credential.scope, canonical);
  const isEqual = signaturesEqual(signingKey.signHex(text), claim.signature);
  const signedAddress = isEqual ? undefined : otherAddress(request, queryText, claim, signingKey);
  if (credential === undefined) {
    throw new S3Error('InvalidAccessKeyId', { AWSAccessKeyId: claim.credential.accessKey });
  }
  if (!isEqual && signedAddress === undefined) throw doesNotMatch(claim, text, canonical);
  return { credential, signingKey, signedAddress };
}

/** The first of the other addresses that the signature covers. */
function otherAddress(
  request: SignedRequest,
  queryText: string,
  claim: SignatureClaim,
  signingKey: HmacSha256Key,
): SignedAddress | undefined {
  if (request.otherAddresses === undefined) return undefined;
  for (const address of request.otherAddresses()) {
    const canonical = canonicalRequest({
      method: request.method,
      rawPath: address.rawPath,
      canonicalQuery: queryText,
      headers: new Map(request.headers).set('host', address.host),
      repeatedHeaders: request.repeatedHeaders,
      signedHeaders: claim.signedHeaders,
      payloadHash: claim.payloadHash,
    });
    const text = stringToSign(claim.timestamp, claim.credential.scope, canonical);
    if (signaturesEqual(signingKey.signHex(text), claim.signature)) return address;
  }
  return undefined;
}

/**
 * Verifies the signature of a form, which covers its policy and nothing else.
 *
 * @param policy - base64, as it was sent.
 * @throws {S3Error} InvalidAccessKeyId, SignatureDoesNotMatch.
 */
export function verifyPolicySignature(
  claimed: ClaimedCredential,
  policy: string,
  signature: string,
  keys: SigningKeys,
): Credential {
  const { credential, signingKey } = keyOf(claimed, keys);
  const isEqual = signaturesEqual(signingKey.signHex(policy), signature);
  const { accessKey } = claimed;
  if (credential === undefined) {
    throw new S3Error('InvalidAccessKeyId', { AWSAccessKeyId: accessKey });
  }
  if (isEqual) return credential;
  throw new S3Error('SignatureDoesNotMatch', {
    AWSAccessKeyId: accessKey,
    StringToSign: policy,
    SignatureProvided: signature,
    StringToSignBytes: spacedHex(policy),
  });
}

/** The key of a claim; an unknown credential gets one that signs all the same. */
function keyOf(
  { accessKey, date, region }: ClaimedCredential,
  keys: SigningKeys,
): { readonly credential: Credential | undefined; readonly signingKey: HmacSha256Key } {
  const credential = keys.credentials.lookup(accessKey);
  if (credential === undefined) return { credential, signingKey: NOBODYS_KEY };
  const name = { accessKey, secretKey: credential.secretKey, date, region };
  return { credential, signingKey: keys.signingKeys.get(name, keys.credentials) };
}

/**
 * Refuses `x-amz-*` headers that somebody other than the signer may have added.
 *
 * @param hoisted - headers that the signer put into the query.
 * @throws {S3Error} AccessDenied.
 */
export function assertHeadersSigned(
  request: SignedRequest,
  claim: SignatureClaim,
  hoisted: ReadonlyMap<string, string>,
): void {
  const { signedHeaders } = claim;
  let missing = signedHeaders.includes('host') ? '' : 'host';
  for (const name of request.headers.keys()) {
    if (!name.startsWith('x-amz-') || signedHeaders.includes(name)) continue;
    if (MAY_BE_UNSIGNED.has(name) || hoisted.has(name)) continue;
    missing += missing === '' ? name : `, ${name}`;
  }
  if (missing === '') return;
  const message = 'There were headers present in the request which were not signed';
  throw new S3Error('AccessDenied', { HeadersNotSigned: missing }, { message });
}

// The client sent all of this itself, apart from the hash. The secret is not in it.
function doesNotMatch(claim: SignatureClaim, text: string, canonical: string): S3Error {
  return new S3Error('SignatureDoesNotMatch', {
    AWSAccessKeyId: claim.credential.accessKey,
    StringToSign: text,
    SignatureProvided: claim.signature,
    StringToSignBytes: spacedHex(text),
    CanonicalRequest: canonical,
    CanonicalRequestBytes: spacedHex(canonical),
  });
}

/** The UTF-8 bytes of a text, as `SignatureDoesNotMatch` shows them. */
export function spacedHex(text: string): string {
  return Buffer.from(text)
    .toString('hex')
    .replaceAll(/..(?=.)/g, '$& ');
}
