// The Authorization header over HTTP: which signatures pass, and what each fault is called.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';

import { accountIdOf } from '#src/s3/owner.js';

import { onEveryBackend, type Fixture } from '../support/operation-suite.js';
import { elementText } from '../support/raw-request.js';
import { withHeaders, type Head, type HeadInput } from '../support/signed-head.js';
import { amzTimestamp, headerSigned, sendHead, sha256Hex } from '../support/signed-request.js';
import { changesNothing } from '../support/store-state.js';

const BODY = 'signed body';
const MALFORMED = 'AuthorizationHeaderMalformed';
const FORBIDDEN = new Set([
  ...['AccessDenied', 'InvalidAccessKeyId', 'RequestTimeTooSkewed', 'SignatureDoesNotMatch'],
]);

/** A head that puts BODY when nothing is wrong with it. */
function putHead({ server, bucket }: Fixture, input: HeadInput = {}): Head {
  const payloadHash = sha256Hex(BODY);
  return headerSigned(server, { method: 'PUT', rawPath: `/${bucket}/key`, payloadHash, ...input });
}

type Make = (fixture: Fixture) => Head;
type Case = readonly [id: string, what: string, make: Make, code: string];

const signed = (input: HeadInput) => (fixture: Fixture) => putHead(fixture, input);
const rewritten = (edit: (authorization: string) => string) => (fixture: Fixture) => {
  const head = putHead(fixture);
  return withHeaders(head, { authorization: edit(head.headers.get('authorization') ?? '') });
};
const without = (name: string) => (fixture: Fixture) =>
  withHeaders(putHead(fixture), { [name]: undefined });
const at = (ms: number) => signed({ timestamp: amzTimestamp(ms) });

