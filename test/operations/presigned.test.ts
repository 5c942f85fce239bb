// Presigned URLs over HTTP: what they allow, what they carry, and what is refused of them.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { GetObjectCommand, HeadObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';

import { onEveryBackend, type Fixture } from '../support/operation-suite.js';
import { elementText, type RawReply } from '../support/raw-request.js';
import type { Head, HeadInput } from '../support/signed-head.js';
import { withHeaders } from '../support/signed-head.js';
import { amzTimestamp, headerSigned, querySigned, sendHead } from '../support/signed-request.js';
import { changesNothing } from '../support/store-state.js';

const BODY = 'presigned body';
const PARAMETERS = 'AuthorizationQueryParametersError';

/** A head that puts BODY when nothing is wrong with it. */
function putHead({ server, bucket }: Fixture, input: HeadInput = {}): Head {
  return querySigned(server, { method: 'PUT', rawPath: `/${bucket}/key`, ...input });
}

/** The parameters of a signature, one of them replaced or left out before signing. */
function edited(name: string, value: string | undefined): HeadInput {
  return {
    editParameters: (parameters) => {
      if (value === undefined) parameters.delete(name);
      else parameters.set(name, value);
    },
  };
}

async function secondsAgo(fixture: Fixture, seconds: number, expires: string): Promise<RawReply> {
  const timestamp = amzTimestamp(Date.now() - seconds * 1000);
  return sendHead(fixture.server, putHead(fixture, { timestamp, expires }), BODY);
}

type Case = readonly [id: string, what: string, make: (fixture: Fixture) => Head, code: string];

const altered = (edit: (rawQuery: string) => string) => (fixture: Fixture) => {
  const head = putHead(fixture);
  return { ...head, rawQuery: edit(head.rawQuery) };
};
const signed = (input: HeadInput) => (fixture: Fixture) => putHead(fixture, input);

// prettier-ignore
const REFUSED: readonly Case[] = [
  ...['Algorithm', 'Credential', 'Date', 'Expires', 'SignedHeaders'].map((name): Case =>
    ['A11 BI-060', `no X-Amz-${name}`, signed(edited(`X-Amz-${name}`, undefined)), PARAMETERS]),
  ['A11 BI-060', 'no X-Amz-Signature', altered((query) => query.replace(/&X-Amz-Signature=.*/, '')), PARAMETERS],
  ['BI-059', 'another algorithm', signed(edited('X-Amz-Algorithm', 'AWS4-HMAC-SHA1')), PARAMETERS],
  ['BI-061', 'a credential of one part', signed(edited('X-Amz-Credential', 'TESTKEY')), PARAMETERS],
  ['BI-061', 'another service', signed({ service: 'ec2' }), PARAMETERS],
  ['BI-061', 'another region', signed({ region: 'eu-west-1' }), PARAMETERS],
  ['BI-061', 'another terminal', signed({ terminal: 'aws3_request' }), PARAMETERS],
  ['BI-061', 'a credential of another day', signed({ date: '20200101' }), PARAMETERS],
  ['BI-061', 'a credential date in another form', signed({ date: '2020-01-01' }), PARAMETERS],
  ['A14', 'a credential encoded twice', altered((query) => query.replaceAll('%2F', '%252F')), PARAMETERS],
  ['BI-062', 'a date that is not ISO basic', signed(edited('X-Amz-Date', '2026-01-15T12:00:00Z')), PARAMETERS],
  ...['soon', '-1', '1.5', '604801', '9223372036854775808', '9'.repeat(40)].map((expires): Case =>
    ['A12 BI-063', `X-Amz-Expires=${expires}`, signed({ expires }), PARAMETERS]),
  ['BI-066', 'another method', (fixture) => ({ ...putHead(fixture, { method: 'GET' }), method: 'PUT' }), 'SignatureDoesNotMatch'],
  ['BI-067', 'an extra parameter', altered((query) => `${query}&a=b`), 'SignatureDoesNotMatch'],
  ['BI-067', 'an extra x-amz-* parameter', altered((query) => `${query}&x-amz-meta-a=b`), 'SignatureDoesNotMatch'],
  ['BI-067', 'a repeated parameter', altered((query) => `${query}&X-Amz-Expires=60`), 'SignatureDoesNotMatch'],
  ['BI-067', 'a repeated signature', altered((query) => `${query}&${/X-Amz-Signature=.*/.exec(query)?.[0]}`), 'SignatureDoesNotMatch'],
  ['BI-067', 'another path', (fixture) => ({ ...putHead(fixture), rawPath: `/${fixture.bucket}/other` }), 'SignatureDoesNotMatch'],
  ['A06', 'another secret', signed({ secret: 'another-secret' }), 'SignatureDoesNotMatch'],
  ['A07', 'an unknown access key', signed({ accessKey: 'NOBODY' }), 'InvalidAccessKeyId'],
  ['A07', 'a session token', signed({ rawQuery: 'X-Amz-Security-Token=t' }), 'InvalidToken'],
  ['BI-068', 'SigV2 parameters', altered(() => 'AWSAccessKeyId=TESTKEY&Expires=9999999999&Signature=a'), 'InvalidRequest'],
  ['A05', 'an unsigned x-amz-* header', signed({ unsignedHeaders: { 'x-amz-meta-a': 'b' } }), 'AccessDenied'],
  ['A16', 'an unsigned x-amz-expires header', signed({ unsignedHeaders: { 'x-amz-expires': '60' } }), 'AccessDenied'],
  ['A16', 'a header that contradicts the query', signed({ rawQuery: 'x-amz-meta-a=1', unsignedHeaders: { 'x-amz-meta-a': '2' } }), 'SignatureDoesNotMatch'],
  ['A19', 'a payload hash that is none', signed({ unsignedHeaders: { 'x-amz-content-sha256': 'x' } }), 'InvalidArgument'],
  ['A19', 'the hash of another payload', signed({ unsignedHeaders: { 'x-amz-content-sha256': '0'.repeat(64) } }), 'XAmzContentSHA256Mismatch'],
  ['A04', 'no signed host', signed({ headers: { 'x-amz-meta-a': 'b' }, signedHeaders: ['x-amz-meta-a'] }), 'AccessDenied'],
  ['A04', 'another signed host', (fixture) => withHeaders(putHead(fixture, { headers: { host: 'example.com' } }), { host: `127.0.0.1:${fixture.server.port}` }), 'SignatureDoesNotMatch'],
  ['A17', 'another Content-Type than was signed', (fixture) => withHeaders(putHead(fixture, { headers: { 'content-type': 'text/plain' } }), { 'content-type': 'text/html' }), 'SignatureDoesNotMatch'],
];

