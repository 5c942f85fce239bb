import assert from 'node:assert/strict';
import test from 'node:test';

import fc from 'fast-check';

import { attributeHeaders, objectAttributes, responseOverrides } from '#src/wire/headers.js';

import { headersOf, queryOf, throwsS3Error } from '../../support/s3-error.js';

const EVERYTHING = {
  'content-type': 'text/plain',
  'cache-control': 'no-cache',
  'content-disposition': 'attachment; filename="a"',
  'content-encoding': 'gzip',
  'content-language': 'de',
  expires: 'whenever',
  'x-amz-website-redirect-location': '/other',
  'x-amz-storage-class': 'STANDARD_IA',
  'x-amz-meta-color': 'blue',
};

test('attributeHeaders returns what objectAttributes read', () => {
  const attributes = objectAttributes(headersOf({ ...EVERYTHING, host: 'x', 'x-amz-date': 'y' }));
  assert.deepEqual(attributeHeaders(attributes), EVERYTHING);
});

test('objectAttributes has only what was sent', () => {
  assert.deepEqual(objectAttributes(headersOf({ host: 'x' })), { userMetadata: {} });
  assert.deepEqual(objectAttributes(headersOf({ 'cache-control': '' })), { userMetadata: {} });
});

test('attributeHeaders names a default type and leaves the rest undefined', () => {
  const headers = attributeHeaders({ userMetadata: {} });
  const present = Object.entries(headers).filter(([, value]) => value !== undefined);
  assert.deepEqual(present, [['content-type', 'binary/octet-stream']]);
});

test('objectAttributes drops aws-chunked from the encoding and keeps the others in order', () => {
  const cases: [string, string | undefined][] = [
    ['aws-chunked', undefined],
    ['AWS-Chunked', undefined],
    ['aws-chunked,gzip', 'gzip'],
    ['gzip, aws-chunked, br', 'gzip,br'],
    ['aws-chunked, ', undefined],
    ['gzip, br', 'gzip, br'],
  ];
  for (const [sent, stored] of cases) {
    const attributes = objectAttributes(headersOf({ 'content-encoding': sent }));
    assert.equal(attributes.contentEncoding, stored, sent);
  }
});

test('objectAttributes stores STANDARD as no class', () => {
  const attributes = objectAttributes(headersOf({ 'x-amz-storage-class': 'STANDARD' }));
  assert.equal('storageClass' in attributes, false);
});

test('objectAttributes refuses bad redirects, classes and control characters', () => {
  const redirect = (value: string) => () =>
    objectAttributes(headersOf({ 'x-amz-website-redirect-location': value }));
  for (const good of ['/a', 'http://x/', 'https://x/']) redirect(good)();
  for (const bad of ['a', 'ftp://x', 'HTTP//x', ' /a']) {
    throwsS3Error(redirect(bad), 'InvalidRedirectLocation');
  }
  throwsS3Error(redirect('/a\r\nSet-Cookie: b'), 'InvalidArgument');
  throwsS3Error(
    () => objectAttributes(headersOf({ 'x-amz-storage-class': 'FAST' })),
    'InvalidStorageClass',
  );
});

test('objectAttributes counts user metadata in bytes of names and values', () => {
  const metadata = (value: string) => headersOf({ 'x-amz-meta-ab': value });
  objectAttributes(metadata('x'.repeat(2046)));
  throwsS3Error(() => objectAttributes(metadata('x'.repeat(2047))), 'MetadataTooLarge', {
    Size: 2049,
    MaxSizeAllowed: 2048,
  });
  throwsS3Error(() => objectAttributes(metadata('é'.repeat(1024))), 'MetadataTooLarge');
});

test('objectAttributes refuses metadata that was not UTF-8 or has no header name', () => {
  throwsS3Error(
    () => objectAttributes(headersOf({ 'x-amz-meta-a': 'a\ufffdb' })),
    'InvalidArgument',
  );
  throwsS3Error(() => objectAttributes(headersOf({ 'x-amz-meta-a\r\nb': 'c' })), 'InvalidArgument');
});

test('objectAttributes keeps metadata named like members of Object', () => {
  const { userMetadata } = objectAttributes(headersOf({ 'x-amz-meta-__proto__': 'a' }));
  assert.deepEqual(Object.entries(userMetadata), [['__proto__', 'a']]);
  assert.equal(attributeHeaders({ userMetadata })['x-amz-meta-__proto__'], 'a');
});

test('attributeHeaders encodes metadata beyond ASCII', () => {
  const header = (value: string) =>
    attributeHeaders({ userMetadata: { a: value } })['x-amz-meta-a'];
  assert.equal(header('plain ~ text'), 'plain ~ text');
  assert.equal(header('Café 1_2=3?'), '=?UTF-8?Q?Caf=C3=A9_1=5F2=3D3=3F?=');
  assert.equal(header('a\r\nb'), '=?UTF-8?B?YQ0KYg==?=');
});

test('user metadata of any text comes back after both directions', () => {
  const text = fc.string({ unit: 'grapheme', maxLength: 60 });
  fc.assert(
    fc.property(text, (value) => {
      // A value that looks like an encoded word is one.
      fc.pre(!value.includes('=?') && !value.includes('\ufffd'));
      const header = attributeHeaders({ userMetadata: { a: value } })['x-amz-meta-a'];
      assert(header !== undefined);
      assert.match(header, /^[\t\x20-\x7e]*$/);
      const { userMetadata } = objectAttributes(headersOf({ 'x-amz-meta-a': header }));
      assert.equal(userMetadata['a'], value);
    }),
    { numRuns: 300 },
  );
});

test('responseOverrides maps the six parameters', () => {
  const query = queryOf({
    'response-cache-control': 'a',
    'response-content-disposition': 'b',
    'response-content-encoding': 'c',
    'response-content-language': 'd',
    'response-content-type': 'e',
    'response-expires': 'f',
    'x-id': 'GetObject',
  });
  assert.deepEqual(responseOverrides(query, false), {
    'cache-control': 'a',
    'content-disposition': 'b',
    'content-encoding': 'c',
    'content-language': 'd',
    'content-type': 'e',
    expires: 'f',
  });
  assert.equal(responseOverrides(queryOf({ versionId: 'x' }), true), undefined);
});

test('responseOverrides refuses anonymous callers and line breaks', () => {
  const query = queryOf({ 'response-content-type': 'a' });
  throwsS3Error(() => responseOverrides(query, true), 'InvalidRequest');
  const breaking = queryOf({ 'response-content-type': 'a\r\nb: c' });
  throwsS3Error(() => responseOverrides(breaking, false), 'InvalidArgument');
});
