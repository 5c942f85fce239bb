/**
 * Signature Version 2 over HTTP: switched on, and switched off as it is by default.
 */

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';

import { onEveryBackend, type Fixture } from '../support/operation-suite.js';
import { elementText, elementTexts, type RawReply } from '../support/raw-request.js';
import { withHeaders, type Head } from '../support/signed-head.js';
import { signedHeadV2, type HeadV2Input } from '../support/signed-head-v2.js';
import { amzTimestamp, sendHead, sha256Hex } from '../support/signed-request.js';
import { changesNothing } from '../support/store-state.js';

const BODY = 'a body signed with version 2';

/** A head that puts BODY when nothing is wrong with it. */
function putHead({ server, bucket }: Fixture, input: Partial<HeadV2Input> = {}): Head {
  const { accessKey, secretKey: secret } = server;
  const headers = { date: new Date().toUTCString(), ...input.headers };
  const place = { method: 'PUT', rawPath: `/${bucket}/key` };
  return signedHeadV2({ accessKey, secret, ...place, ...input, headers });
}

function send(fixture: Fixture, input: Partial<HeadV2Input>, body?: string): Promise<RawReply> {
  return sendHead(fixture.server, putHead(fixture, input), body);
}

type Make = (fixture: Fixture) => Head;
type Case = readonly [id: string, what: string, make: Make, code: string];

const signed = (input: Partial<HeadV2Input>) => (fixture: Fixture) => putHead(fixture, input);
const changed = (changes: Readonly<Record<string, string | undefined>>) => (fixture: Fixture) =>
  withHeaders(putHead(fixture), changes);
const at = (ms: number) => signed({ headers: { date: new Date(ms).toUTCString() } });
const claimed = (edit: (authorization: string) => string) => (fixture: Fixture) => {
  const head = putHead(fixture);
  return withHeaders(head, { authorization: edit(head.headers.get('authorization') ?? '') });
};