onEveryBackend('presigned URLs', (use) => {
  test('A20 a presigned PUT stores any body and a presigned GET reads it', async () => {
    const fixture = await use();
    const { server, bucket } = fixture;
    const put = await sendHead(server, putHead(fixture), BODY);
    assert.equal(put.status, 200, put.text);
    const get = querySigned(server, { method: 'GET', rawPath: `/${bucket}/key` });
    assert.equal((await sendHead(server, get)).text, BODY);
  });

  for (const [id, what, make, code] of REFUSED) {
    test(`${id} a presigned PUT with ${what} is ${code}`, async () => {
      const fixture = await use();
      await changesNothing(fixture, async () => {
        const reply = await sendHead(fixture.server, make(fixture), BODY);
        const isForbidden = /^(AccessDenied|SignatureDoesNotMatch|InvalidAccessKeyId)$/.test(code);
        assert.deepEqual([reply.status, reply.code], [isForbidden ? 403 : 400, code]);
      });
    });
  }

  test('A09 the error of another region names the expected one', async () => {
    const fixture = await use();
    const reply = await sendHead(fixture.server, putHead(fixture, { region: 'eu-west-1' }), BODY);
    assert.equal(elementText(reply.text, 'Region'), 'us-east-1');
  });

  test('A13 BI-064 an expired URL is AccessDenied and says when it ended', async () => {
    const fixture = await use();
    await changesNothing(fixture, async () => {
      const reply = await secondsAgo(fixture, 100, '60');
      assert.deepEqual([reply.status, reply.code], [403, 'AccessDenied']);
      assert.equal(elementText(reply.text, 'X-Amz-Expires'), '60');
      const expires = Date.parse(elementText(reply.text, 'Expires') ?? '');
      const serverTime = Date.parse(elementText(reply.text, 'ServerTime') ?? '');
      assert(serverTime > expires, `${serverTime} is after ${expires}`);
    });
  });

  test('A12 BI-064 a URL is good until it expires, a week at most', async () => {
    const fixture = await use();
    assert.equal((await secondsAgo(fixture, 100, '200')).status, 200);
    assert.equal((await secondsAgo(fixture, 6 * 86_400, '604800')).status, 200);
  });

  test('BI-065 a URL from the future is AccessDenied beyond the allowed skew', async () => {
    const fixture = await use();
    await changesNothing(fixture, async () => {
      const reply = await secondsAgo(fixture, -1000, '600');
      assert.deepEqual([reply.status, reply.code], [403, 'AccessDenied']);
    });
    assert.equal((await secondsAgo(fixture, -600, '60')).status, 200);
  });

  test('A15 x-amz-* parameters of a presigned PUT take effect', async () => {
    const fixture = await use();
    const { client, bucket, server } = fixture;
    const rawQuery =
      'x-amz-acl=private&x-amz-meta-colour=dark%20blue&x-amz-storage-class=STANDARD_IA';
    const reply = await sendHead(server, putHead(fixture, { rawQuery }), BODY);
    assert.equal(reply.status, 200, reply.text);
    const head = await client.send(new HeadObjectCommand({ Bucket: bucket, Key: 'key' }));
    assert.deepEqual(head.Metadata, { colour: 'dark blue' });
    assert.equal(head.StorageClass, 'STANDARD_IA');
  });

  test('A15 E06 an x-amz-* parameter that is not offered is refused like its header', async () => {
    const fixture = await use();
    await changesNothing(fixture, async () => {
      for (const parameter of [
        'x-amz-object-lock-mode=GOVERNANCE',
        'x-amz-server-side-encryption=AES256',
      ]) {
        const head = putHead(fixture, { rawQuery: parameter });
        const reply = await sendHead(fixture.server, head, BODY);
        assert.deepEqual([reply.status, reply.code], [501, 'NotImplemented'], parameter);
      }
    });
  });

  test('A16 a header may repeat the value of its parameter', async () => {
    const fixture = await use();
    const unsignedHeaders = { 'x-amz-meta-a': '1' };
    const head = putHead(fixture, { rawQuery: 'x-amz-meta-a=1', unsignedHeaders });
    assert.equal((await sendHead(fixture.server, head, BODY)).status, 200);
  });

  test('A17 an unsigned Content-Type is accepted and stored', async () => {
    const fixture = await use();
    const { client, bucket, server } = fixture;
    const head = putHead(fixture, { unsignedHeaders: { 'content-type': 'text/csv' } });
    assert.equal((await sendHead(server, head, BODY)).status, 200);
    const stored = await client.send(new HeadObjectCommand({ Bucket: bucket, Key: 'key' }));
    assert.equal(stored.ContentType, 'text/csv');
  });

  test('A18 BI-056 a presigned URL with an Authorization header is InvalidArgument', async () => {
    const fixture = await use();
    const { server, bucket } = fixture;
    await changesNothing(fixture, async () => {
      const { rawQuery } = putHead(fixture);
      const head = headerSigned(server, { method: 'PUT', rawPath: `/${bucket}/key` });
      const reply = await sendHead(server, { ...head, rawQuery }, BODY);
      assert.deepEqual([reply.status, reply.code], [400, 'InvalidArgument']);
      assert.equal(elementText(reply.text, 'ArgumentName'), 'Authorization');
    });
  });

  test('C19 the checksum of an empty body that the SDK presigns is ignored', async () => {
    const { client, bucket } = await use();
    const name = { Bucket: bucket, Key: 'a key/ü+~' };
    const url = await getSignedUrl(client, new PutObjectCommand(name), { expiresIn: 60 });
    assert.match(url, /x-amz-checksum-crc32=AAAAAA%3D%3D/, 'the SDK still does it');
    const put = await fetch(url, { method: 'PUT', body: BODY });
    assert.equal(put.status, 200, await put.text());
    assert.match(put.headers.get('x-amz-checksum-crc64nvme') ?? '', /^[A-Za-z0-9+/]{11}=$/);
    const read = await fetch(await getSignedUrl(client, new GetObjectCommand(name)));
    assert.equal(await read.text(), BODY);
  });

  test('C19 the ignored checksum stays under the signature', async () => {
    const fixture = await use();
    const { client, bucket } = fixture;
    const command = new PutObjectCommand({ Bucket: bucket, Key: 'key' });
    const url = await getSignedUrl(client, command, { expiresIn: 60 });
    await changesNothing(fixture, async () => {
      const changed = url.replace('x-amz-checksum-crc32=AAAAAA', 'x-amz-checksum-crc32=BAAAAA');
      assert.notEqual(changed, url);
      const put = await fetch(changed, { method: 'PUT', body: BODY });
      assert.deepEqual(
        [put.status, elementText(await put.text(), 'Code')],
        [403, 'SignatureDoesNotMatch'],
      );
    });
  });
});
