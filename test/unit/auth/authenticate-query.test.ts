/** Presigned URLs and requests without a signature. */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { authenticate, type AuthenticatedRequest } from '#src/auth/authenticate.js';
import { S3Error, type S3ErrorCode } from '#src/s3/errors.js';
import { presignUrl } from '#src/wire/presign.js';

import { authenticationContext } from '../../support/authentication-context.js';
import {
  ACCESS_KEY,
  EMPTY_SHA256,
  NOW_MS,
  presignedHead,
  REGION,
  SECRET_KEY,
  signedHead,
  withHeaders,
  type Head,
} from '../../support/signed-head.js';

const PARAMETERS = 'AuthorizationQueryParametersError';

function check(head: Head, nowMs = NOW_MS): AuthenticatedRequest {
  return authenticate(head, { ...authenticationContext(), nowMs });
}

function refusal(head: Head, nowMs = NOW_MS): S3Error {
  try {
    check(head, nowMs);
  } catch (error) {
    assert.ok(error instanceof S3Error, String(error));
    return error;
  }
  return assert.fail('the request was accepted');
}

/** A presigned head whose signature parameters were changed before signing. */
function edited(name: string, value: string | undefined): Head {
  return presignedHead({
    editParameters: (parameters) => {
      if (value === undefined) parameters.delete(name);
      else parameters.set(name, value);
    },
  });
}

function extended(head: Head, more: string): Head {
  return { ...head, rawQuery: `${head.rawQuery}&${more}` };
}

test('authenticate accepts a presigned URL, its payload open', () => {
  const head = presignedHead({ rawQuery: 'response-content-type=text%2Fplain' });
  const { principal, verification, headers } = check(head);
  assert.deepEqual(principal, { kind: 'user', accessKey: ACCESS_KEY, account: 'main' });
  assert.deepEqual(verification, { mode: 'unsigned' });
  assert.equal(headers, head.headers);
});

test('authenticate accepts what presignUrl makes, for odd keys', () => {
  for (const key of ['a', 'a//b', '/a', '..', 'a+b c', '%2F', "!'()*", 'é😀', '?&=#', '\x01']) {
    const url = presignUrl({
      method: 'GET',
      endpoint: new URL('http://127.0.0.1:9000'),
      bucket: 'bucket',
      key,
      expiresSecs: 60,
      accessKey: ACCESS_KEY,
      secret: SECRET_KEY,
      region: REGION,
      nowMs: NOW_MS,
      extraQuery: { 'x-amz-meta-a': 'b c' },
    });
    const [target = '', rawQuery = ''] = url.split('?');
    const rawPath = target.slice('http://127.0.0.1:9000'.length);
    const head = { ...presignedHead(), rawPath, rawQuery };
    assert.equal(check(head).headers.get('x-amz-meta-a'), 'b c', key);
  }
});

for (const name of ['Algorithm', 'Credential', 'Date', 'Expires', 'SignedHeaders']) {
  test(`authenticate answers a missing or empty X-Amz-${name} with ${PARAMETERS}`, () => {
    assert.equal(refusal(edited(`X-Amz-${name}`, undefined)).code, PARAMETERS);
    assert.equal(refusal(edited(`X-Amz-${name}`, '')).code, PARAMETERS);
  });
}

test(`authenticate answers a missing X-Amz-Signature with ${PARAMETERS}`, () => {
  const head = presignedHead();
  const rawQuery = head.rawQuery.replace(/&X-Amz-Signature=.*/, '');
  assert.equal(refusal({ ...head, rawQuery }).code, PARAMETERS);
});

const SCOPE = '20260115/us-east-1/s3/aws4_request';

