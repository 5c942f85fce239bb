import assert from 'node:assert/strict';
import { test } from 'node:test';

import { GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';

import { presignUrl, type PresignInput } from '#src/wire/presign.js';

const ACCESS_KEY = 'AKIAIOSFODNN7EXAMPLE';
const SECRET = 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY';
const NOW_MS = Date.UTC(2013, 4, 24);

const INPUT: PresignInput = {
  method: 'GET',
  endpoint: new URL('http://127.0.0.1:9000'),
  bucket: 'examplebucket',
  key: 'test.txt',
  expiresSecs: 86_400,
  accessKey: ACCESS_KEY,
  secret: SECRET,
  region: 'us-east-1',
  nowMs: NOW_MS,
};

test('presignUrl makes the URL of the API reference', () => {
  // The example is virtual-hosted: its path has one segment, which stands in for the bucket here.
  const endpoint = new URL('https://examplebucket.s3.amazonaws.com');
  const url = presignUrl({ ...INPUT, endpoint, bucket: 'test.txt', key: '' });
  assert.equal(
    url,
    'https://examplebucket.s3.amazonaws.com/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256' +
      '&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request' +
      '&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host' +
      '&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404',
  );
});

const KEYS = [
  'a',
  'a//b',
  '/a',
  'a/',
  'a+b',
  'a b',
  'a%20b',
  '%2F',
  '?#',
  "!*'()",
  'é😀',
  '~&=;:@',
];

for (const method of ['GET', 'PUT'] as const) {
  test(`presignUrl signs ${method} of odd keys like the AWS SDK`, async () => {
    const client = new S3Client({
      endpoint: INPUT.endpoint.href,
      forcePathStyle: true,
      region: INPUT.region,
      credentials: { accessKeyId: ACCESS_KEY, secretAccessKey: SECRET },
      requestChecksumCalculation: 'WHEN_REQUIRED',
      responseChecksumValidation: 'WHEN_REQUIRED',
    });
    for (const key of KEYS) {
      const object = { Bucket: INPUT.bucket, Key: key };
      const command =
        method === 'GET' ? new GetObjectCommand(object) : new PutObjectCommand(object);
      const expected = new URL(
        await getSignedUrl(client, command, { expiresIn: 600, signingDate: new Date(NOW_MS) }),
      );
      expected.searchParams.delete('X-Amz-Signature');
      // The SDK adds parameters of its own; signed as extra ones, the signatures must agree.
      const extraQuery = Object.fromEntries(expected.searchParams);
      const sdkUrl = new URL(
        await getSignedUrl(client, command, { expiresIn: 600, signingDate: new Date(NOW_MS) }),
      );
      const ours = new URL(presignUrl({ ...INPUT, method, key, expiresSecs: 600, extraQuery }));
      assert.equal(
        ours.searchParams.get('X-Amz-Signature'),
        sdkUrl.searchParams.get('X-Amz-Signature'),
        key,
      );
    }
    client.destroy();
  });
}

for (const expiresSecs of [0, -1, 1.5, 604_801, Number.NaN]) {
  test(`presignUrl refuses to sign for ${expiresSecs} seconds`, () => {
    assert.throws(() => presignUrl({ ...INPUT, expiresSecs }), RangeError);
  });
}

test('presignUrl puts the bucket into the host, like the API reference', () => {
  const endpoint = new URL('https://s3.amazonaws.com');
  const url = presignUrl({ ...INPUT, endpoint, isVirtualHosted: true });
  assert.match(url, /^https:\/\/examplebucket\.s3\.amazonaws\.com\/test\.txt\?/);
  assert.match(url, /aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404$/);
});

test('presignUrl signs the path prefix of the endpoint', () => {
  const [one, other] = ['https://h/storage/', 'https://h/storage'].map((endpoint) =>
    presignUrl({ ...INPUT, endpoint: new URL(endpoint) }),
  );
  assert.equal(one, other);
  assert.match(one ?? '', /^https:\/\/h\/storage\/examplebucket\/test\.txt\?/);
  assert.notEqual(
    /Signature=.*/.exec(one ?? '')?.[0],
    /Signature=.*/.exec(presignUrl({ ...INPUT, endpoint: new URL('https://h') }))?.[0],
  );
});
