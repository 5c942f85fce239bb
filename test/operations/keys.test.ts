// Keys that break servers, through every way in and out.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import {
  CopyObjectCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  ListObjectsV2Command,
} from '@aws-sdk/client-s3';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';

import {
  bytesOf,
  contentsOf,
  pathOf,
  putObject,
  textOf,
  uploadInParts,
} from '../support/objects.js';
import { onEveryBackend, type Fixture } from '../support/operation-suite.js';
import { elementText, elementTexts } from '../support/raw-request.js';
import { headerSigned, sendHead, sha256Hex } from '../support/signed-request.js';
import { taggingXml, tagsOf } from '../support/tags.js';

const KEYS: readonly string[] = [
  ...['a//b', '/a', 'a/', '.', 'a/../b', 'a/./b', '%', '%2F', 'a+b', 'a b', 'a%20b', '?', '#'],
  ...["&=;:@$,!*'()", '"', '<>', '\\', '😀', 'é', 'e\u0301', '\uffff', '\u202e', 'A', 'a'],
  ...['k'.repeat(1024), `${'d/'.repeat(511)}é`, 'metadata.json', 'data', '.s3ish', 'uploads'],
  ...['health', '_health', 'parity.0', '.multipart', 'con', 'a/data', '//', ' ', '__proto__'],
];
// XML 1.0 cannot hold these, so listings show them with encoding-type=url only.
const CONTROLS = ['\u0001', 'a\u001fb', '\t', '\n', '\r\n', '\u007f'];

