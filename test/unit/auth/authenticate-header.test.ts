/** Signatures in the `Authorization` header: what passes and what each fault is called. */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { authenticate, type AuthenticatedRequest } from '#src/auth/authenticate.js';
import { CredentialStore } from '#src/auth/credentials.js';
import { SigningKeyCache } from '#src/auth/signing-key-cache.js';
import { S3Error, type S3ErrorCode } from '#src/s3/errors.js';

import { authenticationContext } from '../../support/authentication-context.js';
import {
  ACCESS_KEY,
  EMPTY_SHA256,
  NOW_MS,
  REGION,
  SECRET_KEY,
  signedHead,
  TIMESTAMP,
  withHeaders,
  type Head,
  type HeadInput,
} from '../../support/signed-head.js';

const MALFORMED = 'AuthorizationHeaderMalformed';
const SLASHED = { accessKey: 'team/alice', secretKey: 'alices-secret', account: 'team' };

function check(head: Head, nowMs = NOW_MS): AuthenticatedRequest {
  return authenticate(head, { ...authenticationContext(SLASHED), nowMs });
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

function authorizationOf(head: Head): string {
  return head.headers.get('authorization') ?? '';
}

/** The signed head with its Authorization header rewritten. */
function rewritten(edit: (authorization: string) => string, input: HeadInput = {}): Head {
  const head = signedHead(input);
  return withHeaders(head, { authorization: edit(authorizationOf(head)) });
}

test('authenticate names the caller and hands the headers through', () => {
  const head = signedHead({ rawQuery: 'list-type=2&prefix=a%2Fb' });
  const { principal, verification, headers } = check(head);
  assert.deepEqual(principal, { kind: 'user', accessKey: ACCESS_KEY, account: 'main' });
  assert.deepEqual(verification, { mode: 'sha256', sha256Hex: EMPTY_SHA256 });
  assert.equal(headers, head.headers);
});

test('authenticate accepts components without spaces and in any order', () => {
  const compact = rewritten((text) => text.replaceAll(', ', ','));
  assert.equal(check(compact).principal.kind, 'user');
  const reordered = rewritten((text) => {
    const [scheme, ...components] = text.split(/,? /);
    return `${scheme} ${components.reverse().join(',  ')}`;
  });
  assert.equal(check(reordered).principal.kind, 'user');
});

test('authenticate accepts an access key with slashes', () => {
  const head = signedHead({ accessKey: SLASHED.accessKey, secret: SLASHED.secretKey });
  const { principal } = check(head);
  assert.deepEqual(principal, { kind: 'user', accessKey: 'team/alice', account: 'team' });
});

for (const date of ['Thu, 15 Jan 2026 12:00:00 GMT', TIMESTAMP]) {
  test(`authenticate takes the time from Date: ${date} when x-amz-date is absent`, () => {
    const headers = { date, 'x-amz-date': undefined };
    const head = signedHead({ headers: { date }, signedHeaders: ['date', 'host'] });
    assert.equal(check(withHeaders(head, headers)).principal.kind, 'user');
  });
}

for (const [what, head, code] of [
  ['an empty header', rewritten(() => ''), 'AccessDenied'],
  ['a value without a space', rewritten((text) => text.replaceAll(' ', '')), 'InvalidArgument'],
  ['another scheme', rewritten((text) => text.replace('SHA256', 'SHA1')), 'InvalidArgument'],
  ['a bearer token', rewritten(() => 'Bearer abc'), 'InvalidArgument'],
  ['signature version 2', rewritten(() => `AWS ${ACCESS_KEY}:sig=`), 'InvalidRequest'],
  ['SigV4A', rewritten(() => 'AWS4-ECDSA-P256-SHA256 Credential=a'), 'NotImplemented'],
  ['no Credential', rewritten((text) => text.replace(/Credential=\S+ /, '')), MALFORMED],
  ['no SignedHeaders', rewritten((text) => text.replace(/SignedHeaders=\S+ /, '')), MALFORMED],
  ['no Signature', rewritten((text) => text.replace(/, Signature=.*/, '')), MALFORMED],
  [
    'an empty Signature',
    rewritten((text) => text.replace(/Signature=.*/, 'Signature=')),
    MALFORMED,
  ],
  [
    'a component without "="',
    rewritten((text) => text.replace('Signature=', 'Signature')),
    MALFORMED,
  ],
  ['an unknown component', rewritten((text) => `${text}, X=y`), MALFORMED],
  ['a second Signature', rewritten((text) => `${text}, Signature=${'0'.repeat(64)}`), MALFORMED],
  [
    'four parts in the credential',
    rewritten((text) => text.replace(`${ACCESS_KEY}/`, '')),
    MALFORMED,
  ],
  [
    'six parts in the credential',
    rewritten((text) => text.replace('aws4_request', 'aws4_request/x')),
    MALFORMED,
  ],
  ['another terminal', signedHead({ terminal: 'aws3_request' }), MALFORMED],
  ['another service', signedHead({ service: 'ec2' }), MALFORMED],
  ['another region', signedHead({ region: 'eu-west-1' }), MALFORMED],
  ['a credential date in another form', signedHead({ date: '2026-01-15' }), MALFORMED],
  ['a credential of another day', signedHead({ date: '20260114' }), MALFORMED],
  ['an unknown access key', signedHead({ accessKey: 'AKIANOBODY' }), 'InvalidAccessKeyId'],
  ['another secret', signedHead({ secret: 'another-secret' }), 'SignatureDoesNotMatch'],
  ['a session token', signedHead({ headers: { 'x-amz-security-token': 't' } }), 'InvalidToken'],
  [
    'an unparsable x-amz-date',
    signedHead({ timestamp: '20260115T12', date: '20260115' }),
    'AccessDenied',
  ],
  ['a wrong x-amz-content-sha256', signedHead({ payloadHash: 'abc' }), 'InvalidArgument'],
  [
    'a SigV4A payload',
    signedHead({ payloadHash: 'STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD' }),
    'NotImplemented',
  ],
  [
    'an unsigned x-amz-* header',
    signedHead({ unsignedHeaders: { 'x-amz-acl': 'private' } }),
    'AccessDenied',
  ],
  [
    'an unsigned host',
    signedHead({ signedHeaders: ['x-amz-content-sha256', 'x-amz-date'] }),
    'AccessDenied',
  ],
  [
    'two Authorization headers',
    signedHead({ repeatedHeaders: ['authorization'] }),
    'InvalidArgument',
  ],
  ['two Host headers', signedHead({ repeatedHeaders: ['host'] }), 'BadRequest'],
] as readonly (readonly [string, Head, S3ErrorCode])[]) {
  test(`authenticate answers ${what} with ${code}`, () => {
    assert.equal(refusal(head).code, code);
  });
}

test('authenticate answers a missing date, payload hash or part of the credential', () => {
  const head = signedHead();
  assert.equal(refusal(withHeaders(head, { 'x-amz-date': undefined })).code, 'AccessDenied');
  const noHash = withHeaders(head, { 'x-amz-content-sha256': undefined });
  assert.equal(refusal(noHash).code, 'InvalidRequest');
});

test('authenticate names the expected region', () => {
  const error = refusal(signedHead({ region: 'eu-west-1' }));
  assert.equal(error.details['Region'], REGION);
  assert.match(error.message, /the region 'eu-west-1' is wrong; expecting 'us-east-1'/);
});

test('authenticate names the headers that were not signed', () => {
  const unsignedHeaders = { 'x-amz-acl': 'private', 'x-amz-meta-a': '1', 'user-agent': 'x' };
  const { details } = refusal(signedHead({ unsignedHeaders }));
  assert.equal(details['HeadersNotSigned'], 'x-amz-acl, x-amz-meta-a');
});

test('authenticate lets only framing headers of the body arrive unsigned', () => {
  const head = signedHead({
    signedHeaders: ['host', 'x-amz-date'],
    unsignedHeaders: {
      'x-amz-decoded-content-length': '1',
      'x-amz-trailer': 'x-amz-checksum-crc32',
      'x-amz-sdk-checksum-algorithm': 'CRC32',
    },
  });
  assert.equal(check(head).principal.kind, 'user');
});

test('authenticate explains a wrong signature without the secret', () => {
  const { details } = refusal(signedHead({ secret: 'another-secret', rawQuery: 'acl=' }));
  assert.equal(details['AWSAccessKeyId'], ACCESS_KEY);
  assert.match(String(details['SignatureProvided']), /^[0-9a-f]{64}$/);
  assert.match(
    String(details['CanonicalRequest']),
    /^GET\n\/bucket\/key\nacl=\nhost:127.0.0.1:9000\n/,
  );
  assert.match(String(details['StringToSign']), /^AWS4-HMAC-SHA256\n20260115T120000Z\n/);
  for (const name of ['StringToSign', 'CanonicalRequest']) {
    const bytes = String(details[`${name}Bytes`]).split(' ');
    const text = Buffer.from(bytes.map((byte) => Number.parseInt(byte, 16))).toString();
    assert.equal(text, details[name]);
  }
  assert.ok(!JSON.stringify(details).includes(SECRET_KEY));
});

for (const [what, changes] of [
  ['method', { method: 'DELETE' }],
  ['path', { rawPath: '/bucket/other' }],
  ['query', { rawQuery: 'a=2' }],
  ['more query', { rawQuery: 'a=1&b=2' }],
] as const) {
  test(`authenticate refuses another ${what} than was signed`, () => {
    const head = signedHead({ rawQuery: 'a=1' });
    assert.equal(check(head).principal.kind, 'user');
    assert.equal(refusal({ ...head, ...changes }).code, 'SignatureDoesNotMatch');
  });
}

test('authenticate refuses another value of a signed header or payload hash', () => {
  const head = signedHead({ headers: { 'x-amz-meta-a': '1' } });
  for (const changes of [
    { 'x-amz-meta-a': '2' },
    { 'x-amz-meta-a': undefined },
    { host: '127.0.0.1' },
    { 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD' },
  ]) {
    assert.equal(refusal(withHeaders(head, changes)).code, 'SignatureDoesNotMatch');
  }
});

test('authenticate refuses every signature that differs in one digit or in length', () => {
  const [start, signature = ''] = authorizationOf(signedHead()).split('Signature=');
  const wrong = [signature.slice(1), `${signature}0`, signature.toUpperCase(), 'é'.repeat(32)];
  for (let index = 0; index < signature.length; index += 1) {
    const digit = signature[index] === '0' ? '1' : '0';
    wrong.push(signature.slice(0, index) + digit + signature.slice(index + 1));
  }
  for (const text of wrong) {
    const head = rewritten(() => `${start}Signature=${text}`);
    assert.equal(refusal(head).code, 'SignatureDoesNotMatch', text);
  }
});

test('authenticate allows 15 minutes of skew and no more', () => {
  const head = signedHead();
  const minutes15 = 15 * 60 * 1000;
  assert.equal(check(head, NOW_MS + minutes15).principal.kind, 'user');
  assert.equal(check(head, NOW_MS - minutes15).principal.kind, 'user');
  for (const nowMs of [NOW_MS + minutes15 + 1, NOW_MS - minutes15 - 1]) {
    const { code, details } = refusal(head, nowMs);
    assert.equal(code, 'RequestTimeTooSkewed');
    assert.equal(details['RequestTime'], TIMESTAMP);
    assert.match(String(details['ServerTime']), /^2026-01-15T1[12]:\d\d:\d\d\.000Z$/);
    assert.equal(details['MaxAllowedSkewMilliseconds'], 900_000);
  }
});

for (const timestamp of ['19600101T000000Z', '99990101T000000Z']) {
  test(`authenticate answers a request of ${timestamp} with RequestTimeTooSkewed`, () => {
    assert.equal(refusal(signedHead({ timestamp })).code, 'RequestTimeTooSkewed');
  });
}

test('authenticate reports a wrong signature before a wrong clock', () => {
  const head = signedHead({ secret: 'another-secret' });
  assert.equal(refusal(head, NOW_MS + 3_600_000).code, 'SignatureDoesNotMatch');
});

test('authenticate joins repeated headers with a comma', () => {
  const name = 'x-amz-meta-a';
  const head = signedHead({ headers: { [name]: '1,2' }, repeatedHeaders: [name] });
  assert.equal(check(withHeaders(head, { [name]: '1, 2' })).principal.kind, 'user');
});

test('authenticate finds the caller after a reload, and only then', () => {
  const credentials = new CredentialStore([]);
  const context = {
    credentials,
    signingKeys: new SigningKeyCache(),
    region: REGION,
    nowMs: NOW_MS,
  };
  const attempt = (): string => {
    try {
      return authenticate(signedHead(), context).principal.kind;
    } catch (error) {
      return (error as S3Error).code;
    }
  };
  assert.equal(attempt(), 'InvalidAccessKeyId');
  credentials.reload([{ accessKey: ACCESS_KEY, secretKey: SECRET_KEY, account: 'main' }]);
  assert.equal(attempt(), 'user');
  credentials.reload([{ accessKey: ACCESS_KEY, secretKey: 'rotated-secret', account: 'main' }]);
  assert.equal(attempt(), 'SignatureDoesNotMatch');
});

for (const [payloadHash, hasTrailer] of [
  ['STREAMING-AWS4-HMAC-SHA256-PAYLOAD', false],
  ['STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER', true],
] as const) {
  test(`authenticate makes the first link of the chain for ${payloadHash}`, () => {
    const head = signedHead({ method: 'PUT', payloadHash });
    const { verification } = check(head);
    assert.ok(verification.mode === 'aws-chunked');
    assert.equal(verification.hasTrailer, hasTrailer);
    assert.equal(verification.signing?.timestamp, TIMESTAMP);
    assert.equal(verification.signing.scope, '20260115/us-east-1/s3/aws4_request');
    assert.equal(verification.signing.seedSignature, authorizationOf(head).split('Signature=')[1]);
    assert.equal(verification.signing.signingKey.length, 32);
  });
}
