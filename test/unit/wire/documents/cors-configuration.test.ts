// CORSConfiguration: what is read, what is refused, and that writing and reading are inverse.

import assert from 'node:assert/strict';
import test from 'node:test';

import fc from 'fast-check';

import type { CorsRule } from '#src/s3/cors.js';
import {
  corsConfigurationDocument,
  parseCorsConfiguration,
} from '#src/wire/documents/cors-configuration.js';

import { throwsS3Error } from '../../../support/s3-error.js';

const METHOD = '<AllowedMethod>GET</AllowedMethod>';
const ORIGIN = '<AllowedOrigin>*</AllowedOrigin>';

const configuration = (content: string): string =>
  `<CORSConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${content}</CORSConfiguration>`;
const ruleOf = (content: string): string => configuration(`<CORSRule>${content}</CORSRule>`);

const SIMPLE: CorsRule = {
  id: undefined,
  allowedHeaders: [],
  allowedMethods: ['GET'],
  allowedOrigins: ['*'],
  exposeHeaders: [],
  maxAgeSeconds: undefined,
};

test('B18 parseCorsConfiguration reads rules in order, elements in any', () => {
  const document = configuration(
    `<CORSRule>${METHOD}${ORIGIN}</CORSRule>
     <CORSRule><MaxAgeSeconds>3000</MaxAgeSeconds><ExposeHeader>ETag</ExposeHeader>${ORIGIN}
       <AllowedHeader>X-A</AllowedHeader>${METHOD}<ID>two</ID><AllowedMethod>PUT</AllowedMethod>
       <AllowedOrigin></AllowedOrigin></CORSRule>`,
  );
  const second = {
    id: 'two',
    allowedHeaders: ['X-A'],
    allowedMethods: ['GET', 'PUT'],
    allowedOrigins: ['*', ''],
    exposeHeaders: ['ETag'],
    maxAgeSeconds: 3000,
  };
  assert.deepEqual(parseCorsConfiguration(document), [SIMPLE, second]);
});

test('B18 any rules are read as they were written', () => {
  const text = fc.string({
    unit: fc.constantFrom('a', 'é', '<', '&', '"', ' ', '*'),
    maxLength: 9,
  });
  const texts = fc.array(text, { maxLength: 4 });
  const some = fc.array(text, { minLength: 1, maxLength: 4 });
  const rule = fc.record(
    {
      id: fc.option(text, { nil: undefined }),
      ...{ allowedHeaders: texts, allowedMethods: some, allowedOrigins: some },
      exposeHeaders: texts,
      maxAgeSeconds: fc.option(fc.nat(), { nil: undefined }),
    },
    { noNullPrototype: true },
  );
  const rules = fc.array(rule, { minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(rules, (written) => {
      assert.deepEqual(parseCorsConfiguration(corsConfigurationDocument(written)), written);
    }),
  );
});

for (const [name, document] of [
  ['another root', `<Cors><CORSRule>${METHOD}${ORIGIN}</CORSRule></Cors>`],
  ['no rule', configuration('')],
  ['an empty rule', ruleOf('')],
  ['a rule without a method', ruleOf(ORIGIN)],
  ['a rule without an origin', ruleOf(METHOD)],
  ['an unknown element beside the rules', configuration('<Rule/>')],
  ['an unknown element in a rule', ruleOf(`${METHOD}${ORIGIN}<AllowedMethods/>`)],
  ['an element named like a property of objects', ruleOf(`${METHOD}${ORIGIN}<toString/>`)],
  ['elements inside a text', ruleOf(`<AllowedMethod><a/></AllowedMethod>${ORIGIN}`)],
  ['two IDs', ruleOf(`${METHOD}${ORIGIN}<ID>a</ID><ID>b</ID>`)],
  [
    'two ages',
    ruleOf(`${METHOD}${ORIGIN}<MaxAgeSeconds>1</MaxAgeSeconds><MaxAgeSeconds>1</MaxAgeSeconds>`),
  ],
  ...['', '-1', '1.5', 'one', '0x10', '2147483648', '99999999999'].map(
    (age) =>
      [
        `the age "${age}"`,
        ruleOf(`${METHOD}${ORIGIN}<MaxAgeSeconds>${age}</MaxAgeSeconds>`),
      ] as const,
  ),
  ['an entity', `<!DOCTYPE a [<!ENTITY b "c">]>${ruleOf(METHOD + ORIGIN)}`],
  ['a cut document', ruleOf(METHOD + ORIGIN).slice(0, -5)],
] as const) {
  test(`B20 BI-099 BI-104 CORSConfiguration with ${name} is MalformedXML`, () => {
    throwsS3Error(() => parseCorsConfiguration(document), 'MalformedXML');
  });
}

test('B20 an age may be 0 and 2147483647', () => {
  for (const age of [0, 2_147_483_647]) {
    const document = ruleOf(`${METHOD}${ORIGIN}<MaxAgeSeconds> ${age} </MaxAgeSeconds>`);
    assert.equal(parseCorsConfiguration(document)[0]?.maxAgeSeconds, age);
  }
});

test('BI-099 an empty body is MissingRequestBodyError', () => {
  throwsS3Error(() => parseCorsConfiguration(''), 'MissingRequestBodyError');
});
