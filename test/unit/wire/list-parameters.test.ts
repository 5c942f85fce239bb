import assert from 'node:assert/strict';
import test from 'node:test';

import fc from 'fast-check';

import { decodeContinuationToken, encodeContinuationToken } from '#src/wire/continuation-token.js';
import {
  listBucketsParameters,
  listObjectsParameters,
  listObjectsV2Parameters,
  listPartsParameters,
  listUploadsParameters,
} from '#src/wire/list-parameters.js';

import { queryOf, throwsS3Error } from '../../support/s3-error.js';

test('continuation tokens hold any name and kind', () => {
  const name = fc.string({ unit: 'grapheme', maxLength: 60 });
  fc.assert(
    fc.property(name, fc.boolean(), (text, isCommonPrefix) => {
      const position = { name: text, isCommonPrefix };
      const token = encodeContinuationToken(position);
      assert.match(token, /^[\w-]+$/);
      assert.deepEqual(decodeContinuationToken(token), position);
    }),
    { numRuns: 300 },
  );
});

test('decodeContinuationToken keeps a byte order mark that begins a key', () => {
  const position = { name: '\ufeffa', isCommonPrefix: false };
  assert.deepEqual(decodeContinuationToken(encodeContinuationToken(position)), position);
});

test('decodeContinuationToken refuses what is not ours', () => {
  const bytes = (...values: number[]) => Buffer.from(values).toString('base64url');
  const garbage = [
    ...[
      '',
      ' ',
      'garbage',
      'a/b',
      '%',
      'null',
      '\0',
      'ä',
      bytes(1),
      bytes(2, 0, 65),
      bytes(1, 2, 65),
    ],
    ...[bytes(1, 0, 0xff), bytes(1, 0, 0xc0, 0xaf), `${bytes(1, 0, 65)}=`, 'AQB'],
  ];
  for (const token of garbage) {
    throwsS3Error(() => decodeContinuationToken(token), 'InvalidArgument', {
      ArgumentName: 'continuation-token',
      ArgumentValue: token,
    });
  }
});

test('listObjectsParameters has the defaults of AWS', () => {
  assert.deepEqual(listObjectsParameters(queryOf({})), {
    prefix: '',
    delimiter: '',
    countMax: 1000,
    isUrlEncoded: false,
    marker: '',
  });
});

test('listObjectsV2Parameters reads the token beside start-after', () => {
  const token = encodeContinuationToken({ name: 'k', isCommonPrefix: true });
  const query = queryOf({
    prefix: 'p',
    delimiter: '/',
    'max-keys': '7',
    'encoding-type': 'url',
    'start-after': 's',
    'continuation-token': token,
    'fetch-owner': 'true',
  });
  assert.deepEqual(listObjectsV2Parameters(query), {
    prefix: 'p',
    delimiter: '/',
    countMax: 7,
    isUrlEncoded: true,
    startAfter: 's',
    continuationToken: token,
    position: { name: 'k', isCommonPrefix: true },
    isOwnerWanted: true,
  });
});

test('max-keys is cut to 1,000 and refused when it is no count', () => {
  const countMax = (value: string) =>
    listObjectsParameters(queryOf({ 'max-keys': value })).countMax;
  assert.equal(countMax('0'), 0);
  assert.equal(countMax('1000'), 1000);
  assert.equal(countMax('1001'), 1000);
  assert.equal(countMax('2147483647'), 1000);
  for (const wrong of [
    '-1',
    'x',
    '',
    '1.5',
    '2147483648',
    '1e3',
    '99999999999999999999',
    '+1',
    ' 1',
  ]) {
    throwsS3Error(() => countMax(wrong), 'InvalidArgument', {
      ArgumentName: 'max-keys',
      ArgumentValue: wrong,
    });
  }
});

test('encoding-type is url or InvalidArgument', () => {
  for (const wrong of ['', 'URL', 'base64']) {
    const query = queryOf({ 'encoding-type': wrong });
    throwsS3Error(() => listObjectsParameters(query), 'InvalidArgument', {
      ArgumentName: 'encoding-type',
      ArgumentValue: wrong,
    });
  }
});

test('listUploadsParameters ignores an upload id without its key', () => {
  const both = queryOf({ 'key-marker': 'k', 'upload-id-marker': 'u', 'max-uploads': '5' });
  assert.deepEqual(listUploadsParameters(both), {
    prefix: '',
    delimiter: '',
    countMax: 5,
    isUrlEncoded: false,
    keyMarker: 'k',
    uploadIdMarker: 'u',
  });
  assert.equal(listUploadsParameters(queryOf({ 'upload-id-marker': 'u' })).uploadIdMarker, '');
  throwsS3Error(() => listUploadsParameters(queryOf({ 'max-uploads': '-1' })), 'InvalidArgument');
});

test('listPartsParameters takes empty, zero and far markers', () => {
  const marker = (value: string) =>
    listPartsParameters(queryOf({ 'part-number-marker': value })).partNumberMarker;
  assert.equal(marker(''), 0);
  assert.equal(marker('0'), 0);
  assert.equal(marker('7'), 7);
  assert.equal(marker('2147483647'), 10_000);
  throwsS3Error(() => marker('-1'), 'InvalidArgument');
  throwsS3Error(() => listPartsParameters(queryOf({ 'max-parts': 'x' })), 'InvalidArgument');
});

test('listBucketsParameters takes 1 to 10,000 buckets and known regions', () => {
  const region = 'garage';
  assert.deepEqual(listBucketsParameters(queryOf({}), region), {
    prefix: '',
    region: undefined,
    after: '',
    countMax: 10_000,
  });
  const token = encodeContinuationToken({ name: 'b', isCommonPrefix: false });
  const query = queryOf({ prefix: 'p', 'continuation-token': token, 'max-buckets': '3' });
  assert.equal(listBucketsParameters(query, region).after, 'b');
  for (const wrong of ['0', '10001', '-1', 'x', '']) {
    const bad = queryOf({ 'max-buckets': wrong });
    throwsS3Error(() => listBucketsParameters(bad, region), 'InvalidArgument');
  }
  for (const good of ['eu-west-1', 'us-gov-east-1', 'garage']) {
    assert.equal(listBucketsParameters(queryOf({ 'bucket-region': good }), region).region, good);
  }
  throwsS3Error(
    () => listBucketsParameters(queryOf({ 'bucket-region': 'nowhere' }), region),
    'InvalidArgument',
  );
});
