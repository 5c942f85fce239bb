// What a PUT says about its object, over HTTP: stored headers, user metadata, and what is refused.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { contentsOf } from '../support/objects.js';
import { onEveryBackend, type Fixture } from '../support/operation-suite.js';
import { elementText, type RawReply } from '../support/raw-request.js';

type Headers = Readonly<Record<string, string>>;

onEveryBackend('PutObject headers', (use) => {
  test('G22 G24 headers that describe the object come back as they were', async () => {
    const fixture = await use();
    const headers = {
      'content-type': 'text/plain; charset=utf-8',
      'cache-control': 'max-age=60, public',
      'content-disposition': 'attachment; filename="a b.txt"',
      'content-encoding': 'gzip',
      'content-language': 'de, en',
      expires: 'not a date at all',
      'x-amz-website-redirect-location': 'https://example.com/x',
      'x-amz-storage-class': 'STANDARD_IA',
    };
    const { get, head } = await store(fixture, headers);
    for (const [name, value] of Object.entries(headers)) {
      assert.equal(get.headers[name], value);
      assert.equal(head.headers[name], value);
    }
  });

  test('G21 ASCII user metadata is untouched and names are lower-case', async () => {
    const fixture = await use();
    const { get } = await store(fixture, {
      'x-amz-meta-Plain': 'a=b; "c" <d>',
      'X-AMZ-META-SHOUT': 'Value',
      'x-amz-meta-__proto__': 'own',
      'x-amz-meta-empty': '',
    });
    assert.equal(get.headers['x-amz-meta-plain'], 'a=b; "c" <d>');
    assert.equal(get.headers['x-amz-meta-shout'], 'Value');
    assert.equal(get.headers['x-amz-meta-__proto__'], 'own');
    assert.equal(get.headers['x-amz-meta-empty'], '');
  });

  test('G21 other user metadata comes back as RFC 2047 words of its UTF-8', async () => {
    const fixture = await use();
    // Text that begins and ends in ASCII: uWebSockets.js cuts other bytes off the ends of a value.
    for (const text of ['aüb', 'a ü b', '<日本語>', '.😀.', '=?x?= ü.']) {
      const { get } = await store(fixture, { 'x-amz-meta-text': text });
      const shown = String(get.headers['x-amz-meta-text']);
      assert.match(shown, /^=\?UTF-8\?[QB]\?[!-~]+\?=$/);
      assert.equal(decodeWord(shown), text);
      const again = await store(fixture, { 'x-amz-meta-text': shown });
      assert.equal(again.get.headers['x-amz-meta-text'], shown, 'what came back can be sent again');
    }
  });

  test('G21 BI-027 user metadata that is not UTF-8 is 400 and stores nothing', async () => {
    const fixture = await use();
    const reply = await fixture.raw({
      ...{ method: 'PUT', path: `/${fixture.bucket}/key`, body: 'x' },
      headers: { 'x-amz-meta-text': 'a\ufffdb' },
      headerBytes: { 'x-amz-meta-text': Buffer.from([0x61, 0xff, 0x62]) },
    });
    assert.equal(reply.status, 400);
    assert.deepEqual(await contentsOf(fixture), []);
  });

  test('E17 BI-174 user metadata of more than 2048 bytes is MetadataTooLarge', async () => {
    const fixture = await use();
    const most = { 'x-amz-meta-a': 'v'.repeat(1000), 'x-amz-meta-bc': 'v'.repeat(1045) };
    const { get } = await store(fixture, most);
    assert.equal(get.headers['x-amz-meta-bc'], 'v'.repeat(1045));
    for (const more of [
      { 'x-amz-meta-bcd': 'v'.repeat(1045) },
      { 'x-amz-meta-a': `.${'ü'.repeat(520)}.` },
    ]) {
      const reply = await put(fixture, { ...most, ...more }, 'other');
      assert.deepEqual([reply.status, reply.code], [400, 'MetadataTooLarge']);
      assert.equal(elementText(reply.text, 'MaxSizeAllowed'), '2048');
    }
    assert.equal((await contentsOf(fixture)).length, 1);
  });

  test('G24 a PUT drops what the object before it had', async () => {
    const fixture = await use();
    await store(fixture, { 'x-amz-meta-a': '1', 'cache-control': 'no-store' });
    const { get } = await store(fixture, {});
    assert.equal(get.headers['x-amz-meta-a'], undefined);
    assert.equal(get.headers['cache-control'], undefined);
    assert.equal(get.headers['content-type'], 'binary/octet-stream');
  });

  test('X11 E06 BI-179 BI-180 BI-181 BI-182 BI-184 what cannot be honoured is refused and stores nothing', async () => {
    const fixture = await use();
    const date = '2099-01-01T00:00:00Z';
    const cases: readonly [headers: Headers, status: number, code: string][] = [
      [{ 'x-amz-storage-class': 'CHEAP' }, 400, 'InvalidStorageClass'],
      [{ 'x-amz-acl': 'everyone' }, 400, 'InvalidArgument'],
      [{ 'x-amz-acl': 'public-read' }, 400, 'AccessControlListNotSupported'],
      [{ 'x-amz-acl': 'private', 'x-amz-grant-read': 'id=1' }, 400, 'InvalidRequest'],
      [{ 'x-amz-grant-read': 'id=1' }, 400, 'AccessControlListNotSupported'],
      [{ 'x-amz-server-side-encryption': 'AES256' }, 501, 'NotImplemented'],
      [{ 'x-amz-server-side-encryption': 'aws:kms' }, 501, 'NotImplemented'],
      [{ 'x-amz-server-side-encryption-customer-algorithm': 'AES256' }, 501, 'NotImplemented'],
      [{ 'x-amz-website-redirect-location': 'ftp://x' }, 400, 'InvalidRedirectLocation'],
      [{ 'x-amz-object-lock-mode': 'GOVERNANCE' }, 501, 'NotImplemented'],
      [{ 'x-amz-object-lock-retain-until-date': date }, 501, 'NotImplemented'],
      [{ 'x-amz-object-lock-legal-hold': 'ON' }, 501, 'NotImplemented'],
    ];
    for (const [headers, status, code] of cases) {
      const reply = await put(fixture, headers);
      assert.deepEqual([reply.status, reply.code], [status, code], JSON.stringify(headers));
    }
    assert.deepEqual(await contentsOf(fixture), []);
    const accepted = {
      'x-amz-acl': 'bucket-owner-full-control',
      'x-amz-storage-class': 'STANDARD',
    };
    assert.equal((await put(fixture, accepted)).status, 200);
  });

  test('BI-182 encryption headers on a read are refused', async () => {
    const fixture = await use();
    await store(fixture, {});
    for (const name of [
      'x-amz-server-side-encryption',
      'x-amz-server-side-encryption-customer-key',
    ]) {
      const path = `/${fixture.bucket}/key`;
      const reply = await fixture.raw({ method: 'GET', path, headers: { [name]: 'x' } });
      assert.deepEqual([reply.status, reply.code], [501, 'NotImplemented'], name);
    }
  });
});

function put(fixture: Fixture, headers: Headers, key = 'key'): Promise<RawReply> {
  return fixture.raw({
    method: 'PUT',
    path: `/${fixture.bucket}/${key}`,
    headers,
    body: 'content',
  });
}

async function store(fixture: Fixture, headers: Headers) {
  const reply = await put(fixture, headers);
  assert.equal(reply.status, 200, reply.text);
  const path = `/${fixture.bucket}/key`;
  const get = await fixture.raw({ method: 'GET', path });
  return { get, head: await fixture.raw({ method: 'HEAD', path }) };
}

function decodeWord(word: string): string {
  const [, encoding, text = ''] = /^=\?UTF-8\?([QB])\?(.*)\?=$/.exec(word) ?? [];
  if (encoding === 'B') return Buffer.from(text, 'base64').toString();
  return decodeURIComponent(text.replaceAll('%', '%25').replaceAll('_', ' ').replaceAll('=', '%'));
}
