// PostObject: forms that are refused for what they say, and that they change nothing.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { putObject } from '../support/objects.js';
import { onEveryBackend, type Fixture } from '../support/operation-suite.js';
import {
  BOUNDARY,
  encodeForm,
  postBytes,
  postForm,
  signedParts,
  type FormInput,
} from '../support/post-form.js';
import { elementText, type RawReply } from '../support/raw-request.js';
import { headerSigned, querySigned, sendHead } from '../support/signed-request.js';
import { changesNothing } from '../support/store-state.js';
import { manyTags, taggingXml } from '../support/tags.js';

const STATUS: Readonly<Record<string, number>> = {
  AccessDenied: 403,
  InvalidAccessKeyId: 403,
  NoSuchBucket: 404,
  NotImplemented: 501,
  SignatureDoesNotMatch: 403,
};

type Case = readonly [
  id: string,
  what: string,
  input: FormInput | ((fixture: Fixture) => FormInput),
  code: string,
  message?: RegExp,
];

const SOON = new Date(Date.now() + 600_000).toISOString();
const without = (...names: readonly string[]): FormInput => ({
  unsigned: Object.fromEntries(names.map((name) => [name, undefined])),
});
const also = (condition: unknown): FormInput => ({ moreConditions: [condition] });
const scoped = (region: string, service: string, terminal: string, day?: string) => {
  const date = day ?? new Date().toISOString().slice(0, 10).replaceAll('-', '');
  return { credential: `TESTKEY/${date}/${region}/${service}/${terminal}` };
};
const DOCUMENT = 'InvalidPolicyDocument';

