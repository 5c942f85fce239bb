/**
 * The examples of the Amazon S3 API reference, "Authenticating Requests: Using the Authorization
 * Header", with the key pair that all of them use.
 */

import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { test } from 'node:test';

import { HmacSha256Key } from '#src/wire/hmac-sha256.js';
import { canonicalQuery, parseQuery } from '#src/wire/query.js';
import {
  canonicalRequest,
  credentialScope,
  deriveSigningKey,
  signaturesEqual,
  stringToSign,
} from '#src/wire/sigv4.js';

const SECRET = 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY';
const HOST = 'examplebucket.s3.amazonaws.com';
const TIMESTAMP = '20130524T000000Z';

interface Example {
  readonly name: string;
  readonly method: string;
  readonly rawPath: string;
  readonly rawQuery: string;
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly signature: string;
}

const EXAMPLES: readonly Example[] = [
  {
    name: 'GET Object',
    method: 'GET',
    rawPath: '/test.txt',
    rawQuery: '',
    body: '',
    headers: { range: 'bytes=0-9' },
    signature: 'f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41',
  },
  {
    name: 'PUT Object',
    method: 'PUT',
    // Sent bare; signed as %24.
    rawPath: '/test$file.text',
    rawQuery: '',
    body: 'Welcome to Amazon S3.',
    headers: {
      date: 'Fri, 24 May 2013 00:00:00 GMT',
      'x-amz-storage-class': 'REDUCED_REDUNDANCY',
    },
    signature: '98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd',
  },
  {
    name: 'GET Bucket Lifecycle',
    method: 'GET',
    rawPath: '/',
    rawQuery: 'lifecycle',
    body: '',
    headers: {},
    signature: 'fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543',
  },
  {
    name: 'Get Bucket (List Objects)',
    method: 'GET',
    rawPath: '/',
    rawQuery: 'max-keys=2&prefix=J',
    body: '',
    headers: {},
    signature: '34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7',
  },
];

for (const example of EXAMPLES) {
  test(`canonicalRequest and deriveSigningKey sign the example ${example.name}`, () => {
    const payloadHash = hash('sha256', example.body);
    const headers = new Map(
      Object.entries({
        ...example.headers,
        host: HOST,
        'x-amz-content-sha256': payloadHash,
        'x-amz-date': TIMESTAMP,
      }),
    );
    const request = canonicalRequest({
      method: example.method,
      rawPath: example.rawPath,
      canonicalQuery: canonicalQuery(parseQuery(example.rawQuery)),
      headers,
      repeatedHeaders: new Set(),
      signedHeaders: [...headers.keys()].sort(),
      payloadHash,
    });
    const key = new HmacSha256Key(deriveSigningKey(SECRET, '20130524', 'us-east-1'));
    const scope = credentialScope('20130524', 'us-east-1');
    assert.equal(key.signHex(stringToSign(TIMESTAMP, scope, request)), example.signature);
  });
}

function canonical(rawPath: string, headers: Readonly<Record<string, string>>): string[] {
  return canonicalRequest({
    method: 'GET',
    rawPath,
    canonicalQuery: '',
    headers: new Map(Object.entries(headers)),
    repeatedHeaders: new Set(['x-amz-meta-twice']),
    signedHeaders: Object.keys(headers),
    payloadHash: 'UNSIGNED-PAYLOAD',
  }).split('\n');
}

for (const [rawPath, expected] of [
  ['/b/a//b/../.%2e/', '/b/a//b/../../'],
  ['/b/%2f%252F', '/b//%252F'],
  ['/b/a+b%20c', '/b/a%2Bb%20c'],
  ['/b/%7e%c3%a9é', '/b/~%C3%A9%C3%A9'],
  ["/b/!'()*", '/b/%21%27%28%29%2A'],
] as const) {
  test(`canonicalRequest writes the path ${rawPath} as ${expected}`, () => {
    assert.equal(canonical(rawPath, {})[1], expected);
  });
}

test('canonicalRequest trims values and collapses runs of spaces', () => {
  const lines = canonical('/', { a: '  x   y \t z  ', b: '', 'x-amz-meta-twice': '1, 2' });
  assert.deepEqual(lines.slice(3, 6), ['a:x y z', 'b:', 'x-amz-meta-twice:1,2']);
  assert.equal(lines[7], 'a;b;x-amz-meta-twice');
});

test('signaturesEqual tells equal from different, shorter and longer', () => {
  assert.equal(signaturesEqual('abcd', 'abcd'), true);
  assert.equal(signaturesEqual('abcd', 'abce'), false);
  assert.equal(signaturesEqual('abcd', 'abc'), false);
  assert.equal(signaturesEqual('abcd', 'abcdé'), false);
  assert.equal(signaturesEqual('abcd', ''), false);
});