// prettier-ignore
const REFUSED: readonly Case[] = [
  ['A22 BI-033', 'no Authorization', without('authorization'), 'AccessDenied'],
  ['BI-034', 'an empty Authorization', rewritten(() => ''), 'AccessDenied'],
  ['A10 BI-035', 'no space', rewritten((text) => text.replaceAll(' ', '')), 'InvalidArgument'],
  ['A10 BI-036', 'the scheme AWS4-HMAC-SHA1', rewritten((text) => text.replace('SHA256', 'SHA1')), 'InvalidArgument'],
  ['A10 BI-036', 'a bearer token', rewritten(() => 'Bearer abc'), 'InvalidArgument'],
  ['BI-037', 'signature version 2', rewritten(() => 'AWS TESTKEY:c2lnbmF0dXJl'), 'InvalidRequest'],
  ['A10 BI-038', 'no Credential', rewritten((text) => text.replace(/Credential=\S+ /, '')), MALFORMED],
  ['A10 BI-038', 'no SignedHeaders', rewritten((text) => text.replace(/SignedHeaders=\S+ /, '')), MALFORMED],
  ['A10 BI-038', 'no Signature', rewritten((text) => text.replace(/, Signature=.*/, '')), MALFORMED],
  ['A10 BI-039', 'a component without "="', rewritten((text) => text.replace('Signature=', 'Signature')), MALFORMED],
  ['A10 BI-040', 'a credential of four parts', rewritten((text) => text.replace('TESTKEY/', '')), MALFORMED],
  ['A10 BI-040', 'a credential of six parts', rewritten((text) => text.replace('aws4_request', 'aws4_request/x')), MALFORMED],
  ['A10 BI-041', 'a credential date in another form', signed({ date: '2026-01-01' }), MALFORMED],
  ['A10 BI-042', 'a credential of another day', signed({ date: '20200101' }), MALFORMED],
  ['A09 BI-043', 'another region', signed({ region: 'eu-west-1' }), MALFORMED],
  ['A10 BI-044', 'another service', signed({ service: 'ec2' }), MALFORMED],
  ['A10 BI-045', 'another terminal', signed({ terminal: 'aws3_request' }), MALFORMED],
  ['A07 BI-046', 'an unknown access key', signed({ accessKey: 'NOBODY' }), 'InvalidAccessKeyId'],
  ['A06 BI-047', 'another secret', signed({ secret: 'another-secret' }), 'SignatureDoesNotMatch'],
  ['BI-048', 'no date', without('x-amz-date'), 'AccessDenied'],
  ['BI-049', 'an unparsable date', (fixture) => withHeaders(putHead(fixture), { 'x-amz-date': `${amzTimestamp().slice(0, 8)}Tnoon` }), 'AccessDenied'],
  ['A08 BI-050', 'a clock 16 minutes behind', at(Date.now() - 16 * 60_000), 'RequestTimeTooSkewed'],
  ['A08 BI-050', 'a clock 16 minutes ahead', at(Date.now() + 16 * 60_000), 'RequestTimeTooSkewed'],
  ['A08 BI-051', 'a date of 1960', signed({ timestamp: '19600101T000000Z' }), 'RequestTimeTooSkewed'],
  ['A08 BI-051', 'a date of 9999', signed({ timestamp: '99991231T235959Z' }), 'RequestTimeTooSkewed'],
  ['A19 BI-052', 'no x-amz-content-sha256', without('x-amz-content-sha256'), 'InvalidRequest'],
  ...['', 'abc', 'unsigned-payload', 'STREAMING-PAYLOAD', 'g'.repeat(64)].map((payloadHash): Case =>
    ['A19 BI-053', `the payload hash "${payloadHash}"`, signed({ payloadHash }), 'InvalidArgument']),
  ['A19 BI-054', 'the hash of another body', signed({ payloadHash: sha256Hex('other') }), 'XAmzContentSHA256Mismatch'],
  ['A20', 'a payload hash replaced by UNSIGNED-PAYLOAD', (fixture) => withHeaders(putHead(fixture), { 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD' }), 'SignatureDoesNotMatch'],
  ['A07 BI-057', 'a session token', signed({ headers: { 'x-amz-security-token': 't' } }), 'InvalidToken'],
  ['BI-058', 'another expected bucket owner', signed({ headers: { 'x-amz-expected-bucket-owner': '000000000000' } }), 'AccessDenied'],
  ['A04', 'no signed host', signed({ signedHeaders: ['x-amz-content-sha256', 'x-amz-date'] }), 'AccessDenied'],
  ['A04', 'a host signed without its port', (fixture) => withHeaders(putHead(fixture, { headers: { host: '127.0.0.1' } }), { host: `127.0.0.1:${fixture.server.port}` }), 'SignatureDoesNotMatch'],
  ['A01', 'another path than was signed', (fixture) => ({ ...putHead(fixture), rawPath: `/${fixture.bucket}/other` }), 'SignatureDoesNotMatch'],
  ['A02', 'a query that was not signed', (fixture) => ({ ...putHead(fixture), rawQuery: 'a=b' }), 'SignatureDoesNotMatch'],
  ['A06', 'another method than was signed', (fixture) => ({ ...putHead(fixture, { method: 'POST' }), method: 'PUT' }), 'SignatureDoesNotMatch'],
  ['A21 BI-094', 'no signature and signed chunks', (fixture) => withHeaders(putHead(fixture, { payloadHash: 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD' }), { authorization: undefined }), 'InvalidRequest'],
];

onEveryBackend('the Authorization header', (use) => {
  for (const [id, what, make, code] of REFUSED) {
    test(`${id} a PUT with ${what} is ${code}`, async () => {
      const fixture = await use();
      await changesNothing(fixture, async () => {
        const reply = await sendHead(fixture.server, make(fixture), BODY);
        assert.deepEqual([reply.status, reply.code], [FORBIDDEN.has(code) ? 403 : 400, code]);
        assert(!reply.text.includes(fixture.server.secretKey));
      });
    });
  }

  test('A20 the same PUT with nothing wrong is stored', async () => {
    const fixture = await use();
    const expectedOwner = { 'x-amz-expected-bucket-owner': accountIdOf('main') };
    for (const input of [{}, { payloadHash: 'UNSIGNED-PAYLOAD' }, { headers: expectedOwner }]) {
      const reply = await sendHead(fixture.server, putHead(fixture, input), BODY);
      assert.equal(reply.status, 200, reply.text);
    }
  });

  // prettier-ignore
  const keys = ['a//b', '/a', 'a/', 'a/./b', 'a/b/../c', 'a+b', 'a b', '~a', "!'()*", 'a%2Fb', '100%', 'é', 'e\u0301', '日本', '😀', '?&=#', ':@;,$'];
  for (const key of keys) {
    test(`A01 the SDK's signature of the key ${JSON.stringify(key)} verifies`, async () => {
      const { client, bucket, server } = await use();
      const name = { Bucket: bucket, Key: key };
      await client.send(new PutObjectCommand({ ...name, Body: BODY }));
      const { Body: body } = await client.send(new GetObjectCommand(name));
      assert.equal(await body?.transformToString(), BODY);
      assert.notEqual(server.store.headObject(bucket, key, undefined).etag, '', 'exactly this key');
    });
  }

  for (const [canonical, sent] of [
    ['a~b', 'a%7Eb'],
    ['a%20b', 'a%20b'],
    ['a%2Bb', 'a+b'],
    ['%C3%A9', '%c3%a9'],
    ['a/b', 'a%2Fb'],
    ['a%21b', 'a!b'],
    ['ab', '%61b'],
  ] as const) {
    test(`A01 the path ${sent} is signed as ${canonical}`, async () => {
      const fixture = await use();
      const { server, bucket } = fixture;
      const head = putHead(fixture, { rawPath: `/${bucket}/${canonical}` });
      const rawPath = `/${bucket}/${sent}`;
      const reply = await sendHead(server, { ...head, rawPath }, BODY);
      assert.equal(reply.status, 200, reply.text);
      const key = decodeURIComponent(canonical);
      assert.equal(server.store.headObject(bucket, key, undefined).sizeBytes, BODY.length);
    });
  }

  for (const [canonical, sent] of [
    ['list-type=2&prefix=a', 'prefix=a&list-type=2'],
    ['a=1&a=2&list-type=2', 'list-type=2&a=2&a=1'],
    ['a=&list-type=2&prefix=', 'prefix&list-type=2&a'],
    ['a-b=1&ab=2&list-type=2', 'list-type=2&ab=2&a-b=1'],
    ['list-type=2&prefix=a%20b', 'list-type=2&prefix=a+b'],
    ['list-type=2&prefix=a%2Fb~', 'list-type=2&prefix=a/b%7e'],
    ['A=1&a=1&list-type=2', 'a=1&A=1&list-type=2'],
  ] as const) {
    test(`A02 the query ${sent} is signed as ${canonical}`, async () => {
      const { server, bucket } = await use();
      const input = { method: 'GET', rawPath: `/${bucket}`, rawQuery: canonical };
      const head = { ...headerSigned(server, input), rawQuery: sent };
      const reply = await sendHead(server, head);
      assert.equal(reply.status, 200, reply.text);
    });
  }

  test('A03 header values are trimmed and runs of spaces collapse', async () => {
    const fixture = await use();
    const head = putHead(fixture, { headers: { 'x-amz-meta-a': 'one two three' } });
    const sent = withHeaders(head, { 'x-amz-meta-a': '  one  two    three ' });
    const reply = await sendHead(fixture.server, sent, BODY);
    assert.equal(reply.status, 200, reply.text);
  });

  test('A03 repeated headers are joined with a comma', async () => {
    const fixture = await use();
    const { server } = fixture;
    const head = putHead(fixture, { headers: { 'x-amz-meta-a': 'one,two' } });
    const good = await sendHead(server, head, BODY, { 'x-amz-meta-a': ['one', 'two'] });
    assert.equal(good.status, 200, good.text);
    const swapped = await sendHead(server, head, BODY, { 'x-amz-meta-a': ['two', 'one'] });
    assert.equal(swapped.code, 'SignatureDoesNotMatch');
  });

  test('A04 any Host is accepted as it was sent and signed', async () => {
    const fixture = await use();
    for (const host of ['s3.example.com', 'localhost:1', `127.0.0.1:${fixture.server.port}`]) {
      const reply = await sendHead(fixture.server, putHead(fixture, { headers: { host } }), BODY);
      assert.equal(reply.status, 200, host);
    }
  });

  test('A05 BI-055 x-amz-* headers that were not signed are named in AccessDenied', async () => {
    const fixture = await use();
    await changesNothing(fixture, async () => {
      const unsignedHeaders = { 'x-amz-acl': 'private', 'x-amz-meta-a': '1', 'x-other': '1' };
      const reply = await sendHead(fixture.server, putHead(fixture, { unsignedHeaders }), BODY);
      assert.deepEqual([reply.status, reply.code], [403, 'AccessDenied']);
      assert.equal(elementText(reply.text, 'HeadersNotSigned'), 'x-amz-acl, x-amz-meta-a');
    });
  });

  test('A06 A28 a wrong signature is explained without the secret', async () => {
    const fixture = await use();
    const { server, bucket } = fixture;
    const head = putHead(fixture, { secret: 'another-secret' });
    const { text } = await sendHead(server, head, BODY);
    const canonical = elementText(text, 'CanonicalRequest') ?? '';
    const stringToSign = elementText(text, 'StringToSign') ?? '';
    assert.equal(elementText(text, 'AWSAccessKeyId'), server.accessKey);
    assert(
      head.headers.get('authorization')?.endsWith(elementText(text, 'SignatureProvided') ?? '?'),
    );
    assert(
      canonical.startsWith(`PUT\n/${bucket}/key\n\nhost:127.0.0.1:${server.port}\n`),
      canonical,
    );
    assert(stringToSign.startsWith('AWS4-HMAC-SHA256\n'));
    assert.equal(stringToSign.split('\n')[3], sha256Hex(canonical));
    for (const name of ['CanonicalRequest', 'StringToSign']) {
      const hex = (elementText(text, `${name}Bytes`) ?? '').replaceAll(' ', '');
      assert.equal(Buffer.from(hex, 'hex').toString(), elementText(text, name));
    }
  });

  test('A28 neither secret nor signature is in what is logged of a request', async () => {
    const fixture = await use();
    const { server } = fixture;
    for (const secret of [server.secretKey, 'another-secret']) {
      const head = putHead(fixture, { secret });
      await sendHead(server, head, BODY);
      const signature = head.headers.get('authorization')?.split('Signature=')[1] ?? '';
      assert.equal(signature.length, 64);
      const logged = JSON.stringify(server.ends.slice(-1));
      assert.match(logged, /"operation":"PutObject"/);
      assert(!logged.includes(secret) && !logged.includes(signature), logged);
    }
  });

  test('A07 the error of an unknown key names it', async () => {
    const fixture = await use();
    const reply = await sendHead(fixture.server, putHead(fixture, { accessKey: 'NOBODY' }), BODY);
    assert.equal(elementText(reply.text, 'AWSAccessKeyId'), 'NOBODY');
  });

  test('A08 a skewed clock is told both times and the limit', async () => {
    const fixture = await use();
    const timestamp = amzTimestamp(Date.now() - 3_600_000);
    const { text } = await sendHead(fixture.server, putHead(fixture, { timestamp }), BODY);
    assert.equal(elementText(text, 'RequestTime'), timestamp);
    assert(!Number.isNaN(Date.parse(elementText(text, 'ServerTime') ?? '')));
    assert.equal(elementText(text, 'MaxAllowedSkewMilliseconds'), '900000');
  });

  test('A08 a clock 14 minutes away is accepted', async () => {
    const fixture = await use();
    for (const minutes of [-14, 14]) {
      const head = at(Date.now() + minutes * 60_000)(fixture);
      assert.equal((await sendHead(fixture.server, head, BODY)).status, 200);
    }
  });

  test('A09 the error of another region names the expected one', async () => {
    const fixture = await use();
    const reply = await sendHead(fixture.server, putHead(fixture, { region: 'eu-west-1' }), BODY);
    assert.equal(elementText(reply.text, 'Region'), 'us-east-1');
  });

  test('A18 two Authorization headers are InvalidArgument', async () => {
    const fixture = await use();
    await changesNothing(fixture, async () => {
      const head = putHead(fixture);
      const authorization = head.headers.get('authorization') ?? '';
      // Without it in the first place: the client would otherwise send three.
      const bare = withHeaders(head, { authorization: undefined });
      const lines = { authorization: [authorization, authorization] };
      const reply = await sendHead(fixture.server, bare, BODY, lines);
      assert.deepEqual([reply.status, reply.code], [400, 'InvalidArgument']);
    });
  });

  test('BI-058 an expected bucket owner that is no account id is refused', async () => {
    const fixture = await use();
    await changesNothing(fixture, async () => {
      const headers = { 'x-amz-expected-bucket-owner': 'main' };
      const reply = await sendHead(fixture.server, putHead(fixture, { headers }), BODY);
      assert.deepEqual([reply.status, reply.code], [400, 'InvalidBucketOwnerAWSAccountID']);
    });
  });
});