// prettier-ignore
const REFUSED: readonly Case[] = [
  // Who signed it.
  ['A23 BI-077', 'no signature fields and no policy', without('x-amz-algorithm', 'x-amz-credential', 'x-amz-date', 'x-amz-signature', 'policy'), 'AccessDenied'],
  ['A23 BI-077', 'a policy but no signature fields', without('x-amz-algorithm', 'x-amz-credential', 'x-amz-date', 'x-amz-signature'), 'AccessDenied'],
  ...['Algorithm', 'Credential', 'Date', 'Signature'].map((name): Case =>
    ['A23 BI-077', `no x-amz-${name.toLowerCase()}`, without(`x-amz-${name.toLowerCase()}`), 'InvalidArgument', new RegExp(`named 'X-Amz-${name}'\\. {2}If it`)]),
  ['A23 BI-077', 'no algorithm and no credential', without('x-amz-algorithm', 'x-amz-credential'), 'InvalidArgument', /named 'X-Amz-Algorithm'/],
  ['A23 BI-077', 'no policy', without('policy'), 'InvalidArgument', /named 'Policy'/],
  ['BI-078', 'another secret', { secret: 'another-secret' }, 'SignatureDoesNotMatch'],
  ['BI-078', 'a signature of other letters', { unsigned: { 'x-amz-signature': 'g'.repeat(64) } }, 'SignatureDoesNotMatch'],
  ['BI-078', 'an empty signature', { unsigned: { 'x-amz-signature': '' } }, 'SignatureDoesNotMatch'],
  ['BI-078', 'a policy that was changed', { unsigned: { policy: Buffer.from('{}').toString('base64') } }, 'SignatureDoesNotMatch'],
  ['BI-078', 'an unknown access key', { accessKey: 'NOBODY' }, 'InvalidAccessKeyId'],
  ['A23', 'another algorithm', { algorithm: 'AWS4-HMAC-SHA1' }, 'InvalidArgument'],
  ['A23', 'another region', scoped('eu-west-1', 's3', 'aws4_request'), 'InvalidArgument', /'eu-west-1' is wrong; expecting 'us-east-1'/],
  ['A23', 'another service', scoped('us-east-1', 'ec2', 'aws4_request'), 'InvalidArgument'],
  ['A23', 'another terminal', scoped('us-east-1', 's3', 'aws3_request'), 'InvalidArgument'],
  ['A23', 'a credential of another day', scoped('us-east-1', 's3', 'aws4_request', '20200101'), 'InvalidArgument'],
  ['A23', 'a credential of one part', { credential: 'TESTKEY' }, 'InvalidArgument'],
  ['A23', 'a date in another form', { date: '2026-01-15T12:00:00Z' }, 'InvalidArgument', /ISO8601 Long format/],
  ['A23', 'a session token', { fields: { 'x-amz-security-token': 'token' } }, 'InvalidToken'],
  ['BI-068', 'signature version 2', { unsigned: { AWSAccessKeyId: 'TESTKEY', signature: 'x' } }, 'InvalidRequest'],
  // Whether the policy is one.
  ['BI-072', 'an empty policy', { encodedPolicy: '' }, DOCUMENT],
  ['BI-072', 'a policy that is not base64', { encodedPolicy: '{"expiration":' }, DOCUMENT],
  ['BI-072', 'a policy that is not JSON', { policy: '{expiration' }, DOCUMENT, /Invalid JSON/],
  ['BI-072', 'a policy that is not UTF-8', { encodedPolicy: Buffer.from([0x22, 0xff, 0x22]).toString('base64') }, DOCUMENT, /Invalid JSON/],
  ['BI-072', 'a policy that is a list', { policy: [] }, DOCUMENT],
  ['BI-072', 'an unknown top-level field', { policy: { expiration: SOON, conditions: [], Statement: [] } }, DOCUMENT, /Unexpected: 'statement'/],
  ['BI-073', 'no expiration', { policy: { conditions: [] } }, DOCUMENT, /missing expiration/],
  ['BI-073', 'EXPIRATION', { policy: { EXPIRATION: SOON, conditions: [] } }, DOCUMENT],
  ...['2026-09-29 12:00:00Z', '2099-01-01T00:00:00+02:00', '2099-02-30T00:00:00Z', '2099-01-01', '4000000000', ''].map((expiration): Case =>
    ['BI-073', `expiration "${expiration}"`, { expiration }, DOCUMENT, /Invalid 'expiration' value/]),
  ['BI-073', 'an expiration that is a number', { policy: { expiration: 4e9, conditions: [] } }, DOCUMENT],
  ['BI-073', 'an expiration that is nested deeply', { policy: `{"expiration": ${'['.repeat(6000)}${']'.repeat(6000)}, "conditions": []}` }, DOCUMENT, /Invalid 'expiration' value/],
  ['BI-073', 'conditions that are nested deeply', { policy: `{"expiration": "${SOON}", "conditions": ${'['.repeat(6000)}${']'.repeat(6000)}}` }, DOCUMENT],
  ['BI-073', 'no conditions', { policy: { expiration: SOON } }, DOCUMENT, /missing conditions/],
  ['BI-073', 'conditions that are no list', { policy: { expiration: SOON, conditions: {} } }, DOCUMENT, /must be a List/],
  ['BI-073', 'a condition that is a text', also('eq'), DOCUMENT],
  ['BI-073', 'a condition without an operator', also([]), DOCUMENT, /missing operation identifier/],
  ['BI-073', 'an unknown operator', also(['ends-with', '$key', 'y']), DOCUMENT, /unknown operation 'ends-with'/],
  ['BI-073', 'eq with one argument', also(['eq', '$key']), DOCUMENT, /wrong number of arguments/],
  ['BI-073', 'eq with three arguments', also(['eq', '$key', 'key', 'x']), DOCUMENT],
  ['BI-073', 'eq with a number', also(['eq', '$key', 1]), DOCUMENT],
  ['BI-073', 'a simple condition with no field', also({}), DOCUMENT, /exactly one property/],
  ['BI-073', 'a simple condition with two fields', also({ key: 'key', acl: 'private' }), DOCUMENT, /exactly one property/],
  ['BI-073', 'a simple condition with a number', also({ 'Content-Length': 6 }), DOCUMENT, /value must be a string/],
  ['BI-073', 'a size range with one bound', also(['content-length-range', 0]), DOCUMENT],
  ['BI-073', 'a size range with a negative bound', also(['content-length-range', -1, 9]), DOCUMENT],
  ['BI-073', 'a size range with a fraction', also(['content-length-range', 0, 512.5]), DOCUMENT],
  ['A23', 'a size range of words', also(['content-length-range', 'few', '10']), 'AccessDenied', /Condition failed: \["content-length-range", "few", "10"\]/],
  // Whether it holds.
  ['A23 BI-074', 'a policy that expired', { expiration: '2020-01-01T00:00:00Z' }, 'AccessDenied', /Invalid according to Policy: Policy expired\./],
  ['A23 BI-075', 'another key', { unsigned: { key: 'other' } }, 'AccessDenied', /Policy Condition failed: \["eq", "\$key", "key"\]/],
  ['A23 BI-075', 'a key with another prefix', ({ bucket }) => ({ conditions: [{ bucket }, ['starts-with', '$key', 'user/']] }), 'AccessDenied', /\["starts-with", "\$key", "user\/"\]/],
  ['A23 BI-075', 'a key that the file name leads away', ({ bucket }) => ({ conditions: [{ bucket }, { key: '${filename}' }], key: '${filename}' }), 'AccessDenied'],
  ['A23 BI-075', 'a value in another case', { fields: { acl: 'private' }, unsigned: { acl: 'PRIVATE' } }, 'AccessDenied'],
  ['A23 BI-075', 'a name without $', also(['eq', 'key', 'key']), 'AccessDenied', /\["eq", "key", "key"\]/],
  ['A23 BI-075', 'a condition on a field that is not there', also(['starts-with', '$x-amz-meta-a', '']), 'AccessDenied'],
  ['A23 BI-075', 'one content type of two that the policy does not want', ({ bucket }) => ({ fields: { 'Content-Type': 'image/png,text/html' }, conditions: [{ bucket }, { key: 'key' }, ['starts-with', '$Content-Type', 'image/']] }), 'AccessDenied'],
  ['A26 BI-075', 'a field that no condition covers', { unsigned: { 'X-Amz-Meta-A': 'b' } }, 'AccessDenied', /Extra input fields: x-amz-meta-a$/],
  ['A26 BI-075', 'a checksum that no condition covers', { unsigned: { 'x-amz-checksum-crc32': 'AAAAAA==' } }, 'AccessDenied', /Extra input fields/],
  ['A26 BI-075', 'a policy without the bucket', { conditions: [{ key: 'key' }] }, 'AccessDenied', /Extra input fields: bucket/],
  ['A26 BI-075', 'a policy without conditions', { policy: { expiration: SOON, conditions: [] } }, 'AccessDenied', /Extra input fields/],
  ['BI-075', 'a policy of another bucket', { conditions: [{ bucket: 'another' }, { key: 'key' }] }, 'AccessDenied', /\["eq", "\$bucket", "another"\]/],
  ['BI-075', 'a bucket field of another bucket', { unsigned: { bucket: 'another' } }, 'AccessDenied'],
  ['A24 BI-076', 'a file that is too large', also(['content-length-range', 0, 6]), 'EntityTooLarge'],
  ['A24 BI-076', 'a file that is too small', also(['content-length-range', '8', '9']), 'EntityTooSmall'],
  ['A24 BI-076', 'a file that the second of two ranges refuses', { moreConditions: [['content-length-range', 0, 9], ['content-length-range', 8, 99]] }, 'EntityTooSmall'],
  // What it asks for.
  ['BI-071', 'no key', without('key'), 'InvalidArgument', /must contain a field named 'key'\. {2}If it/],
  ['BI-071', 'an empty key', { key: '' }, 'InvalidArgument', /length greater than 0/],
  ['BI-124', 'a key that is too long', { key: 'k'.repeat(1025) }, 'KeyTooLongError'],
  ['BI-124', 'a key that the file name makes too long', { key: '${filename}'.repeat(800), filename: 'n'.repeat(7000), conditions: [] }, 'KeyTooLongError'],
  ['BI-127', 'a key that climbs above its bucket', { key: '../key' }, 'InvalidURI'],
  ['A25', 'an unknown storage class', { fields: { 'x-amz-storage-class': 'FakeClass' } }, 'InvalidStorageClass'],
  ['A25', 'a public ACL', { fields: { acl: 'public-read' } }, 'AccessControlListNotSupported'],
  ['A25', 'an unknown ACL', { fields: { acl: 'everybody' } }, 'InvalidArgument'],
  ['A25 BI-175', 'eleven tags', { fields: { tagging: taggingXml(manyTags(11)) } }, 'BadRequest'],
  ['A25 BI-177', 'a tag twice', { fields: { tagging: taggingXml([['a', 'b'], ['a', 'c']]) } }, 'InvalidTag'],
  ['A25', 'tags that are no document', { fields: { tagging: 'a=b' } }, 'MalformedXML'],
  ['A25', 'tags as PutObject takes them', { fields: { 'x-amz-tagging': 'a=b' } }, 'NotImplemented'],
  ['A25', 'an offset', { fields: { 'x-amz-write-offset-bytes': '4' } }, 'NotImplemented'],
  ['A25', 'encryption', { fields: { 'x-amz-server-side-encryption': 'AES256' } }, 'NotImplemented'],
  ['A25', 'a line end in a header', { fields: { 'Content-Type': 'a\r\nset-cookie: b' } }, 'InvalidArgument'],
  ['A25', 'too much metadata', { fields: { 'x-amz-meta-a': 'b'.repeat(3000) } }, 'MetadataTooLarge'],
];

