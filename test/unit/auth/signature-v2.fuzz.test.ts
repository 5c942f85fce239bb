/** Signatures of version 2: random requests signed elsewhere, and random damage to signed ones. */

import assert from 'node:assert/strict';

import fc from 'fast-check';

import { authenticate } from '#src/auth/authenticate.js';
import { S3Error } from '#src/s3/errors.js';

import { fuzzTarget, property } from '../../support/fuzz.js';
import { authenticationContext } from '../../support/authentication-context.js';
import { ACCESS_KEY, SECRET_KEY, type Head } from '../../support/signed-head.js';
import { signedHeadV2, type HeadV2Input } from '../../support/signed-head-v2.js';

const CONTEXT = { ...authenticationContext(), isSignatureV2Offered: true };

type Input = Omit<HeadV2Input, 'accessKey' | 'secret'>;

interface Damage {
  readonly where: string;
  readonly at: number;
  readonly character: string;
}

const TEXT = fc.string({ unit: fc.constantFrom('a', 'Z', '/', '%20', '%2F', '+', '%C3%A9', '~') });
const VALUE = fc
  .string({ unit: fc.constantFrom('a', 'B', '9', ',', '"', ';', ' ', 'é') })
  .filter((text) => text.trim() === text);
const INPUT: fc.Arbitrary<Input> = fc.record({
  rawPath: TEXT.map((text) => `/bucket/${text}`),
  headers: fc.dictionary(
    fc.constantFrom('x-amz-meta-a', 'x-amz-acl', 'content-type', 'content-md5', 'range'),
    VALUE,
  ),
  rawQuery: fc
    .uniqueArray(
      fc.constantFrom(
        'acl',
        'versionId=1',
        'uploadId=a%2Fb',
        'prefix=x',
        'list-type=2',
        'uploads=',
      ),
    )
    .map((pairs) => pairs.join('&')),
  method: fc.constantFrom('GET', 'PUT', 'POST', 'DELETE', 'HEAD'),
});
const DAMAGE: fc.Arbitrary<Damage> = fc.record({
  where: fc.constantFrom('method', 'rawPath', 'authorization', 'date', 'x-amz-acl', 'content-md5'),
  at: fc.nat(),
  character: fc.constantFrom('0', 'a', '/', '&', '=', ':', ' ', '%', '+', '%00'),
});
const PARAMETER = fc.constantFrom(
  ...['acl', 'delete', 'versionId=2', 'tagging', 'encryption', 'uploads', 'acl=1%26uploads'],
);
const TOKENS = fc.array(fc.constantFrom('AWS', ' ', ':', '=', ACCESS_KEY, 'c2ln', 'é', ''), {
  maxLength: 8,
});

fuzzTarget('signature-v2', {
  'authenticate accepts any path, query, method and headers that were signed in version 2':
    property(INPUT, (input) => {
      assert.equal(authenticate(signed(input), CONTEXT).principal.kind, 'user');
    }),

  'authenticate never takes a damaged request for one signed in version 2': property(
    fc.tuple(INPUT, DAMAGE),
    ([input, damage]) => {
      const head = signed(input);
      const damaged = damagedHead(head, damage);
      if (textOf(damaged) === textOf(head)) return;
      assert.throws(() => authenticate(damaged, CONTEXT), S3Error);
    },
  ),

  'authenticate refuses a covered parameter that was added to a request of version 2': property(
    fc.tuple(INPUT, PARAMETER),
    ([input, parameter]) => {
      const head = signed(input);
      const pairs = head.rawQuery.split('&').filter((pair) => pair !== '');
      const more = { ...head, rawQuery: [...pairs, parameter].join('&') };
      assert.throws(() => authenticate(more, CONTEXT), S3Error);
    },
  ),

  'authenticate refuses a value of version 2 that reads like a parameter': property(
    fc.tuple(INPUT, fc.constantFrom('tagging', 'uploads', 'versionId=2')),
    ([input, parameter]) => {
      const head = signed({ ...input, rawQuery: `response-content-type=x&${parameter}` });
      assert.equal(authenticate(head, CONTEXT).principal.kind, 'user');
      // One string to sign, another meaning.
      const rawQuery = `response-content-type=x%26${parameter}`;
      assert.throws(() => authenticate({ ...head, rawQuery }, CONTEXT), { code: 'InvalidRequest' });
    },
  ),

  'authenticate refuses an x-amz-* header added to a request of version 2': property(
    fc.tuple(INPUT, fc.constantFrom('x-amz-tagging', 'x-amz-copy-source')),
    ([input, name]) => {
      const head = signed(input);
      const headers = new Map([...head.headers, [name, '']]);
      assert.throws(() => authenticate({ ...head, headers }, CONTEXT), {
        code: 'SignatureDoesNotMatch',
      });
    },
  ),

  'authenticate answers arbitrary credentials of version 2 with an S3Error': property(
    TOKENS,
    (tokens) => {
      const head = signed({});
      const headers = new Map([...head.headers, ['authorization', `AWS ${tokens.join('')}`]]);
      assert.throws(() => authenticate({ ...head, headers }, CONTEXT), S3Error);
    },
  ),
});

function signed(input: Input): Head {
  const headers = { date: 'Thu, 15 Jan 2026 12:00:00 GMT', ...input.headers };
  return signedHeadV2({ ...input, headers, accessKey: ACCESS_KEY, secret: SECRET_KEY });
}

function damagedHead(head: Head, { where, at, character }: Damage): Head {
  const replace = (text: string): string => {
    const index = at % Math.max(text.length, 1);
    return text.slice(0, index) + character + text.slice(index + 1);
  };
  if (where === 'method' || where === 'rawPath') return { ...head, [where]: replace(head[where]) };
  const value = head.headers.get(where);
  if (value === undefined) return head;
  return { ...head, headers: new Map([...head.headers, [where, replace(value)]]) };
}

function textOf({ method, rawPath, headers }: Head): string {
  const lines = [...headers].map(([name, value]) => [name, value.trim()]);
  return JSON.stringify([method, rawPath, ...lines]);
}