// prettier-ignore
const REFUSED: readonly Case[] = [
  ['BI-037', 'no colon', claimed((text) => text.replace(':', '')), 'InvalidArgument'],
  ['BI-037', 'no access key', claimed((text) => text.replace('TESTKEY', '')), 'InvalidArgument'],
  ['BI-037', 'no signature', claimed((text) => text.replace(/:.*/, ':')), 'InvalidArgument'],
  ['BI-037', 'a signature that is not base64', claimed((text) => `${text}%`), 'InvalidArgument'],
  ['A07 BI-046', 'an unknown access key', signed({ accessKey: 'NOBODY' }), 'InvalidAccessKeyId'],
  ['A06 BI-047', 'another secret', signed({ secret: 'another-secret' }), 'SignatureDoesNotMatch'],
  ['A06 BI-047', 'the right signature cut short', claimed((text) => text.slice(0, -2)), 'SignatureDoesNotMatch'],
  ['BI-048', 'no date', changed({ date: undefined }), 'AccessDenied'],
  ['BI-049', 'an unparsable date', signed({ headers: { date: 'noon' } }), 'AccessDenied'],
  ['BI-049', 'an unparsable x-amz-date beside a date', signed({ headers: { 'x-amz-date': 'noon' } }), 'AccessDenied'],
  ['A08 BI-050', 'a clock 16 minutes behind', at(Date.now() - 16 * 60_000), 'RequestTimeTooSkewed'],
  ['A08 BI-050', 'a clock 16 minutes ahead', at(Date.now() + 16 * 60_000), 'RequestTimeTooSkewed'],
  ['A05 BI-055', 'an x-amz-* header added', changed({ 'x-amz-meta-a': '1' }), 'SignatureDoesNotMatch'],
  ['A05 BI-055', 'an x-amz-* header changed', (fixture) => withHeaders(putHead(fixture, { headers: { 'x-amz-meta-a': '1' } }), { 'x-amz-meta-a': '2' }), 'SignatureDoesNotMatch'],
  ['A05', 'a Content-Type added', changed({ 'content-type': 'text/html' }), 'SignatureDoesNotMatch'],
  ['A05', 'a Content-MD5 added', changed({ 'content-md5': md5(BODY) }), 'SignatureDoesNotMatch'],
  ['A05', 'an x-amz-date added', changed({ 'x-amz-date': amzTimestamp() }), 'SignatureDoesNotMatch'],
  ['A01', 'another path than was signed', (fixture) => ({ ...putHead(fixture), rawPath: `/${fixture.bucket}/other` }), 'SignatureDoesNotMatch'],
  ['A02', 'a sub-resource that was not signed', (fixture) => ({ ...putHead(fixture), rawQuery: 'tagging' }), 'SignatureDoesNotMatch'],
  ['A02', 'a part number that was not signed', (fixture) => ({ ...putHead(fixture), rawQuery: 'uploadId=1&partNumber=1' }), 'SignatureDoesNotMatch'],
  ['A02', 'a value that reads like a parameter', signed({ rawQuery: 'response-content-type=a%26versionId=1' }), 'InvalidRequest'],
  ['A06', 'another method than was signed', (fixture) => ({ ...putHead(fixture, { method: 'POST' }), method: 'PUT' }), 'SignatureDoesNotMatch'],
  ['A07 BI-057', 'a session token', signed({ headers: { 'x-amz-security-token': 't' } }), 'InvalidToken'],
  ['A18', 'the algorithm of version 4 in the query', signed({ rawQuery: 'X-Amz-Algorithm=AWS4-HMAC-SHA256' }), 'InvalidArgument'],
  ['A18', 'an expiry of version 4 in the query', signed({ rawQuery: 'X-Amz-Expires=60' }), 'InvalidArgument'],
  ['A18', 'a header of version 4 in the query', signed({ rawQuery: 'x-amz-acl=private' }), 'InvalidArgument'],
  ['A18', 'a signature of version 2 in the query as well', signed({ rawQuery: 'AWSAccessKeyId=TESTKEY&Signature=c2ln&Expires=9' }), 'InvalidArgument'],
  ['A18', 'the chunk signatures of version 4', signed({ headers: { 'x-amz-content-sha256': 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD' } }), 'InvalidRequest'],
  ['A19 BI-054', 'the hash of another body', signed({ headers: { 'x-amz-content-sha256': sha256Hex('other') } }), 'XAmzContentSHA256Mismatch'],
  ['C15', 'the MD5 of another body', signed({ headers: { 'content-md5': md5('other') } }), 'BadDigest'],
];

const FORBIDDEN = new Set([
  ...['AccessDenied', 'InvalidAccessKeyId', 'RequestTimeTooSkewed', 'SignatureDoesNotMatch'],
]);

function md5(text: string): string {
  return createHash('md5').update(text).digest('base64');
}

const SWITCHED_ON = { isSignatureV2Offered: true };

onEveryBackend(
  'signature version 2, on,',
  (use) => {
    for (const [id, what, make, code] of REFUSED) {
      test(`${id} a PUT signed in version 2 with ${what} is ${code}`, async () => {
        const fixture = await use();
        await changesNothing(fixture, async () => {
          const reply = await sendHead(fixture.server, make(fixture), BODY);
          const status = FORBIDDEN.has(code) ? 403 : 400;
          assert.deepEqual([reply.status, reply.code], [status, code], reply.text);
          assert(!reply.text.includes(fixture.server.secretKey));
        });
      });
    }

    test('BI-037 what version 2 signs is stored, read, listed, copied and deleted', async () => {
      const fixture = await use();
      const { bucket } = fixture;
      const headers = { 'content-md5': md5(BODY), 'x-amz-meta-note': 'kept' };
      const stored = await send(fixture, { headers }, BODY);
      assert.deepEqual([stored.status, stored.headers['content-length']], [200, '0'], stored.text);
      const source = { 'x-amz-copy-source': `/${bucket}/key` };
      const copied = await send(fixture, { rawPath: `/${bucket}/copy`, headers: source });
      assert.equal(copied.status, 200, copied.text);
      const read = await send(fixture, { method: 'GET', rawPath: `/${bucket}/copy` });
      assert.deepEqual([read.text, read.headers['x-amz-meta-note']], [BODY, 'kept']);
      const rawQuery = 'list-type=2&prefix=';
      const list = await send(fixture, { method: 'GET', rawPath: `/${bucket}/`, rawQuery });
      assert.deepEqual(elementTexts(list.text, 'Key'), ['copy', 'key']);
      const document = '<Delete><Object><Key>copy</Key></Object></Delete>';
      const several = { method: 'POST', rawPath: `/${bucket}/`, rawQuery: 'delete' };
      const digest = { 'content-md5': md5(document) };
      const deleted = await send(fixture, { ...several, headers: digest }, document);
      assert.deepEqual(elementTexts(deleted.text, 'Key'), ['copy'], deleted.text);
      const last = await send(fixture, { method: 'DELETE' });
      assert.equal(last.status, 204, last.text);
    });

    test('M01 an upload in parts is signed with its sub-resources', async () => {
      const fixture = await use();
      const begun = await send(fixture, { method: 'POST', rawQuery: 'uploads' });
      const uploadId = elementText(begun.text, 'UploadId') ?? '';
      const rawQuery = `uploadId=${encodeURIComponent(uploadId)}&partNumber=1`;
      const part = await send(fixture, { rawQuery }, BODY);
      assert.equal(part.status, 200, part.text);
      const document =
        '<CompleteMultipartUpload><Part><PartNumber>1</PartNumber>' +
        `<ETag>${part.headers.etag ?? ''}</ETag></Part></CompleteMultipartUpload>`;
      const whole = { method: 'POST', rawQuery: `uploadId=${encodeURIComponent(uploadId)}` };
      const completed = await send(fixture, whole, document);
      assert.equal(completed.status, 200, completed.text);
      assert.equal((await send(fixture, { method: 'GET' })).text, BODY);
    });

    test('G12 response-* overrides are signed decoded', async () => {
      const fixture = await use();
      await send(fixture, {}, BODY);
      const rawQuery = 'response-content-type=text%2Fplain%3B%20charset%3Dutf-8';
      const read = await send(fixture, { method: 'GET', rawQuery });
      assert.equal(read.headers['content-type'], 'text/plain; charset=utf-8', read.text);
      const other = { ...putHead(fixture, { method: 'GET' }), rawQuery };
      assert.equal((await sendHead(fixture.server, other)).code, 'SignatureDoesNotMatch');
    });

    for (const [what, name, format] of [
      ['Date of HTTP', 'date', (ms: number) => new Date(ms).toUTCString()],
      [
        'Date with a numeric zone',
        'date',
        (ms: number) => new Date(ms).toUTCString().replace('GMT', '+0000'),
      ],
      ['x-amz-date of HTTP', 'x-amz-date', (ms: number) => new Date(ms).toUTCString()],
      ['x-amz-date of ISO 8601', 'x-amz-date', (ms: number) => amzTimestamp(ms)],
    ] as const) {
      test(`A08 a ${what} up to 15 minutes away is the time of the request`, async () => {
        const fixture = await use();
        for (const minutes of [-14, 0, 14]) {
          const headers = { [name]: format(Date.now() + minutes * 60_000) };
          const reply = await send(fixture, { headers }, BODY);
          assert.equal(reply.status, 200, reply.text);
        }
      });
    }

    test('A01 the path is signed in the escapes that were sent', async () => {
      const fixture = await use();
      for (const name of ['a%20b', 'a+b', '%c3%a9', '%C3%A9', 'a//b', 'a%2Fb', 'a/../b', '!$(']) {
        const rawPath = `/${fixture.bucket}/${name}`;
        const stored = await send(fixture, { rawPath }, name);
        assert.equal(stored.status, 200, stored.text);
        const read = await send(fixture, { method: 'GET', rawPath });
        assert.equal(read.text, name);
      }
    });

    test('A03 copies of a repeated header are joined with a comma and no space', async () => {
      const fixture = await use();
      const head = putHead(fixture, { headers: { 'x-amz-meta-a': 'one,two' } });
      const good = await sendHead(fixture.server, head, BODY, { 'x-amz-meta-a': ['one', 'two'] });
      assert.equal(good.status, 200, good.text);
      const swapped = await sendHead(fixture.server, head, BODY, {
        'x-amz-meta-a': ['two', 'one'],
      });
      assert.equal(swapped.code, 'SignatureDoesNotMatch');
    });

    test('A06 A28 a wrong signature is explained without the secret', async () => {
      const fixture = await use();
      const { server, bucket } = fixture;
      const headers = { 'x-amz-date': amzTimestamp(), 'x-amz-meta-a': '1' };
      const head = putHead(fixture, { headers, secret: 'another-secret' });
      const { text } = await sendHead(server, head, BODY);
      const signedText = `PUT\n\n\n\nx-amz-date:${headers['x-amz-date']}\nx-amz-meta-a:1\n/${bucket}/key`;
      assert.equal(elementText(text, 'StringToSign'), signedText);
      const hex = (elementText(text, 'StringToSignBytes') ?? '').replaceAll(' ', '');
      assert.equal(Buffer.from(hex, 'hex').toString(), signedText);
      assert.equal(elementText(text, 'AWSAccessKeyId'), server.accessKey);
      assert.equal(
        `AWS ${server.accessKey}:${elementText(text, 'SignatureProvided')}`,
        head.headers.get('authorization'),
      );
      assert(!text.includes(server.secretKey));
    });

    test('E05 a sub-resource that version 2 does not cover asks for version 4', async () => {
      const fixture = await use();
      for (const rawQuery of ['attributes', 'encryption', 'ownershipControls']) {
        const isObject = rawQuery === 'attributes';
        const rawPath = isObject ? `/${fixture.bucket}/key` : `/${fixture.bucket}`;
        const reply = await send(fixture, { method: 'GET', rawPath, rawQuery });
        assert.deepEqual([reply.status, reply.code], [400, 'InvalidRequest'], reply.text);
        assert.match(reply.text, /Please use AWS4-HMAC-SHA256/);
      }
    });

    test('A22 the key of another account opens nothing with version 2', async () => {
      const fixture = await use();
      const { accessKey, secretKey: secret } = fixture.server.stranger;
      await changesNothing(fixture, async () => {
        const reply = await send(fixture, { accessKey, secret }, BODY);
        assert.deepEqual([reply.status, reply.code], [403, 'AccessDenied']);
      });
    });

    test('A20 version 4 works beside version 2', async () => {
      const { raw, bucket } = await use();
      const reply = await raw({ method: 'PUT', path: `/${bucket}/key`, body: BODY });
      assert.equal(reply.status, 200, reply.text);
    });

    test('BI-068 a URL presigned in version 2 is refused all the same', async () => {
      const { server, bucket } = await use();
      const url = `${server.endpoint}/${bucket}/key?AWSAccessKeyId=TESTKEY&Signature=c2ln&Expires=9`;
      const reply = await fetch(url);
      assert.equal(reply.status, 400);
      assert.match(await reply.text(), /<Code>InvalidRequest<.*Please use AWS4-HMAC-SHA256/);
    });
  },
  {},
  SWITCHED_ON,
);

onEveryBackend('signature version 2, off,', (use) => {
  test('BI-037 a right signature of version 2 is refused, with a hint to version 4', async () => {
    const fixture = await use();
    await changesNothing(fixture, async () => {
      const reply = await send(fixture, {}, BODY);
      assert.deepEqual([reply.status, reply.code], [400, 'InvalidRequest']);
      assert.equal(
        elementText(reply.text, 'Message'),
        'The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.',
      );
    });
  });
});
