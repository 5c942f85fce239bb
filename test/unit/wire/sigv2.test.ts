/**
 * The examples of the Amazon S3 developer guide, "Signing and Authenticating REST Requests", with
 * the key pair that all of them use.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { parseQuery } from '#src/wire/query.js';
import {
  isQueryCoveredV2,
  signatureV2,
  stringToSignV2,
  type StringToSignV2Input,
} from '#src/wire/sigv2.js';

const SECRET = 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY';
const GET = { method: 'GET', hostBucket: '', rawPath: '/b/k', query: parseQuery('') };
const PLAIN = { ...GET, headers: new Map<string, string>(), repeatedHeaders: new Set<string>() };

interface Example {
  readonly name: string;
  readonly method: string;
  readonly hostBucket: string;
  readonly rawPath: string;
  readonly rawQuery?: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly repeatedHeaders?: readonly string[];
  readonly stringToSign: string;
  readonly signature: string;
}

const EXAMPLES: readonly Example[] = [
  {
    name: 'Object GET',
    method: 'GET',
    hostBucket: 'johnsmith',
    rawPath: '/photos/puppy.jpg',
    headers: { date: 'Tue, 27 Mar 2007 19:36:42 +0000' },
    stringToSign: 'GET\n\n\nTue, 27 Mar 2007 19:36:42 +0000\n/johnsmith/photos/puppy.jpg',
    signature: 'bWq2s1WEIj+Ydj0vQ697zp+IXMU=',
  },
  {
    name: 'Object PUT',
    method: 'PUT',
    hostBucket: 'johnsmith',
    rawPath: '/photos/puppy.jpg',
    headers: {
      'content-type': 'image/jpeg',
      'content-length': '94328',
      date: 'Tue, 27 Mar 2007 21:15:45 +0000',
    },
    stringToSign: 'PUT\n\nimage/jpeg\nTue, 27 Mar 2007 21:15:45 +0000\n/johnsmith/photos/puppy.jpg',
    signature: 'MyyxeRY7whkBe+bq8fHCL/2kKUg=',
  },
  {
    name: 'List',
    method: 'GET',
    hostBucket: 'johnsmith',
    rawPath: '/',
    rawQuery: 'prefix=photos&max-keys=50&marker=puppy',
    headers: { 'user-agent': 'Mozilla/5.0', date: 'Tue, 27 Mar 2007 19:42:41 +0000' },
    stringToSign: 'GET\n\n\nTue, 27 Mar 2007 19:42:41 +0000\n/johnsmith/',
    signature: 'htDYFYduRNen8P9ZfE/s9SuKy0U=',
  },
  {
    name: 'Fetch of an access control list',
    method: 'GET',
    hostBucket: 'johnsmith',
    rawPath: '/',
    rawQuery: 'acl',
    headers: { date: 'Tue, 27 Mar 2007 19:44:46 +0000' },
    stringToSign: 'GET\n\n\nTue, 27 Mar 2007 19:44:46 +0000\n/johnsmith/?acl',
    signature: 'c2WLPFtWHVgbEmeEG93a4cG37dM=',
  },
  {
    name: 'Delete in path style',
    method: 'DELETE',
    hostBucket: '',
    rawPath: '/johnsmith/photos/puppy.jpg',
    headers: { 'user-agent': 'dotnet', date: 'Tue, 27 Mar 2007 21:20:26 +0000' },
    stringToSign: 'DELETE\n\n\nTue, 27 Mar 2007 21:20:26 +0000\n/johnsmith/photos/puppy.jpg',
    signature: 'lx3byBScXR6KzyMaifNkardMwNk=',
  },
  {
    name: 'Upload',
    method: 'PUT',
    hostBucket: 'static.johnsmith.net',
    rawPath: '/db-backup.dat.gz',
    headers: {
      'user-agent': 'curl/7.15.5',
      host: 'static.johnsmith.net:8080',
      date: 'Tue, 27 Mar 2007 21:06:08 +0000',
      'x-amz-acl': 'public-read',
      'content-type': 'application/x-download',
      'content-md5': '4gJE4saaMU4BqNR0kLY+lw==',
      'x-amz-meta-reviewedby': 'joe@johnsmith.net, jane@johnsmith.net',
      'x-amz-meta-filechecksum': '0x02661779',
      'x-amz-meta-checksumalgorithm': 'crc32',
      'content-disposition': 'attachment; filename=database.dat',
      'content-encoding': 'gzip',
      'content-length': '5913339',
    },
    repeatedHeaders: ['x-amz-meta-reviewedby'],
    stringToSign:
      'PUT\n4gJE4saaMU4BqNR0kLY+lw==\napplication/x-download\nTue, 27 Mar 2007 21:06:08 +0000\n' +
      'x-amz-acl:public-read\nx-amz-meta-checksumalgorithm:crc32\n' +
      'x-amz-meta-filechecksum:0x02661779\n' +
      'x-amz-meta-reviewedby:joe@johnsmith.net,jane@johnsmith.net\n' +
      '/static.johnsmith.net/db-backup.dat.gz',
    signature: 'ilyl83RwaSoYIEdixDQcA4OnAnc=',
  },
  {
    name: 'List all my buckets',
    method: 'GET',
    hostBucket: '',
    rawPath: '/',
    headers: { date: 'Wed, 28 Mar 2007 01:29:59 +0000' },
    stringToSign: 'GET\n\n\nWed, 28 Mar 2007 01:29:59 +0000\n/',
    signature: 'qGdzdERIC03wnaRNKh6OqZehG9s=',
  },
  {
    name: 'Unicode keys, in the escapes that were sent',
    method: 'GET',
    hostBucket: '',
    rawPath: '/dictionary/fran%C3%A7ais/pr%c3%a9f%c3%a8re',
    headers: { date: 'Wed, 28 Mar 2007 01:49:49 +0000' },
    stringToSign:
      'GET\n\n\nWed, 28 Mar 2007 01:49:49 +0000\n/dictionary/fran%C3%A7ais/pr%c3%a9f%c3%a8re',
    signature: 'DNEZGsoieTZ92F3bUfSPQcbGmlM=',
  },
];

for (const example of EXAMPLES) {
  test(`signatureV2 makes the signature of the example "${example.name}"`, () => {
    const text = stringToSignV2({
      ...example,
      query: parseQuery(example.rawQuery ?? ''),
      headers: new Map(Object.entries(example.headers)),
      repeatedHeaders: new Set(example.repeatedHeaders),
    });
    assert.equal(text, example.stringToSign);
    assert.equal(signatureV2(SECRET, text), example.signature);
  });
}

function textOf(changes: Partial<StringToSignV2Input>): string {
  return stringToSignV2({ ...PLAIN, ...changes });
}

test('stringToSignV2 leaves the date empty when x-amz-date is there', () => {
  const headers = new Map([
    ['date', 'Wed, 28 Mar 2007 01:29:59 +0000'],
    ['x-amz-date', '20070328T012959Z'],
  ]);
  assert.equal(textOf({ headers }), 'GET\n\n\n\nx-amz-date:20070328T012959Z\n/b/k');
});

for (const [rawQuery, signed] of [
  ['', '/b/k'],
  ['acl', '/b/k?acl'],
  ['acl=', '/b/k?acl'],
  ['%61cl', '/b/k?acl'],
  ['uploadId=a%2Fb&partNumber=7', '/b/k?partNumber=7&uploadId=a/b'],
  ['versionId=2&versionId=1', '/b/k?versionId=2&versionId=1'],
  [
    'response-expires=x&response-content-type=a%20b',
    '/b/k?response-content-type=a b&response-expires=x',
  ],
  ['response-content-type=a+b', '/b/k?response-content-type=a b'],
  ['list-type=2&prefix=acl&delete&x-id=DeleteObjects', '/b/k?delete'],
  ['ACL&Acl=1', '/b/k'],
] as const) {
  test(`stringToSignV2 signs the query "${rawQuery}" as ${signed}`, () => {
    assert.equal(textOf({ query: parseQuery(rawQuery) }), `GET\n\n\n\n${signed}`);
  });
}

for (const [rawQuery, isCovered] of [
  ['', true],
  ['prefix=a&max-keys=2', true],
  ['versionId=1&response-content-disposition=attachment%3B%20filename%3D%22a%26b%22', true],
  ['unknown', true],
  ['encryption', false],
  ['attributes', false],
  ['%72enameObject', false],
  ['response-content-type=a%26versionId%3D1', false],
  ['response-content-type=a%26acl', false],
  ['versionId=1&versionId=2%26delete', false],
  ['prefix=%26acl', true],
] as const) {
  test(`isQueryCoveredV2 says ${isCovered} of the query "${rawQuery}"`, () => {
    assert.equal(isQueryCoveredV2(parseQuery(rawQuery)), isCovered);
  });
}