function assertRefused(reply: RawReply, code: string, message: RegExp = /./): void {
  assert.deepEqual([reply.status, reply.code], [STATUS[code] ?? 400, code], reply.text);
  assert.match(elementText(reply.text, 'Message') ?? '', message);
  assert(!reply.text.includes('test-secret-key'), 'no secret in an answer');
}

onEveryBackend('PostObject refusals', (use) => {
  for (const [id, what, input, code, message] of REFUSED) {
    test(`${id} a form with ${what} is ${code}`, async () => {
      const fixture = await use();
      const { server, bucket } = fixture;
      await putObject(fixture, 'key', 'kept');
      await changesNothing(fixture, async () => {
        const form = typeof input === 'function' ? input(fixture) : input;
        assertRefused(await postForm(server, bucket, form), code, message);
      });
    });
  }

  test('A23 names and operators may have any case, values what JSON and policies escape', async () => {
    const { server, bucket } = await use();
    const policy = `{"expiration": "${SOON.slice(0, 19)}Z", "conditions": [
      {"bUcKeT": "${bucket}"}, ["StArTs-WiTh", "$KeY", "\\$foo"], {"aCl": "private"},
      ["EQ", "$x-AMZ-algorithm", "AWS4-HMAC-SHA256"], ["starts-with", "$X-Amz-Credential", ""],
      ["starts-with", "$x-amz-date", ""], ["Content-Length-Range", 7, "7"]]}`;
    const reply = await postForm(server, bucket, {
      policy,
      key: '$foo.txt',
      unsigned: { aCL: 'private', 'X-IGNORE-this': 'x', 'x-ignore-that': 'y' },
    });
    assert.equal(reply.status, 204, reply.text);
  });

  test('A24 the details of a size that is refused', async () => {
    const { server, bucket } = await use();
    const range = ['content-length-range', 5, 10];
    const large = await postForm(server, bucket, { ...also(range), file: 'x'.repeat(12) });
    assert.equal(elementText(large.text, 'ProposedSize'), '12');
    assert.equal(elementText(large.text, 'MaxSizeAllowed'), '10');
    const small = await postForm(server, bucket, { ...also(range), file: 'x' });
    assert.equal(elementText(small.text, 'ProposedSize'), '1');
    assert.equal(elementText(small.text, 'MinSizeAllowed'), '5');
    for (const file of ['x'.repeat(5), 'x'.repeat(10)]) {
      assert.equal((await postForm(server, bucket, { ...also(range), file })).status, 204);
    }
  });

  test('BI-076 a large file is cut off where it is too large', async () => {
    const fixture = await use();
    const { server, bucket } = fixture;
    await changesNothing(fixture, async () => {
      const file = Buffer.alloc(400_000, 'x');
      const reply = await postForm(server, bucket, {
        ...also(['content-length-range', 0, 300_000]),
        file,
      });
      assertRefused(reply, 'EntityTooLarge');
    });
  });

  test('BI-078 the details of a signature that does not match', async () => {
    const { server, bucket } = await use();
    const parts = signedParts(server, bucket, { secret: 'another-secret' });
    const reply = await postBytes(server, bucket, encodeForm(parts));
    const value = (name: string) => parts.find((part) => part.name === name)?.content;
    assert.equal(elementText(reply.text, 'StringToSign'), value('policy'));
    assert.equal(elementText(reply.text, 'SignatureProvided'), value('x-amz-signature'));
    assert.equal(elementText(reply.text, 'AWSAccessKeyId'), server.accessKey);
  });

  test('A18 BI-056 a form that is signed in its header or query too is InvalidArgument', async () => {
    const fixture = await use();
    const { server, bucket } = fixture;
    const body = encodeForm(signedParts(server, bucket));
    await changesNothing(fixture, async () => {
      for (const sign of [headerSigned, querySigned]) {
        const head = sign(server, {
          method: 'POST',
          rawPath: `/${bucket}`,
          payloadHash: 'UNSIGNED-PAYLOAD',
          headers: { 'content-type': `multipart/form-data; boundary=${BOUNDARY}` },
        });
        assertRefused(await sendHead(server, head, body), 'InvalidArgument', /Only one auth/);
      }
    });
  });

  test('E10 a form for the bucket of another account is AccessDenied', async () => {
    const fixture = await use();
    await changesNothing(fixture, async () => {
      assertRefused(await postForm(fixture.server.stranger, fixture.bucket), 'AccessDenied');
    });
  });

  test('E09 a form for a bucket that does not exist is NoSuchBucket, if it is signed', async () => {
    const { server } = await use();
    assertRefused(await postForm(server, 'missing'), 'NoSuchBucket');
    assertRefused(await postForm(server, 'missing', { secret: 'x' }), 'SignatureDoesNotMatch');
  });

  test('E11 a form posted to the URL of an object is MethodNotAllowed', async () => {
    const fixture = await use();
    const { server, bucket } = fixture;
    await changesNothing(fixture, async () => {
      const body = encodeForm(signedParts(server, bucket));
      const reply = await postBytes(server, `${bucket}/key`, body);
      assert.deepEqual([reply.status, reply.code], [405, 'MethodNotAllowed']);
      assert.equal(elementText(reply.text, 'ResourceType'), 'OBJECT');
    });
  });
});