onEveryBackend('Keys', (use) => {
  test('K01 K02 K03 BI-125 BI-126 BI-128 BI-133 BI-134 all keys coexist and are listed exactly', async () => {
    const fixture = await use();
    const { client, bucket } = fixture;
    for (const [index, key] of KEYS.entries()) await putObject(fixture, key, `content ${index}`);
    for (const [index, key] of KEYS.entries()) {
      assert.equal(await textOf(fixture, key), `content ${index}`, key);
      const head = await fixture.raw({ method: 'HEAD', path: pathOf(bucket, key) });
      assert.equal(head.headers['content-length'], `${`content ${index}`.length}`, key);
    }
    const plain = await client.send(new ListObjectsV2Command({ Bucket: bucket }));
    assert.deepEqual(
      plain.Contents?.map(({ Key }) => Key),
      // U+FFFF is no character of XML: without encoding-type=url it cannot be shown.
      sorted(KEYS).map((key) => key.replaceAll('\uffff', '\ufffd')),
    );
    assert.deepEqual(await decodedList(fixture), sorted(KEYS));
  });

  test('K01 BI-129 BI-130 control characters are exact with encoding-type=url', async () => {
    const fixture = await use();
    for (const key of CONTROLS) await putRaw(fixture, key, key);
    assert.deepEqual(await decodedList(fixture), sorted(CONTROLS));
    for (const key of CONTROLS) {
      const reply = await fixture.raw({ method: 'GET', path: pathOf(fixture.bucket, key) });
      assert.equal(reply.text, key);
    }
  });

  test('K01 all keys go through tags, copy, multipart, presigned URLs and delete', async () => {
    const fixture = await use();
    const { client, bucket } = fixture;
    for (const [index, key] of KEYS.entries()) {
      await uploadInParts(fixture, key, [Buffer.from(`part ${index}`)]);
      assert.equal(await textOf(fixture, key), `part ${index}`, key);
      const tagging = { method: 'PUT', path: pathOf(bucket, key), query: 'tagging=' };
      await fixture.raw({ ...tagging, body: taggingXml([['index', `${index}`]]) });
      assert.deepEqual((await tagsOf(fixture, key)).pairs, [['index', `${index}`]], key);
      const get = new GetObjectCommand({ Bucket: bucket, Key: key });
      // fetch would resolve dot segments, so the request goes out as it was signed.
      const { pathname, search } = splitUrl(await getSignedUrl(client, get));
      const request = { method: 'GET', path: pathname, query: search, isAnonymous: true };
      const presigned = await fixture.raw(request);
      assert.equal(presigned.text, `part ${index}`, `${key} ${pathname}`);
      const source = `${bucket}/${encodeURIComponent(key)}`;
      const copied = { Bucket: bucket, Key: 'copy', CopySource: source };
      await client.send(new CopyObjectCommand(copied));
      assert.equal(await textOf(fixture, 'copy'), `part ${index}`, key);
      await client.send(new DeleteObjectCommand({ Bucket: bucket, Key: key }));
      const [left] = await contentsOf(fixture);
      assert.match(left ?? '', /^copy /, key);
      assert.equal((await contentsOf(fixture)).length, 1, key);
    }
  });

  test('K02 a, a/ and a/b have contents of their own, also when one of them goes', async () => {
    const fixture = await use();
    for (const key of ['a/b', 'a', 'a/'])
      await putObject(fixture, key, Buffer.from(key.repeat(5000)));
    for (const gone of ['a', 'a/b']) {
      await fixture.raw({ method: 'DELETE', path: pathOf(fixture.bucket, gone) });
    }
    assert.equal(await textOf(fixture, 'a/'), 'a/'.repeat(5000));
    assert.equal((await contentsOf(fixture)).length, 1);
  });

  test('K04 BI-024 BI-025 BI-026 BI-129 paths that are no text are InvalidURI', async () => {
    const fixture = await use();
    const escapes = ['%00', 'a%00b', '%FF', '%C0%AF', '%ED%A0%80', '%', '%2', '%zz', '%E2%82'];
    for (const escape of escapes) {
      const path = `/${fixture.bucket}/${escape}`;
      const reply = await fixture.raw({ method: 'PUT', path, body: 'x' });
      assert.deepEqual([reply.status, reply.code], [400, 'InvalidURI'], escape);
    }
    assert.deepEqual(await contentsOf(fixture), []);
  });

  test('K04 BI-127 keys that climb above their bucket are 400 and touch nothing', async () => {
    const fixture = await use();
    await putObject(fixture, 'key', 'kept');
    for (const key of ['..', '../x', 'a/../../b', '../../etc/passwd', '/..', './../x', 'a/../..']) {
      for (const method of ['PUT', 'GET', 'HEAD', 'DELETE']) {
        const reply = await fixture.raw({ method, path: pathOf(fixture.bucket, key) });
        assert.equal(reply.status, 400, `${method} ${key}`);
      }
    }
    assert.equal((await contentsOf(fixture)).length, 1);
  });

  test('E18 BI-124 a key of more than 1024 bytes is KeyTooLongError', async () => {
    const fixture = await use();
    for (const key of ['k'.repeat(1025), '€'.repeat(342)]) {
      const path = pathOf(fixture.bucket, key);
      const reply = await fixture.raw({ method: 'PUT', path, body: 'x' });
      assert.deepEqual([reply.status, reply.code], [400, 'KeyTooLongError']);
      assert.equal(elementText(reply.text, 'Size'), String(Buffer.byteLength(key)));
      assert.equal(elementText(reply.text, 'MaxSizeAllowed'), '1024');
    }
    await putRaw(fixture, `${'€'.repeat(341)}k`, 'longest');
    assert.equal((await contentsOf(fixture)).length, 1);
  });

  test('K05 BI-135 a folder marker is an object, empty or not, and lists under its prefix', async () => {
    const fixture = await use();
    await putObject(fixture, 'full/', 'content');
    await putObject(fixture, 'empty/', '');
    assert.equal(await textOf(fixture, 'full/'), 'content');
    assert.equal((await bytesOf(fixture, 'empty/')).byteLength, 0);
    const path = `/${fixture.bucket}`;
    const inside = await fixture.raw({
      method: 'GET',
      path,
      query: 'delimiter=%2F&prefix=full%2F',
    });
    assert.deepEqual(elementTexts(inside.text, 'Key'), ['full/']);
    const above = await fixture.raw({ method: 'GET', path, query: 'delimiter=%2F' });
    assert.deepEqual(elementTexts(above.text, 'Key'), []);
  });

  test('K06 BI-131 BI-132 + is a plus in paths and a space in queries; %2F is a slash', async () => {
    const fixture = await use();
    const { bucket } = fixture;
    await putRaw(fixture, 'a+b', 'plus');
    await putRaw(fixture, 'a b', 'space');
    const { client } = fixture;
    assert.equal(await textOf({ client, bucket }, 'a+b'), 'plus');
    assert.equal(await textOf({ client, bucket }, 'a b'), 'space');
    for (const [prefix, keys] of [
      ['a%20', ['a b']],
      ['a%2B', ['a+b']],
    ] as const) {
      const query = `prefix=${prefix}`;
      const list = await fixture.raw({ method: 'GET', path: `/${bucket}`, query });
      assert.deepEqual(elementTexts(list.text, 'Key'), keys, prefix);
    }
    // Signed as the space that it is.
    const signed = { method: 'GET', rawPath: `/${bucket}`, rawQuery: 'prefix=a%20' };
    const sent = { ...headerSigned(fixture.server, signed), rawQuery: 'prefix=a+' };
    const list = await sendHead(fixture.server, sent);
    assert.deepEqual(elementTexts(list.text, 'Key'), ['a b']);
    const payloadHash = sha256Hex('slash');
    const put = headerSigned(fixture.server, {
      rawPath: `/${bucket}/c/d`,
      payloadHash,
      method: 'PUT',
    });
    const slash = await sendHead(fixture.server, { ...put, rawPath: `/${bucket}/c%2Fd` }, 'slash');
    assert.equal(slash.status, 200, slash.text);
    assert.equal(await textOf({ client, bucket }, 'c/d'), 'slash');
  });
});

function sorted(keys: readonly string[]): string[] {
  return [...keys].sort((one, other) => Buffer.compare(Buffer.from(one), Buffer.from(other)));
}

async function decodedList({ raw, bucket }: Fixture): Promise<string[]> {
  const query = 'encoding-type=url&list-type=2';
  const list = await raw({ method: 'GET', path: `/${bucket}`, query });
  return elementTexts(list.text, 'Key').map(decodeURIComponent);
}

async function putRaw(fixture: Fixture, key: string, body: string): Promise<void> {
  const reply = await fixture.raw({ method: 'PUT', path: pathOf(fixture.bucket, key), body });
  assert.equal(reply.status, 200, reply.text);
}

function splitUrl(url: string): { readonly pathname: string; readonly search: string } {
  const [, pathname = '', search = ''] = /^http:\/\/[^/]+([^?]*)\?(.*)$/.exec(url) ?? [];
  return { pathname, search };
}