for (const [what, head, code] of [
  ['another algorithm', edited('X-Amz-Algorithm', 'AWS4-HMAC-SHA512'), PARAMETERS],
  ['SigV4A', edited('X-Amz-Algorithm', 'AWS4-ECDSA-P256-SHA256'), PARAMETERS],
  ['a credential of four parts', edited('X-Amz-Credential', SCOPE), PARAMETERS],
  [
    'a credential encoded twice',
    edited('X-Amz-Credential', encodeURIComponent(`${ACCESS_KEY}/${SCOPE}`)),
    PARAMETERS,
  ],
  ['another service', presignedHead({ service: 'ec2' }), PARAMETERS],
  ['another region', presignedHead({ region: 'eu-west-1' }), PARAMETERS],
  ['another terminal', presignedHead({ terminal: 'x' }), PARAMETERS],
  ['a credential date in another form', presignedHead({ date: '2026-01-15' }), PARAMETERS],
  ['a credential of another day', presignedHead({ date: '20260114' }), PARAMETERS],
  ['a date that is not ISO basic', edited('X-Amz-Date', '2026-01-15T12:00:00Z'), PARAMETERS],
  ['text in X-Amz-Expires', edited('X-Amz-Expires', 'soon'), PARAMETERS],
  ['a fraction in X-Amz-Expires', edited('X-Amz-Expires', '1.5'), PARAMETERS],
  ['a negative X-Amz-Expires', edited('X-Amz-Expires', '-1'), PARAMETERS],
  ['X-Amz-Expires above a week', edited('X-Amz-Expires', '604801'), PARAMETERS],
  ['X-Amz-Expires above 2^63', edited('X-Amz-Expires', '9'.repeat(20)), PARAMETERS],
  ['an unknown access key', presignedHead({ accessKey: 'AKIANOBODY' }), 'InvalidAccessKeyId'],
  ['another secret', presignedHead({ secret: 'another-secret' }), 'SignatureDoesNotMatch'],
  ['another method', { ...presignedHead(), method: 'PUT' }, 'SignatureDoesNotMatch'],
  ['one more parameter', extended(presignedHead(), 'a=b'), 'SignatureDoesNotMatch'],
  ['a repeated parameter', extended(presignedHead(), 'X-Amz-Expires=60'), 'SignatureDoesNotMatch'],
  ['a repeated signature', extended(presignedHead(), 'X-Amz-Signature=x'), 'SignatureDoesNotMatch'],
  ['a session token', presignedHead({ rawQuery: 'X-Amz-Security-Token=t' }), 'InvalidToken'],
  [
    'signature version 2',
    { ...presignedHead(), rawQuery: 'AWSAccessKeyId=a&Expires=1&Signature=b' },
    'InvalidRequest',
  ],
  ['an unsigned host', presignedHead({ signedHeaders: ['x-amz-meta-a'] }), 'AccessDenied'],
  [
    'an unsigned x-amz-* header',
    presignedHead({ unsignedHeaders: { 'x-amz-acl': 'private' } }),
    'AccessDenied',
  ],
  [
    'an unsigned x-amz-expires header',
    presignedHead({ unsignedHeaders: { 'x-amz-expires': '60' } }),
    'AccessDenied',
  ],
  [
    'a garbage payload hash',
    presignedHead({ unsignedHeaders: { 'x-amz-content-sha256': 'x' } }),
    'InvalidArgument',
  ],
] as readonly (readonly [string, Head, S3ErrorCode])[]) {
  test(`authenticate answers a presigned URL with ${what} by ${code}`, () => {
    assert.equal(refusal(head).code, code);
  });
}

test('authenticate accepts a presigned URL through its last second', () => {
  const head = presignedHead({ expires: '60' });
  assert.equal(check(head, NOW_MS + 60_999).principal.kind, 'user');
  const { code, details, message } = refusal(head, NOW_MS + 61_000);
  assert.equal(code, 'AccessDenied');
  assert.equal(message, 'Request has expired');
  assert.deepEqual(details, {
    'X-Amz-Expires': 60,
    Expires: '2026-01-15T12:01:00.000Z',
    ServerTime: '2026-01-15T12:01:01.000Z',
  });
});

test('authenticate accepts a presigned URL for a week, and 15 minutes before its time', () => {
  const head = presignedHead({ expires: '604800' });
  assert.equal(check(head, NOW_MS + 604_800_000).principal.kind, 'user');
  assert.equal(check(head, NOW_MS - 900_000).principal.kind, 'user');
  assert.equal(refusal(head, NOW_MS - 900_001).code, 'AccessDenied');
});

test('authenticate reports a wrong signature before an expired URL', () => {
  const head = presignedHead({ secret: 'another-secret' });
  assert.equal(refusal(head, NOW_MS + 3_600_000).code, 'SignatureDoesNotMatch');
});

test('authenticate merges x-amz-* parameters of a presigned URL into the headers', () => {
  const rawQuery = [
    'X-Amz-Meta-Color=deep%20blue',
    'x-amz-acl=private',
    'x-amz-checksum-mode=ENABLED',
    'x-amz-meta-twice=1&x-amz-meta-twice=2',
    'x-id=PutObject',
  ].join('&');
  const { headers } = check(presignedHead({ rawQuery }));
  assert.deepEqual(
    [...headers],
    [
      ['host', '127.0.0.1:9000'],
      ['x-amz-meta-color', 'deep blue'],
      ['x-amz-acl', 'private'],
      ['x-amz-checksum-mode', 'ENABLED'],
      ['x-amz-meta-twice', '1,2'],
    ],
  );
});

