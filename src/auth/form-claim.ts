/**
 * The signature in the fields of a browser form. It covers the policy alone, so whatever else the
 * form says is worth what the policy allows.
 *
 * @see https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-authentication-HTTPPOST.html
 * @module
 */

import { S3Error } from '../s3/errors.js';
import { assertPolicyNotExpired, parsePostPolicy, type PostPolicy } from '../s3/post-policy.js';
import { parseAmzDate } from '../wire/amz-date.js';
import { missingField } from '../wire/form-fields.js';
import { SIGNATURE_ALGORITHM } from '../wire/sigv4.js';
import type { Principal } from './principal.js';
import {
  assertSameDay,
  parseCredential,
  unsupportedVersion,
  type ClaimContext,
  type Refusal,
} from './signature-claim.js';
import { verifyPolicySignature, type SigningKeys } from './signature.js';

/** Who signed a form, and what for. */
export interface AuthenticatedForm {
  readonly principal: Principal & { readonly kind: 'user' };
  /** Not expired; its conditions have not been looked at. */
  readonly policy: PostPolicy;
}

const ALGORITHM = 'X-Amz-Algorithm';
const CREDENTIAL = 'X-Amz-Credential';
const DATE = 'X-Amz-Date';
const SIGNATURE = 'X-Amz-Signature';
/** In the order in which a missing one is reported. */
const SIGNATURE_FIELDS = [ALGORITHM, CREDENTIAL, DATE, SIGNATURE] as const;

/**
 * Verifies the signature of a form. There is no anonymous upload: a form without one is refused.
 *
 * Reported first is: a missing field, its form, the access key, the signature, the form of the
 * policy, its expiration.
 *
 * @param fields - values by lower-case name.
 * @throws {S3Error} AccessDenied, InvalidAccessKeyId, InvalidArgument, InvalidPolicyDocument,
 * InvalidRequest, InvalidToken, SignatureDoesNotMatch.
 */
export function authenticateForm(
  fields: ReadonlyMap<string, string>,
  context: ClaimContext & SigningKeys,
): AuthenticatedForm {
  if (fields.has('awsaccesskeyid') || fields.has('signature')) throw unsupportedVersion();
  // Any one of them is enough: a form that lost one must not pass for an anonymous one.
  if (!SIGNATURE_FIELDS.some((name) => fields.has(name.toLowerCase()))) {
    throw new S3Error('AccessDenied');
  }
  const algorithm = requireField(fields, ALGORITHM);
  const credentialText = requireField(fields, CREDENTIAL);
  const timestamp = requireField(fields, DATE);
  const signature = requireField(fields, SIGNATURE);
  const encodedPolicy = requireField(fields, 'Policy');
  if (algorithm !== SIGNATURE_ALGORITHM) {
    throw refusal(ALGORITHM, algorithm)(`${ALGORITHM} only supports "${SIGNATURE_ALGORITHM}"`);
  }
  const refuseCredential = refusal(CREDENTIAL, credentialText);
  const credential = parseCredential(credentialText, context.region, refuseCredential);
  if (parseAmzDate(timestamp) === undefined) {
    throw refusal(DATE, timestamp)(`${DATE} must be formated via ISO8601 Long format`);
  }
  assertSameDay(credential, timestamp, refuseCredential);
  // There are no temporary credentials here.
  if (fields.has('x-amz-security-token')) throw new S3Error('InvalidToken');
  const { accessKey, account } = verifyPolicySignature(
    credential,
    encodedPolicy,
    signature,
    context,
  );
  const policy = parsePostPolicy(encodedPolicy);
  assertPolicyNotExpired(policy, context.nowMs);
  return { principal: { kind: 'user', accessKey, account }, policy };
}

function requireField(fields: ReadonlyMap<string, string>, name: string): string {
  const value = fields.get(name.toLowerCase());
  if (value === undefined) throw missingField(name);
  return value;
}

function refusal(name: string, value: string): Refusal {
  return (message, details = {}) =>
    new S3Error(
      'InvalidArgument',
      { ArgumentName: name, ArgumentValue: value, ...details },
      { message },
    );
}
