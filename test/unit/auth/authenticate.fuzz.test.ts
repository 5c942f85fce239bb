/** Random requests signed elsewhere, and random damage to signed ones. */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import fc from 'fast-check';

import { authenticate } from '#src/auth/authenticate.js';
import { CredentialStore } from '#src/auth/credentials.js';
import { SigningKeyCache } from '#src/auth/signing-key-cache.js';
import { S3Error } from '#src/s3/errors.js';

import {
  ACCESS_KEY,
  NOW_MS,
  presignedHead,
  REGION,
  SECRET_KEY,
  signedHead,
  type Head,
} from '../../support/signed-head.js';

const CONTEXT = {
  credentials: new CredentialStore([
    { accessKey: ACCESS_KEY, secretKey: SECRET_KEY, account: 'main' },
  ]),
  signingKeys: new SigningKeyCache(),
  region: REGION,
  nowMs: NOW_MS,
};

const SEGMENT = fc.string({ unit: 'binary', maxLength: 12 }).filter((text) => !text.includes('\0'));
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
const HEAD: fc.Arbitrary<Head> = fc
  .tuple(PATH, HEADERS, fc.constantFrom('GET', 'PUT', 'DELETE'), fc.boolean())
  .map(([rawPath, headers, method, isPresigned]) => {
    const input = { rawPath, headers, method };
    return isPresigned ? presignedHead(input) : signedHead(input);
  });

function encode(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

test('authenticate accepts any path, method and headers that were signed', () => {
  fc.assert(
    fc.property(HEAD, (head) => {
      assert.equal(authenticate(head, CONTEXT).principal.kind, 'user');
    }),
    { numRuns: 300, seed: 8 },
  );
});

test('authenticate never takes a damaged request for a signed one', () => {
  const damage = fc.record({
    where: fc.constantFrom('method', 'rawPath', 'rawQuery', 'authorization', 'host', 'x-amz-date'),
    at: fc.nat(),
    character: fc.constantFrom('0', 'a', '/', '&', '=', ';', ',', ' ', '%', '+', '\uFFFD', '%00'),
  });
  fc.assert(
    fc.property(HEAD, damage, (head, { where, at, character }) => {
      const damaged = damageOf(head, where, at, character);
      if (isSame(damaged, head)) return;
      try {
        const { principal } = authenticate(damaged, CONTEXT);
        // What is left of a removed signature may be nobody's request, never somebody's.
        assert.equal(principal.kind, 'anonymous');
      } catch (error) {
        assert.ok(error instanceof S3Error, String(error));
      }
    }),
    { numRuns: 500, seed: 9 },
  );
});

test('authenticate answers arbitrary credentials with an S3Error', () => {
  const token = fc.constantFrom('AWS4-HMAC-SHA256', ' ', ',', '=', '/', 'Credential', 'é', 'x', '');
  const text = fc.array(token, { maxLength: 12 }).map((tokens) => tokens.join(''));
  fc.assert(
    fc.property(text, (authorization) => {
      const { headers, ...head } = signedHead();
      const changed = new Map([...headers, ['authorization', authorization]]);
      assert.throws(() => authenticate({ ...head, headers: changed }, CONTEXT), S3Error);
    }),
    { numRuns: 300, seed: 10 },
  );
});

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