test('authenticate ignores the checksum of an empty body that SDKs presign', () => {
  const rawQuery = 'x-amz-checksum-crc32=AAAAAA%3D%3D&x-amz-sdk-checksum-algorithm=CRC32';
  assert.deepEqual([...check(presignedHead({ rawQuery })).headers.keys()], ['host']);
});

test('authenticate accepts a header that repeats the query, and no other value', () => {
  const rawQuery = 'x-amz-meta-a=1';
  const same = presignedHead({ rawQuery, unsignedHeaders: { 'x-amz-meta-a': '1' } });
  assert.equal(check(same).headers.get('x-amz-meta-a'), '1');
  const other = presignedHead({ rawQuery, unsignedHeaders: { 'x-amz-meta-a': '2' } });
  assert.equal(refusal(other).code, 'SignatureDoesNotMatch');
  const signed = presignedHead({ rawQuery, headers: { 'x-amz-meta-a': '2' } });
  assert.equal(refusal(signed).code, 'SignatureDoesNotMatch');
});

test('authenticate enforces Content-Type of a presigned PUT only when it is signed', () => {
  const added = presignedHead({ method: 'PUT', unsignedHeaders: { 'content-type': 'a/b' } });
  assert.equal(check(added).headers.get('content-type'), 'a/b');
  const signed = presignedHead({ method: 'PUT', headers: { 'content-type': 'a/b' } });
  const other = withHeaders(signed, { 'content-type': 'c/d' });
  assert.equal(refusal(other).code, 'SignatureDoesNotMatch');
});

test('authenticate takes the payload hash of a presigned request from header or query', () => {
  const inQuery = presignedHead({
    rawQuery: `X-Amz-Content-Sha256=${EMPTY_SHA256}`,
    payloadHash: EMPTY_SHA256,
  });
  assert.deepEqual(check(inQuery).verification, { mode: 'sha256', sha256Hex: EMPTY_SHA256 });
  const signed = presignedHead({
    headers: { 'x-amz-content-sha256': EMPTY_SHA256 },
    payloadHash: EMPTY_SHA256,
  });
  assert.deepEqual(check(signed).verification, { mode: 'sha256', sha256Hex: EMPTY_SHA256 });
  const added = presignedHead({ unsignedHeaders: { 'x-amz-content-sha256': EMPTY_SHA256 } });
  assert.deepEqual(check(added).verification, { mode: 'sha256', sha256Hex: EMPTY_SHA256 });
});

for (const parameter of ['X-Amz-Algorithm=AWS4-HMAC-SHA256', 'X-Amz-Signature=a', 'Signature=a']) {
  test(`authenticate refuses an Authorization header beside ${parameter}`, () => {
    const { code, details } = refusal({ ...signedHead(), rawQuery: parameter });
    assert.equal(code, 'InvalidArgument');
    assert.equal(details['ArgumentName'], 'Authorization');
  });
}

const ANONYMOUS = withHeaders(signedHead({ signedHeaders: ['host'] }), {
  authorization: undefined,
  'x-amz-content-sha256': undefined,
});

test('authenticate takes a request without a signature for anonymous', () => {
  const { principal, verification, headers } = check(ANONYMOUS);
  assert.deepEqual(principal, { kind: 'anonymous' });
  assert.deepEqual(verification, { mode: 'unsigned' });
  assert.equal(headers, ANONYMOUS.headers);
});

test('authenticate does not merge parameters of an anonymous request', () => {
  const { headers } = check({ ...ANONYMOUS, rawQuery: 'x-amz-meta-a=1' });
  assert.equal(headers.get('x-amz-meta-a'), undefined);
});

test('authenticate holds anonymous bodies to their payload hash', () => {
  const mode = (payloadHash: string): AuthenticatedRequest =>
    check(withHeaders(ANONYMOUS, { 'x-amz-content-sha256': payloadHash }));
  assert.equal(mode(EMPTY_SHA256).verification.mode, 'sha256');
  assert.deepEqual(mode('STREAMING-UNSIGNED-PAYLOAD-TRAILER').verification, {
    mode: 'aws-chunked',
    hasTrailer: true,
    signing: undefined,
  });
  for (const suffix of ['', '-TRAILER']) {
    const payloadHash = `STREAMING-AWS4-HMAC-SHA256-PAYLOAD${suffix}`;
    const head = withHeaders(ANONYMOUS, { 'x-amz-content-sha256': payloadHash });
    assert.equal(refusal(head).code, 'InvalidRequest');
  }
});
