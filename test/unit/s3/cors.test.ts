// Cross-origin rules: what a rule may say, and which rule a request meets.

import assert from 'node:assert/strict';
import test from 'node:test';

import fc from 'fast-check';

import {
  allowsAnyOrigin,
  assertCorsRules,
  matchCorsRule,
  type CorsRequest,
  type CorsRule,
} from '#src/s3/cors.js';

import { throwsS3Error } from '../../support/s3-error.js';

const RULE: CorsRule = {
  id: undefined,
  allowedHeaders: [],
  allowedMethods: ['GET'],
  allowedOrigins: ['http://page.example'],
  exposeHeaders: [],
  maxAgeSeconds: undefined,
};
const REQUEST: CorsRequest = { origin: 'http://page.example', method: 'GET', headerNames: [] };

const isMet = (rule: Partial<CorsRule>, request: Partial<CorsRequest>): boolean =>
  matchCorsRule([{ ...RULE, ...rule }], { ...REQUEST, ...request }) !== undefined;

for (const [pattern, origin, expected] of [
  ['http://page.example', 'http://page.example', true],
  ['http://page.example', 'http://page.example/', false],
  ['http://page.example', 'http://PAGE.example', false],
  ['http://page.example', 'https://page.example', false],
  ['http://page.example', 'http://page.example.evil', false],
  ['http://page.example', 'http://pageXexample', false],
  ['*', 'null', true],
  ['http://*.example', 'http://a.b.example', true],
  ['http://*.example', 'http://.example', true],
  ['http://*.example', 'http://example', false],
  ['http://*.example', 'xhttp://a.example', false],
  ['*suffix', 'suffix', true],
  ['*suffix', 'suffix.more', false],
  ['start*end', 'startend', true],
  ['start*end', 'start12end', true],
  ['start*end', '0start12end', false],
  ['prefix*', 'prefix', true],
  ['prefix*', 'bla.prefix', false],
  // The two halves must not share characters of the origin.
  ['aba*aba', 'aba', false],
  ['aba*aba', 'ababa', false],
  ['aba*aba', 'abaaba', true],
  ['', 'http://page.example', false],
] as const) {
  test(`B18 AllowedOrigin "${pattern}" ${expected ? 'meets' : 'does not meet'} "${origin}"`, () => {
    assert.equal(isMet({ allowedOrigins: [pattern] }, { origin }), expected);
  });
}

for (const [patterns, headerNames, expected] of [
  [[], [], true],
  [[], ['x-a'], false],
  [['*'], ['x-a', 'x-b'], true],
  [['X-A'], ['x-a'], true],
  [['x-a'], ['x-a', 'x-b'], false],
  [['x-a', 'X-*-b'], ['x-a', 'x-any-b'], true],
  [['x-*'], ['y-x-'], false],
] as const) {
  test(`B17 AllowedHeader ${patterns.join() || 'none'} and the names ${headerNames.join() || 'none'}: ${expected}`, () => {
    assert.equal(isMet({ allowedHeaders: patterns }, { headerNames }), expected);
  });
}

test('B17 more than 100 names that are not spelled out meet no pattern but the lone wildcard', () => {
  const named = (count: number): string[] => Array.from({ length: count }, (_, at) => `x-${at}`);
  const isAllowed = (allowedHeaders: readonly string[], headerNames: readonly string[]): boolean =>
    isMet({ allowedHeaders }, { headerNames });
  assert(isAllowed(['x-*'], named(100)));
  assert(!isAllowed(['x-*'], named(101)));
  assert(isAllowed(['*'], named(101)));
  assert(isAllowed(named(101), named(101)));
  assert(isAllowed(['y-*', ...named(101)], ['y-a', ...named(101)]));
});

test('B17 a method is met to the letter, and HEAD is not GET', () => {
  assert.equal(isMet({ allowedMethods: ['PUT', 'GET'] }, { method: 'GET' }), true);
  assert.equal(isMet({}, { method: 'HEAD' }), false);
  assert.equal(isMet({}, { method: 'get' }), false);
});

test('B18 the first rule that allows all of it is the one', () => {
  const otherMethod = { ...RULE, id: 'method', allowedMethods: ['PUT'] };
  const first = { ...RULE, id: 'first' };
  const second = { ...RULE, id: 'second' };
  assert.equal(matchCorsRule([otherMethod, first, second], REQUEST)?.id, 'first');
  assert.equal(matchCorsRule([], REQUEST), undefined);
});

