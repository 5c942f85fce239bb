/** Random requests signed elsewhere, and random damage to signed ones. */

import assert from 'node:assert/strict';

import fc from 'fast-check';

import { authenticate } from '#src/auth/authenticate.js';
import { S3Error } from '#src/s3/errors.js';

import { fuzzTarget, property } from '../../support/fuzz.js';
import { authenticationContext } from '../../support/authentication-context.js';
import { presignedHead, signedHead, type Head } from '../../support/signed-head.js';

const CONTEXT = authenticationContext();

// Without a slash: its escape and itself have one canonical form, and the other one is signed here.
const SEGMENT = fc.string({ unit: 'binary', maxLength: 12 }).filter((text) => !/[\0/]/.test(text));
const PATH = fc.array(SEGMENT, { maxLength: 4 }).map((segments) => {
  // encodeURIComponent and AWS differ in these five characters only.
  const encoded = segments.map((segment) => encode(segment)).join('/');
  return `/bucket/${encoded}`;
});
const VALUE = fc
  .string({ unit: fc.constantFrom('a', 'B', '9', ',', '"', ';', '=', 'é') })
  .filter((text) => text.trim() === text);
const NAME = fc.constantFrom('x-amz-meta-a', 'x-amz-acl', 'content-type', 'range', 'cache-control');
const HEADERS = fc.dictionary(NAME, VALUE);

interface Recipe {
  readonly rawPath: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly method: string;
  readonly isPresigned: boolean;
}

const RECIPE: fc.Arbitrary<Recipe> = fc.record({
  rawPath: PATH,
  headers: HEADERS,
  method: fc.constantFrom('GET', 'PUT', 'DELETE'),
  isPresigned: fc.boolean(),
});

const DAMAGE = fc.record({
  where: fc.constantFrom('method', 'rawPath', 'rawQuery', 'authorization', 'host', 'x-amz-date'),
  at: fc.nat(2000),
  character: fc.constantFrom('0', 'a', '/', '&', '=', ';', ',', ' ', '%', '+', '\uFFFD', '%00'),
});

const CREDENTIALS = fc
  .array(
    fc.constantFrom(
      ...[
        'AWS4-HMAC-SHA256',
        'AWS',
        ' ',
        ',',
        '=',
        '/',
        'Credential',
        'SignedHeaders',
        'Signature',
      ],
      ...['TESTKEY', '20260115', 'us-east-1', 's3', 'aws4_request', 'host', ';', 'é', 'x', ''],
    ),
    { maxLength: 24 },
  )
  .map((tokens) => tokens.join(''));

fuzzTarget('authorization-header', {
  'authenticate accepts any path, method and headers that were signed': property(
    RECIPE,
    (recipe) => {
      assert.equal(authenticate(headOf(recipe), CONTEXT).principal.kind, 'user');
    },
  ),
  'authenticate never takes a damaged request for a signed one': property(
    fc.record({ recipe: RECIPE, damage: DAMAGE }),
    ({ recipe, damage: { where, at, character } }) => {
      const head = headOf(recipe);
      const damaged = damageOf(head, where, at, character);
      if (isSame(damaged, head)) return;
      try {
        const { principal } = authenticate(damaged, CONTEXT);
        // What is left of a removed signature may be nobody's request, never somebody's.
        assert.equal(principal.kind, 'anonymous');
      } catch (error) {
        assert.ok(error instanceof S3Error, String(error));
      }
    },
  ),
  'authenticate reads components in any order and with any spaces between them': property(
    fc.record({
      recipe: RECIPE,
      order: fc.shuffledSubarray([0, 1, 2], { minLength: 3 }),
      separator: fc.constantFrom(',', ', ', ' , ', ',  '),
    }),
    ({ recipe, order, separator }) => {
      const head = headOf({ ...recipe, isPresigned: false });
      const text = head.headers.get('authorization') ?? '';
      const space = text.indexOf(' ');
      const components = text.slice(space + 1).split(', ');
      const shuffled = order.map((index) => components[index] ?? '').join(separator);
      const changed = [...head.headers, ['authorization', `${text.slice(0, space)} ${shuffled}`]];
      const headers = new Map(changed as [string, string][]);
      assert.equal(authenticate({ ...head, headers }, CONTEXT).principal.kind, 'user');
    },
  ),
  'authenticate answers arbitrary credentials with an S3Error': property(
    CREDENTIALS,
    (authorization) => {
      const { headers, ...head } = signedHead();
      const changed = new Map([...headers, ['authorization', authorization]]);
      assert.throws(() => authenticate({ ...head, headers: changed }, CONTEXT), S3Error);
    },
  ),
});

function headOf({ isPresigned, ...input }: Recipe): Head {
  return isPresigned ? presignedHead(input) : signedHead(input);
}

function encode(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

function damageOf(head: Head, where: string, at: number, character: string): Head {
  const replace = (text: string): string => {
    const index = at % Math.max(text.length, 1);
    return text.slice(0, index) + character + text.slice(index + 1);
  };
  if (where === 'method' || where === 'rawPath' || where === 'rawQuery') {
    return { ...head, [where]: replace(head[where]) };
  }
  const value = head.headers.get(where);
  if (value === undefined) return head;
  return { ...head, headers: new Map([...head.headers, [where, replace(value)]]) };
}

/** Differences that a signature does not see, because both mean the same request. */
function isSame(damaged: Head, head: Head): boolean {
  return (
    damaged.method === head.method &&
    decodeURIComponentOr(damaged.rawPath) === decodeURIComponentOr(head.rawPath) &&
    queryText(damaged.rawQuery) === queryText(head.rawQuery) &&
    normalHeaders(damaged) === normalHeaders(head)
  );
}

function queryText(rawQuery: string): string {
  return JSON.stringify(
    rawQuery
      .split('&')
      .filter((parameter) => parameter !== '')
      .map((parameter) => (parameter.includes('=') ? parameter : `${parameter}=`))
      .map((parameter) => decodeURIComponentOr(parameter.replaceAll('+', ' ')))
      .sort(),
  );
}

function normalHeaders(head: Head): string {
  return [...head.headers].map(([name, value]) => `${name}:${normalValue(name, value)}`).join('\n');
}

// Spaces around components and the order of names mean nothing.
function normalValue(name: string, value: string): string {
  return name === 'authorization' ? value.replaceAll(/, */g, ',').trim() : value.trim();
}

function decodeURIComponentOr(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return `bad: ${text}`;
  }
}
