// Signatures over other addresses than the one that arrived: which count, and what they cost.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { authenticate } from '#src/auth/authenticate.js';
import { S3Error } from '#src/s3/errors.js';
import type { SignedAddress } from '#src/wire/addressing.js';

import { authenticationContext } from '../../support/authentication-context.js';
import {
  presignedHead,
  signedHead,
  withHeaders,
  type HeadInput,
} from '../../support/signed-head.js';

const CONTEXT = authenticationContext();

const OTHERS: readonly SignedAddress[] = [
  { host: 'one.test', rawPath: '/bucket/key', origin: 'http://one.test' },
  { host: 'two.test', rawPath: '/storage/bucket/key', origin: 'http://two.test/storage' },
  { host: 'three.test', rawPath: '/bucket/key', origin: undefined },
];

/** Authenticates a request that was signed for one address and arrived at `/bucket/key` of `here`. */
function arrive(sign: typeof signedHead, signed: HeadInput, others?: readonly SignedAddress[]) {
  const head = { ...withHeaders(sign(signed), { host: 'here' }), rawPath: '/bucket/key' };
  let triedCount = 0;
  function* otherAddresses(): Generator<SignedAddress> {
    for (const other of others ?? []) {
      triedCount += 1;
      yield other;
    }
  }
  const request = others === undefined ? head : { ...head, otherAddresses };
  try {
    const { signedAddress } = authenticate(request, CONTEXT);
    return { signedAddress, triedCount, code: undefined };
  } catch (error) {
    assert(error instanceof S3Error);
    return { signedAddress: undefined, triedCount, code: error.code };
  }
}

for (const [carrier, sign] of [
  ['header', signedHead],
  ['query', presignedHead],
] as const) {
  test(`a signature in the ${carrier} over the address that arrived tries no other`, () => {
    const result = arrive(sign, { headers: { host: 'here' } }, OTHERS);
    assert.deepEqual(result, { signedAddress: undefined, triedCount: 0, code: undefined });
  });

  for (const [index, address] of OTHERS.entries()) {
    test(`a signature in the ${carrier} over ${address.host} is found and named`, () => {
      const { host, rawPath } = address;
      const result = arrive(sign, { rawPath, headers: { host } }, OTHERS);
      const expected = { signedAddress: address, triedCount: index + 1, code: undefined };
      assert.deepEqual(result, expected);
    });

    test(`a signature in the ${carrier} over ${address.host} is wrong when nothing is declared`, () => {
      const { host, rawPath } = address;
      const { code } = arrive(sign, { rawPath, headers: { host } });
      assert.equal(code, 'SignatureDoesNotMatch');
    });
  }

  for (const [what, input, code] of [
    ['a wrong signature', { headers: { host: 'four.test' } }, 'SignatureDoesNotMatch'],
    ['the path of another host', { rawPath: '/storage/bucket/key' }, 'SignatureDoesNotMatch'],
    ['an unknown access key', { accessKey: 'NOBODY' }, 'InvalidAccessKeyId'],
    ['another secret', { secret: 'other' }, 'SignatureDoesNotMatch'],
  ] as readonly (readonly [string, HeadInput, string])[]) {
    test(`${what} in the ${carrier} costs each address once`, () => {
      const headers = { host: 'one.test' };
      const result = arrive(sign, { headers, ...input }, OTHERS);
      assert.deepEqual(result, { signedAddress: undefined, triedCount: OTHERS.length, code });
    });
  }

  test(`a claim in the ${carrier} that does not cover the host tries none`, () => {
    const signedHeaders = ['x-amz-date', 'x-amz-content-sha256'];
    const headers = { host: 'one.test', 'x-amz-date': '20260115T120000Z' };
    const result = arrive(sign, { headers, signedHeaders }, OTHERS);
    assert.deepEqual(result, { signedAddress: undefined, triedCount: 0, code: 'AccessDenied' });
  });
}
