/** Signatures of version 2: whom they name, and how the payload is verified. */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { authenticate, type AuthenticatedRequest } from '#src/auth/authenticate.js';

import { authenticationContext } from '../../support/authentication-context.js';
import { ACCESS_KEY, SECRET_KEY, type Head } from '../../support/signed-head.js';
import { signedHeadV2, type HeadV2Input } from '../../support/signed-head-v2.js';

const DATE = 'Thu, 15 Jan 2026 12:00:00 GMT';
const CONTEXT = authenticationContext({
  accessKey: 'team/alice',
  secretKey: 'alices-secret',
  account: 'team',
});

function signed(input: Partial<HeadV2Input> = {}): Head {
  const headers = { date: DATE, ...input.headers };
  return signedHeadV2({ accessKey: ACCESS_KEY, secret: SECRET_KEY, ...input, headers });
}

function check(head: Head): AuthenticatedRequest {
  return authenticate(head, { ...CONTEXT, isSignatureV2Offered: true });
}

test('authenticate names the caller of version 2 and leaves the payload open', () => {
  const head = signed();
  const { principal, verification, headers } = check(head);
  assert.deepEqual(principal, { kind: 'user', accessKey: ACCESS_KEY, account: 'main' });
  assert.deepEqual(verification, { mode: 'unsigned' });
  assert.equal(headers, head.headers);
  const slashed = check(signed({ accessKey: 'team/alice', secret: 'alices-secret' }));
  assert.deepEqual(slashed.principal, { kind: 'user', accessKey: 'team/alice', account: 'team' });
});

test('authenticate verifies the payload of version 2 when its hash is stated', () => {
  const sha256Hex = 'ab'.repeat(32);
  const { verification } = check(signed({ headers: { 'x-amz-content-sha256': sha256Hex } }));
  assert.deepEqual(verification, { mode: 'sha256', sha256Hex });
});

test('authenticate refuses version 2 unless it is offered', () => {
  for (const isSignatureV2Offered of [false, undefined]) {
    const context = { ...CONTEXT, ...(isSignatureV2Offered === false && { isSignatureV2Offered }) };
    assert.throws(() => authenticate(signed(), context), { code: 'InvalidRequest' });
  }
});
