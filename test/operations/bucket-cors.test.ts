// Cross-origin rules of a bucket: written, read, deleted, and what is refused and changes nothing.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';

import {
  CreateBucketCommand,
  DeleteBucketCommand,
  DeleteBucketCorsCommand,
  GetBucketCorsCommand,
  PutBucketCorsCommand,
  type CORSRule,
} from '@aws-sdk/client-s3';

import { onEveryBackend, refusal, type Fixture } from '../support/operation-suite.js';
import { elementText, rawRequest, type RawReply } from '../support/raw-request.js';

const RULES: readonly CORSRule[] = [
  {
    ID: 'écrire & lire',
    AllowedHeaders: ['x-AMZ-*', 'Content-Type'],
    AllowedMethods: ['PUT', 'GET'],
    AllowedOrigins: ['http://*.example:80', 'https://b.example'],
    ExposeHeaders: ['ETag'],
    MaxAgeSeconds: 3000,
  },
  { AllowedMethods: ['HEAD'], AllowedOrigins: ['*'] },
];
const ABSENT = { code: 'NoSuchCORSConfiguration', status: 404 };
const RULE =
  '<CORSRule><AllowedMethod>GET</AllowedMethod><AllowedOrigin>http://a</AllowedOrigin></CORSRule>';

const configuration = (rules: string): string => `<CORSConfiguration>${rules}</CORSConfiguration>`;
const md5 = (text: string): string => createHash('md5').update(text).digest('base64');

async function putRules({ client, bucket }: Fixture, rules: readonly CORSRule[]): Promise<void> {
  const CORSConfiguration = { CORSRules: [...rules] };
  await client.send(new PutBucketCorsCommand({ Bucket: bucket, CORSConfiguration }));
}

async function rulesOf({ client, bucket }: Fixture): Promise<readonly CORSRule[] | undefined> {
  return (await client.send(new GetBucketCorsCommand({ Bucket: bucket }))).CORSRules;
}

function sendDocument(
  { raw, bucket }: Fixture,
  body: string,
  headers: Record<string, string> = { 'content-md5': md5(body) },
): Promise<RawReply> {
  return raw({ method: 'PUT', path: `/${bucket}`, query: 'cors', headers, body });
}

