// Copy sources, directives and the headers that are refused.

import assert from 'node:assert/strict';
import test from 'node:test';

import fc from 'fast-check';

import { metadataDirective, parseCopySource, taggingDirective } from '#src/wire/copy-headers.js';
import { refuseUnsupportedHeaders } from '#src/wire/unsupported-headers.js';
import { encodePathAws, encodeUriComponentAws } from '#src/wire/uri.js';

import { headersOf, throwsS3Error } from '../../support/s3-error.js';

const VERSION = 'v'.repeat(32);

test('parseCopySource reads bucket, key and version', () => {
  const cases: [string, string, string, string | undefined][] = [
    ['bucket/key', 'bucket', 'key', undefined],
    ['/bucket/key', 'bucket', 'key', undefined],
    ['bucket/a/b/c', 'bucket', 'a/b/c', undefined],
    ['bucket//a', 'bucket', '/a', undefined],
    ['bucket/a%20b', 'bucket', 'a b', undefined],
    ['bucket/a+b', 'bucket', 'a+b', undefined],
    ['bucket/a%2520b', 'bucket', 'a%20b', undefined],
    ['bucket%2Fkey', 'bucket', 'key', undefined],
    ['bucket/%C3%A9', 'bucket', 'é', undefined],
    ['bucket/é', 'bucket', 'é', undefined],
    [`bucket/key?versionId=${VERSION}`, 'bucket', 'key', VERSION],
    ['bucket/key?versionId=null', 'bucket', 'key', 'null'],
    ['bucket/a%3FversionId%3Db', 'bucket', 'a?versionId=b', undefined],
    ['bucket/a?b', 'bucket', 'a?b', undefined],
  ];
  for (const [header, bucket, key, versionId] of cases) {
    assert.deepEqual(parseCopySource(header), { bucket, key, versionId }, header);
  }
});

test('parseCopySource refuses what names no object', () => {
  const refused = [
    ...['', '/', 'bucket', '/bucket', 'bucket/', '/key', '//key', 'Bad_Bucket/key', 'bucket/%zz'],
    ...['bucket/..', 'bucket/../x', 'bucket/a/../../b', 'bucket/%00', 'bucket/%FF', 'bucket/%'],
    ...['bucket/key?versionId=', 'bucket/key?versionId=short'],
    'arn:aws:s3:us-east-1:123456789012:accesspoint/point/object/key',
  ];
  for (const header of refused) throwsS3Error(() => parseCopySource(header), 'InvalidArgument');
  throwsS3Error(() => parseCopySource(`bucket/${'x'.repeat(1025)}`), 'KeyTooLongError');
});

test('parseCopySource reads any key a client encoded, either way', () => {
  const key = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 50 });
  fc.assert(
    fc.property(key, (name) => {
      fc.pre(!name.includes('\0') && !name.includes('..'));
      assert.equal(parseCopySource(`bucket/${encodePathAws(name)}`).key, name);
      assert.equal(parseCopySource(`/bucket/${encodeUriComponentAws(name)}`).key, name);
    }),
    { numRuns: 200 },
  );
});

test('directives are COPY unless sent, and nothing but COPY or REPLACE', () => {
  assert.equal(metadataDirective(headersOf({})), 'COPY');
  assert.equal(metadataDirective(headersOf({ 'x-amz-metadata-directive': 'REPLACE' })), 'REPLACE');
  assert.equal(taggingDirective(headersOf({ 'x-amz-tagging-directive': 'COPY' })), 'COPY');
  throwsS3Error(
    () => metadataDirective(headersOf({ 'x-amz-metadata-directive': 'replace' })),
    'InvalidArgument',
    { ArgumentName: 'x-amz-metadata-directive', ArgumentValue: 'replace' },
  );
});

const NOT_OFFERED: Readonly<Record<string, string>> = {
  'x-amz-server-side-encryption': 'AES256',
  'x-amz-server-side-encryption-customer-algorithm': 'AES256',
  'x-amz-server-side-encryption-aws-kms-key-id': 'x',
  'x-amz-copy-source-server-side-encryption-customer-key': 'x',
  'x-amz-object-lock-mode': 'GOVERNANCE',
  'x-amz-object-lock-legal-hold': 'ON',
  'x-amz-tagging': 'a=b',
  'x-amz-bucket-object-lock-enabled': 'true',
  'x-amz-bypass-governance-retention': 'true',
  'x-amz-write-offset-bytes': '5',
  'x-amz-rename-source': 'a',
  'x-amz-mfa': 'x',
  'x-amz-if-match-size': '5',
  'x-amz-object-ownership': 'ObjectWriter',
};

for (const [name, value] of Object.entries(NOT_OFFERED)) {
  test(`refuseUnsupportedHeaders refuses ${name}`, () => {
    throwsS3Error(
      () => refuseUnsupportedHeaders(headersOf({ [name]: value }), { isCopy: true }),
      'NotImplemented',
      { Header: name },
    );
  });
}

test('refuseUnsupportedHeaders lets everything pass that is offered or harmless', () => {
  const headers = headersOf({
    host: 'x',
    'x-amz-acl': 'private',
    'x-amz-bucket-object-lock-enabled': 'false',
    'x-amz-checksum-crc32': 'x',
    'x-amz-content-sha256': 'x',
    'x-amz-copy-source': 'a/b',
    'x-amz-copy-source-if-match': 'x',
    'x-amz-date': 'x',
    'x-amz-expected-bucket-owner': 'x',
    'x-amz-meta-server-side-encryption': 'x',
    'x-amz-metadata-directive': 'COPY',
    'x-amz-object-ownership': 'BucketOwnerEnforced',
    'x-amz-request-payer': 'requester',
    'x-amz-storage-class': 'STANDARD',
    'x-amz-user-agent': 'x',
    'x-amz-website-redirect-location': '/',
  });
  refuseUnsupportedHeaders(headers, { isCopy: true });
  refuseUnsupportedHeaders(headersOf({ 'x-amz-acl': 'bucket-owner-full-control' }), {
    isCopy: false,
  });
});

test('refuseUnsupportedHeaders refuses unknown lists, lists with grants and stray copy sources', () => {
  const run = (headers: Record<string, string>) => () => {
    refuseUnsupportedHeaders(headersOf(headers), { isCopy: false });
  };
  throwsS3Error(run({ 'x-amz-acl': 'mine' }), 'InvalidArgument', {
    ArgumentName: 'x-amz-acl',
    ArgumentValue: 'mine',
  });
  throwsS3Error(run({ 'x-amz-acl': 'public-read' }), 'AccessControlListNotSupported');
  throwsS3Error(run({ 'x-amz-grant-read': 'id="x"' }), 'AccessControlListNotSupported');
  throwsS3Error(run({ 'x-amz-acl': 'private', 'x-amz-grant-read': 'x' }), 'InvalidRequest');
  throwsS3Error(run({ 'x-amz-copy-source': 'a/b' }), 'InvalidArgument', {
    ArgumentName: 'x-amz-copy-source',
    ArgumentValue: 'a/b',
  });
});
