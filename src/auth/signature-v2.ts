/**
 * Signature Version 2 in the `Authorization` header, for servers that offer it.
 *
 * ```text
 * AWS <access key>:<signature>
 * ```
 *
 * It covers neither the payload nor all of the query. What would change the meaning of a request
 * without being covered is refused.
 *
 * @see https://docs.aws.amazon.com/AmazonS3/latest/API/RESTAuthentication.html
 * @module
 */

import { randomBytes } from 'node:crypto';

import { parseHttpDate } from '../s3/dates.js';
import { S3Error } from '../s3/errors.js';
import { parseAmzDate } from '../wire/amz-date.js';
import type { QueryParameters } from '../wire/query.js';
import { isQueryCoveredV2, signatureV2, stringToSignV2 } from '../wire/sigv2.js';
import { signaturesEqual } from '../wire/sigv4.js';
import type { Credential, CredentialStore } from './credentials.js';
import { assertClockSkew } from './header-claim.js';
import {
  assertNoSessionToken,
  invalidDate,
  onlyOneMechanism,
  unsupportedVersion,
  type SignedRequest,
} from './signature-claim.js';
import { spacedHex } from './signature.js';

const SCHEME = 'AWS ';
const CLAIM = /^AWS ([^ ]+):([A-Za-z0-9+/=]+)$/;

/** Signs for access keys that nobody has, so that they take as long as others. */
const NOBODYS_SECRET = randomBytes(30);

/** Whether an `Authorization` header is of this version. */
export function isSignatureV2(authorization: string): boolean {
  return authorization.startsWith(SCHEME);
}

/**
 * Verifies a signature of version 2.
 *
 * @returns whose it is.
 * @throws {S3Error} AccessDenied, InvalidAccessKeyId, InvalidArgument, InvalidRequest, InvalidToken,
 * RequestTimeTooSkewed, SignatureDoesNotMatch.
 */
export function verifySignatureV2(
  request: SignedRequest,
  authorization: string,
  query: QueryParameters,
  context: { readonly credentials: CredentialStore; readonly nowMs: number },
): Credential {
  const { accessKey, signature } = parseClaim(authorization);
  const timestamp = request.headers.get('x-amz-date') ?? request.headers.get('date') ?? '';
  const timeMs = parseHttpDate(timestamp) ?? parseAmzDate(timestamp);
  if (timeMs === undefined) throw invalidDate();
  assertNoSessionToken(request, query);
  assertCovered(query);
  const credential = context.credentials.lookup(accessKey);
  const text = stringToSignV2({ ...request, hostBucket: '', ...request.resourceV2?.(), query });
  const expected = signatureV2(credential?.secretKey ?? NOBODYS_SECRET, text);
  const isEqual = signaturesEqual(expected, signature);
  if (credential === undefined) {
    throw new S3Error('InvalidAccessKeyId', { AWSAccessKeyId: accessKey });
  }
  if (!isEqual) {
    throw new S3Error('SignatureDoesNotMatch', {
      AWSAccessKeyId: accessKey,
      StringToSign: text,
      SignatureProvided: signature,
      StringToSignBytes: spacedHex(text),
    });
  }
  assertClockSkew({ timestamp, timeMs }, context.nowMs);
  return credential;
}

function parseClaim(authorization: string): { accessKey: string; signature: string } {
  const [, accessKey, signature] = CLAIM.exec(authorization) ?? [];
  if (accessKey !== undefined && signature !== undefined) return { accessKey, signature };
  const message = 'AWS authorization header is invalid.  Expected AwsAccessKeyId:signature';
  const details = { ArgumentName: 'Authorization', ArgumentValue: SCHEME.trim() };
  throw new S3Error('InvalidArgument', details, { message });
}

function assertCovered(query: QueryParameters): void {
  for (const name of query.keys()) {
    // Parameters of version 4, or headers that a presigned URL of it would carry.
    if (name.toLowerCase().startsWith('x-amz-')) throw onlyOneMechanism();
  }
  if (!isQueryCoveredV2(query)) throw unsupportedVersion();
}