onEveryBackend('Bucket CORS', (use) => {
  test('B18 rules are read as they were written, and replaced as a whole', async () => {
    const fixture = await use();
    await putRules(fixture, RULES);
    assert.deepEqual(await rulesOf(fixture), RULES);
    await putRules(fixture, RULES.slice(1));
    assert.deepEqual(await rulesOf(fixture), RULES.slice(1));
  });

  test('B09 B18 deleted rules are NoSuchCORSConfiguration, and deleting none is no error', async () => {
    const fixture = await use();
    const { client, bucket } = fixture;
    await putRules(fixture, RULES);
    for (let round = 0; round < 2; round += 1) {
      const deleted = await client.send(new DeleteBucketCorsCommand({ Bucket: bucket }));
      assert.equal(deleted.$metadata.httpStatusCode, 204);
      assert.deepEqual(await refusal(rulesOf(fixture)), ABSENT);
    }
  });

  test('B18 a bucket that takes the name of a deleted one has no rules', async () => {
    const fixture = await use();
    const { client, bucket } = fixture;
    await putRules(fixture, RULES);
    await client.send(new DeleteBucketCommand({ Bucket: bucket }));
    assert.equal((await refusal(rulesOf(fixture))).code, 'NoSuchBucket');
    await client.send(new CreateBucketCommand({ Bucket: bucket }));
    assert.deepEqual(await refusal(rulesOf(fixture)), ABSENT);
  });

  test('B18 rules outlive those of other buckets', async () => {
    const fixture = await use();
    const other = await use();
    await putRules(fixture, RULES);
    await putRules(other, RULES.slice(1));
    await other.client.send(new DeleteBucketCommand({ Bucket: other.bucket }));
    assert.deepEqual(await rulesOf(fixture), RULES);
  });

  test('E09 the rules of a missing bucket are NoSuchBucket', async () => {
    const { raw } = await use();
    const body = configuration(RULE);
    for (const [method, more] of [
      ['GET', {}],
      ['DELETE', {}],
      ['PUT', { body, headers: { 'content-md5': md5(body) } }],
    ] as const) {
      const reply = await raw({ method, path: '/no-such-bucket', query: 'cors', ...more });
      assert.deepEqual([reply.status, reply.code], [404, 'NoSuchBucket'], method);
    }
  });

  test('E10 another account and nobody can neither read, write nor delete rules', async () => {
    const fixture = await use();
    await putRules(fixture, RULES);
    const body = configuration(RULE);
    for (const [method, more] of [
      ['GET', {}],
      ['DELETE', {}],
      ['PUT', { body, headers: { 'content-md5': md5(body) } }],
    ] as const) {
      const request = { method, path: `/${fixture.bucket}`, query: 'cors', ...more };
      const stranger = await rawRequest(fixture.server.stranger, request);
      assert.deepEqual([stranger.status, stranger.code], [403, 'AccessDenied'], method);
      const nobody = await fixture.raw({ ...request, isAnonymous: true });
      assert.deepEqual([nobody.status, nobody.code], [403, 'AccessDenied'], method);
    }
    assert.deepEqual(await rulesOf(fixture), RULES);
  });

  const badMethod = RULE.replace('GET', 'PATCH');
  const good = configuration(RULE);
  for (const [name, body, code, message] of [
    [
      'an unknown method',
      configuration(badMethod),
      'InvalidRequest',
      /Unsupported method is PATCH$/,
    ],
    ['no rule', configuration(''), 'MalformedXML', /not well-formed or did not validate/],
    ['101 rules', configuration(RULE.repeat(101)), 'InvalidRequest', /allowed limit of 100 rules/],
    [
      'an origin with two wildcards',
      configuration(RULE.replace('http://a', '*a*')),
      'InvalidRequest',
      /^AllowedOrigin "\*a\*" can not have more than one wildcard\.$/,
    ],
    [
      'an exposed wildcard',
      configuration(RULE.replace('</CORSRule>', '<ExposeHeader>*</ExposeHeader></CORSRule>')),
      'InvalidRequest',
      /do not support wildcard for ExposeHeader/,
    ],
    [
      'an exposed line break',
      configuration(RULE.replace('</CORSRule>', '<ExposeHeader>a&#10;b</ExposeHeader></CORSRule>')),
      'InvalidRequest',
      /is not a header name/,
    ],
    [
      'a long ID',
      configuration(RULE.replace('<CORSRule>', `<CORSRule><ID>${'i'.repeat(256)}</ID>`)),
      'InvalidRequest',
      /limit of 255/,
    ],
    [
      'an unknown element',
      configuration(RULE.replace('<CORSRule>', '<CORSRule><Allow/>')),
      'MalformedXML',
      /Allow is not known here/,
    ],
    ['a body that is no XML', '{"CORSRules": []}', 'MalformedXML', /not well-formed/],
    ['an empty body', '', 'MissingRequestBodyError', /./],
    ['more than 64 KiB', good + ' '.repeat(65_537 - good.length), 'MaxMessageLengthExceeded', /./],
  ] as const) {
    test(`B20 BI-099 BI-104 PutBucketCors with ${name} is ${code} and changes nothing`, async () => {
      const fixture = await use();
      await putRules(fixture, RULES);
      const reply = await sendDocument(fixture, body);
      assert.deepEqual([reply.status, reply.code], [400, code], reply.text);
      assert.match(elementText(reply.text, 'Message') ?? '', message);
      assert.deepEqual(await rulesOf(fixture), RULES);
    });
  }

  test('B20 100 rules in a document of 64 KiB are accepted', async () => {
    const fixture = await use();
    const body = configuration(RULE.repeat(100));
    const reply = await sendDocument(fixture, body + ' '.repeat(65_536 - body.length));
    assert.equal(reply.status, 200, reply.text);
    assert.equal((await rulesOf(fixture))?.length, 100);
  });

  test('B18 rules that grow when they are written down are followed all the same', async () => {
    const fixture = await use();
    const { raw, bucket } = fixture;
    // A quotation mark is written as `&quot;`.
    const header = `<AllowedHeader>${'"'.repeat(60_000)}</AllowedHeader>`;
    const body = configuration(RULE.replace('</CORSRule>', `${header}</CORSRule>`));
    assert.equal((await sendDocument(fixture, body)).status, 200);
    const headers = { origin: 'http://a', 'access-control-request-method': 'GET' };
    for (const method of ['OPTIONS', 'GET']) {
      const reply = await raw({ method, path: `/${bucket}`, headers });
      assert.equal(reply.status, 200, reply.text);
      assert.equal(reply.headers['access-control-allow-origin'], 'http://a');
    }
  });

  test('C01 PutBucketCors needs a digest of its document, and the right one', async () => {
    const fixture = await use();
    await putRules(fixture, RULES);
    const other = md5('another body');
    for (const [headers, code] of [
      [{}, 'InvalidRequest'],
      [{ 'content-md5': other }, 'BadDigest'],
      [{ 'content-md5': 'short' }, 'InvalidDigest'],
      [{ 'x-amz-checksum-crc32': 'AAAAAA==' }, 'BadDigest'],
    ] as const) {
      const reply = await sendDocument(fixture, good, headers);
      assert.deepEqual([reply.status, reply.code], [400, code], reply.text);
    }
    assert.deepEqual(await rulesOf(fixture), RULES);
    const sha256 = createHash('sha256').update(good).digest('base64');
    const accepted = await sendDocument(fixture, good, { 'x-amz-checksum-sha256': sha256 });
    assert.equal(accepted.status, 200, accepted.text);
  });
});
