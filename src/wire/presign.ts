/**
 * Makes presigned URLs: a request that anybody who has the URL may send until it expires.
 *
 * @see https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html
 * @module
 */

import { PRESIGN_EXPIRES_SECS_MAX } from '../s3/limits.js';
import { formatAmzDate } from './amz-date.js';
import { HmacSha256Key } from './hmac-sha256.js';
import { canonicalQuery } from './query.js';
import {
  canonicalRequest,
  credentialScope,
  deriveSigningKey,
  SIGNATURE_ALGORITHM,
  stringToSign,
  UNSIGNED_PAYLOAD,
} from './sigv4.js';
import { encodePathAws } from './uri.js';

/** What to sign, and for how long. */
export interface PresignInput {
  readonly method: string;
  /** Scheme, host, port and path prefix as the client will use them; the rest is ignored. */
  readonly endpoint: URL;
  /** Puts the bucket in front of the host instead of into the path. */
  readonly isVirtualHosted?: boolean;
  readonly bucket: string;
  /** Empty for a URL of the bucket itself. */
  readonly key: string;
  /** 1 to 604,800. */
  readonly expiresSecs: number;
  readonly accessKey: string;
  readonly secret: string;
  readonly region: string;
  readonly nowMs: number;
  /** More to sign, decoded: sub-resources, `response-*`, `x-amz-*` in place of headers. */
  readonly extraQuery?: Readonly<Record<string, string>>;
}

/**
 * Signs a URL with the payload left open.
 *
 * @throws {RangeError} `expiresSecs` is not a whole number of seconds up to a week.
 */
export function presignUrl(input: PresignInput): string {
  const { bucket, endpoint, expiresSecs, key, region } = input;
  if (!Number.isInteger(expiresSecs) || expiresSecs < 1 || expiresSecs > PRESIGN_EXPIRES_SECS_MAX) {
    throw new RangeError(
      `Cannot sign for ${expiresSecs} seconds: it must be 1 to ${PRESIGN_EXPIRES_SECS_MAX}`,
    );
  }
  const timestamp = formatAmzDate(input.nowMs);
  const date = timestamp.slice(0, 8);
  const scope = credentialScope(date, region);
  const prefix = endpoint.pathname.replace(/\/+$/, '');
  const host = input.isVirtualHosted === true ? `${bucket}.${endpoint.host}` : endpoint.host;
  const resource = input.isVirtualHosted === true ? key : key === '' ? bucket : `${bucket}/${key}`;
  const path = `${prefix}/${encodePathAws(resource)}`;
  const query = canonicalQuery(queryParameters(input, timestamp, scope));
  const request = canonicalRequest({
    method: input.method,
    rawPath: path,
    canonicalQuery: query,
    headers: new Map([['host', host]]),
    repeatedHeaders: new Set(),
    signedHeaders: ['host'],
    payloadHash: UNSIGNED_PAYLOAD,
  });
  const signingKey = new HmacSha256Key(deriveSigningKey(input.secret, date, region));
  const signature = signingKey.signHex(stringToSign(timestamp, scope, request));
  return `${endpoint.protocol}//${host}${path}?${query}&X-Amz-Signature=${signature}`;
}

function queryParameters(
  input: PresignInput,
  timestamp: string,
  scope: string,
): ReadonlyMap<string, readonly string[]> {
  const parameters = {
    ...input.extraQuery,
    'X-Amz-Algorithm': SIGNATURE_ALGORITHM,
    'X-Amz-Credential': `${input.accessKey}/${scope}`,
    'X-Amz-Date': timestamp,
    'X-Amz-Expires': `${input.expiresSecs}`,
    'X-Amz-SignedHeaders': 'host',
  };
  return new Map(Object.entries(parameters).map(([name, value]) => [name, [value]]));
}
