/** Signatures of version 2: random requests signed elsewhere, and random damage to signed ones. */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import fc from 'fast-check';

import { authenticate, type AuthenticatedRequest } from '#src/auth/authenticate.js';
import { CredentialStore } from '#src/auth/credentials.js';
import { SigningKeyCache } from '#src/auth/signing-key-cache.js';
import { S3Error } from '#src/s3/errors.js';

import { ACCESS_KEY, NOW_MS, REGION, SECRET_KEY, type Head } from '../../support/signed-head.js';
import { signedHeadV2, type HeadV2Input } from '../../support/signed-head-v2.js';

const DATE = 'Thu, 15 Jan 2026 12:00:00 GMT';
const CONTEXT = {
  credentials: new CredentialStore([
    { accessKey: ACCESS_KEY, secretKey: SECRET_KEY, account: 'main' },
    { accessKey: 'team/alice', secretKey: 'alices-secret', account: 'team' },
  ]),
  signingKeys: new SigningKeyCache(),
  region: REGION,
  nowMs: NOW_MS,
};

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

const TEXT = fc.string({ unit: fc.constantFrom('a', 'Z', '/', '%20', '%2F', '+', '%C3%A9', '~') });
const VALUE = fc
  .string({ unit: fc.constantFrom('a', 'B', '9', ',', '"', ';', ' ', 'é') })
  .filter((text) => text.trim() === text);
const HEADERS = fc.dictionary(
  fc.constantFrom('x-amz-meta-a', 'x-amz-acl', 'content-type', 'content-md5', 'range'),
  VALUE,
);
const QUERY = fc
  .uniqueArray(
    fc.constantFrom('acl', 'versionId=1', 'uploadId=a%2Fb', 'prefix=x', 'list-type=2', 'uploads='),
  )
  .map((pairs) => pairs.join('&'));
const METHOD = fc.constantFrom('GET', 'PUT', 'POST', 'DELETE', 'HEAD');
const HEAD: fc.Arbitrary<Head> = fc
  .record({ path: TEXT, headers: HEADERS, rawQuery: QUERY, method: METHOD })
  .map(({ path, ...input }) => signed({ ...input, rawPath: `/bucket/${path}` }));

test('authenticate accepts any path, query, method and headers that were signed in version 2', () => {
  fc.assert(
    fc.property(HEAD, (head) => {
      assert.equal(check(head).principal.kind, 'user');
    }),
    { numRuns: 300, seed: 21 },
  );
});

test('authenticate never takes a damaged request for one signed in version 2', () => {
  const damage = fc.record({
    where: fc.constantFrom(
      'method',
      'rawPath',
      'authorization',
      'date',
      'x-amz-acl',
      'content-md5',
    ),
    at: fc.nat(),
    character: fc.constantFrom('0', 'a', '/', '&', '=', ':', ' ', '%', '+', '%00'),
  });
  fc.assert(
    fc.property(HEAD, damage, (head, { where, at, character }) => {
      const damaged = damageOf(head, where, at, character);
      if (isSame(damaged, head)) return;
      assert.throws(() => check(damaged), S3Error);
    }),
    { numRuns: 1000, seed: 22 },
  );
});

test('authenticate refuses a covered query parameter that was added, removed or changed', () => {
  const added = fc.constantFrom('acl', 'delete', 'versionId=2', 'tagging', 'encryption', 'uploads');
  fc.assert(
    fc.property(HEAD, added, (head, parameter) => {
      const others = head.rawQuery.split('&').filter((pair) => pair !== '');
      const name = parameter.replace(/=.*/, '');
      if (others.some((pair) => pair.startsWith(name))) return;
      const more = { ...head, rawQuery: [...others, parameter].join('&') };
      assert.throws(() => check(more), S3Error);
    }),
    { numRuns: 300, seed: 23 },
  );
});

test('authenticate refuses an x-amz-* header added to a request signed in version 2', () => {
  fc.assert(
    fc.property(HEAD, fc.constantFrom('x-amz-tagging', 'x-amz-copy-source'), (head, name) => {
      const headers = new Map([...head.headers, [name, '']]);
      assert.throws(() => check({ ...head, headers }), { code: 'SignatureDoesNotMatch' });
    }),
    { numRuns: 50, seed: 24 },
  );
});

test('authenticate answers arbitrary credentials of version 2 with an S3Error', () => {
  const token = fc.constantFrom('AWS', ' ', ':', '=', ACCESS_KEY, 'c2ln', 'é', '');
  const text = fc.array(token, { maxLength: 8 }).map((tokens) => `AWS ${tokens.join('')}`);
  fc.assert(
    fc.property(text, (authorization) => {
      const head = signed();
      const headers = new Map([...head.headers, ['authorization', authorization]]);
      assert.throws(() => check({ ...head, headers }), S3Error);
    }),
    { numRuns: 300, seed: 25 },
  );
});

function damageOf(head: Head, where: string, at: number, character: string): Head {
  const replace = (text: string): string => {
    const index = at % Math.max(text.length, 1);
    return text.slice(0, index) + character + text.slice(index + 1);
  };
  if (where === 'method' || where === 'rawPath') return { ...head, [where]: replace(head[where]) };
  const value = head.headers.get(where);
  if (value === undefined) return head;
  return { ...head, headers: new Map([...head.headers, [where, replace(value)]]) };
}

function isSame(damaged: Head, head: Head): boolean {
  const text = ({ method, rawPath, headers }: Head): string =>
    JSON.stringify([method, rawPath, ...[...headers].map(([name, value]) => [name, value.trim()])]);
  return text(damaged) === text(head);
}