test('B18 any origin means a lone wildcard', () => {
  assert.equal(allowsAnyOrigin({ ...RULE, allowedOrigins: ['http://a', '*'] }), true);
  assert.equal(allowsAnyOrigin({ ...RULE, allowedOrigins: ['http://*'] }), false);
});

// Against a second opinion: the pattern as a regular expression.
test('B18 a pattern with a wildcard meets what its regular expression meets', () => {
  const text = fc.string({ unit: fc.constantFrom('a', 'b', '.', '/', '+', '$'), maxLength: 5 });
  const pattern = fc.oneof(
    text,
    fc.tuple(text, text).map(([start, end]) => `${start}*${end}`),
  );
  fc.assert(
    fc.property(pattern, text, (one, origin) => {
      const [start = '', end] = one.split('*').map((part) => part.replace(/[.+$/]/g, '\\$&'));
      const expression = new RegExp(end === undefined ? `^${start}$` : `^${start}.*${end}$`);
      assert.equal(isMet({ allowedOrigins: [one] }, { origin }), expression.test(origin));
    }),
  );
});

test('B18 a filled-in pattern is met, and names of headers have no case', () => {
  const text = fc.string({ unit: fc.constantFrom('a', 'B', '-', '.'), maxLength: 8 });
  fc.assert(
    fc.property(text, text, text, (start, middle, end) => {
      const pattern = `${start}*${end}`;
      const filled = start + middle + end;
      assert(isMet({ allowedOrigins: [pattern] }, { origin: filled }));
      assert(isMet({ allowedHeaders: [pattern] }, { headerNames: [filled.toLowerCase()] }));
    }),
  );
});

const UNSUPPORTED = 'Found unsupported HTTP method in CORS config. Unsupported method is';

for (const [name, rule, message] of [
  ['a method', { allowedMethods: ['GET', 'PATCH'] }, `${UNSUPPORTED} PATCH`],
  ['OPTIONS', { allowedMethods: ['OPTIONS'] }, `${UNSUPPORTED} OPTIONS`],
  ['a method in lower case', { allowedMethods: ['put'] }, `${UNSUPPORTED} put`],
  ['an empty method', { allowedMethods: [''] }, `${UNSUPPORTED} `],
  [
    'an origin with two wildcards',
    { allowedOrigins: ['*example*.com'] },
    'AllowedOrigin "*example*.com" can not have more than one wildcard.',
  ],
  [
    'a header with two wildcards',
    { allowedHeaders: ['*-*'] },
    'AllowedHeader "*-*" can not have more than one wildcard.',
  ],
  [
    'an exposed wildcard',
    { exposeHeaders: ['x-*'] },
    'ExposeHeader "x-*" contains wildcard. We currently do not support wildcard for ExposeHeader.',
  ],
  [
    'an exposed line break',
    { exposeHeaders: ['a\r\nset-cookie: b'] },
    'ExposeHeader "a\r\nset-cookie: b" is not a header name.',
  ],
  ['a long ID', { id: 'i'.repeat(256) }, 'ID length should not exceed allowed limit of 255'],
] as const) {
  test(`B20 a rule with ${name} is InvalidRequest`, () => {
    const rules = [RULE, { ...RULE, ...rule }];
    assert.equal(throwsS3Error(() => assertCorsRules(rules), 'InvalidRequest').message, message);
  });
}

test('B20 100 rules are accepted and 101 are not', () => {
  const rules = Array.from({ length: 101 }, () => RULE);
  const limit = 'The number of CORS rules should not exceed allowed limit of 100 rules.';
  assert.equal(throwsS3Error(() => assertCorsRules(rules), 'InvalidRequest').message, limit);
  assertCorsRules(rules.slice(1));
});

test('B20 a rule at every limit is accepted', () => {
  const full = {
    id: 'i'.repeat(255),
    allowedHeaders: ['*', 'x-*', ''],
    allowedMethods: ['DELETE', 'GET', 'HEAD', 'POST', 'PUT'],
    allowedOrigins: ['*', 'http://*.example', ''],
    exposeHeaders: ['ETag', 'PUT'],
    maxAgeSeconds: 0,
  };
  assertCorsRules([full]);
});
