// DeleteObjects over HTTP: every key gets its own answer, and what is wrong as a whole removes
// nothing.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';

import { DeleteObjectsCommand } from '@aws-sdk/client-s3';

import { contentsOf, putObject } from '../support/objects.js';
import { onEveryBackend, type Fixture } from '../support/operation-suite.js';
import { elementText, elementTexts, rawRequest } from '../support/raw-request.js';

const BODY = 'content';
const ETAG = `"${createHash('md5').update(BODY).digest('hex')}"`;
const NAMESPACE = 'xmlns="http://s3.amazonaws.com/doc/2006-03-01/"';
const UNKNOWN_VERSION = 'a'.repeat(32);

onEveryBackend('DeleteObjects', (use) => {
  test('D06 DeleteObjects reports existing and absent keys as deleted, in order', async () => {
    const fixture = await use();
    for (const key of ['a', 'b', 'c']) await putObject(fixture, key, BODY);
    const { client, bucket } = fixture;
    const Objects = ['c', 'absent', 'a'].map((Key) => ({ Key }));
    const answer = await client.send(
      new DeleteObjectsCommand({ Bucket: bucket, Delete: { Objects } }),
    );
    assert.deepEqual(
      answer.Deleted?.map(({ Key }) => Key),
      ['c', 'absent', 'a'],
    );
    assert.equal(answer.Errors, undefined);
    assert.deepEqual(await contentsOf(fixture), [`b ${ETAG} 7`]);
    assert.equal(fixture.server.store.bucketCounters(bucket).objectCount, 1);
  });

  test('D06 a quiet DeleteObjects shows errors alone', async () => {
    const fixture = await use();
    await putObject(fixture, 'a', BODY);
    const reply = await removeAll(
      fixture,
      `<Delete><Quiet>true</Quiet>${entry('a')}${entry('b', UNKNOWN_VERSION)}</Delete>`,
    );
    assert.equal(reply.status, 200, reply.text);
    assert.doesNotMatch(reply.text, /<Deleted>/);
    assert.deepEqual(elementTexts(reply.text, 'Key'), ['b']);
    assert.deepEqual(await contentsOf(fixture), []);
    const silent = await removeAll(fixture, `<Delete><Quiet>true</Quiet>${entry('a')}</Delete>`);
    assert.match(silent.text, /<DeleteResult [^>]*(\/>|><\/DeleteResult>)$/);
  });

  test('D06 DeleteObjects answers each version id apart', async () => {
    const fixture = await use();
    for (const key of ['a', 'b', 'c']) await putObject(fixture, key, BODY);
    const reply = await removeAll(
      fixture,
      `<Delete>${entry('a', UNKNOWN_VERSION)}${entry('b', 'null')}${entry('c', 'x')}</Delete>`,
    );
    assert.equal(reply.status, 200, reply.text);
    assert.deepEqual(elementTexts(reply.text, 'Code'), ['NoSuchVersion', 'InvalidArgument']);
    assert.match(reply.text, /<Deleted><Key>b<\/Key><VersionId>null<\/VersionId><\/Deleted>/);
    assert.deepEqual(await contentsOf(fixture), [`a ${ETAG} 7`, `c ${ETAG} 7`]);
  });

  test('W08 DeleteObjects checks the ETag of each entry', async () => {
    const fixture = await use();
    for (const key of ['a', 'b']) await putObject(fixture, key, BODY);
    const reply = await removeAll(
      fixture,
      `<Delete><Object><Key>a</Key><ETag>${ETAG}</ETag></Object>` +
        '<Object><Key>b</Key><ETag>"other"</ETag></Object></Delete>',
    );
    assert.equal(reply.status, 200, reply.text);
    assert.deepEqual(elementTexts(reply.text, 'Code'), ['PreconditionFailed']);
    assert.deepEqual(await contentsOf(fixture), [`b ${ETAG} 7`]);
  });

  test('W09 DeleteObjects does not ignore conditions on size and date', async () => {
    const fixture = await use();
    await putObject(fixture, 'a', BODY);
    const date = '<LastModifiedTime>Wed, 21 Oct 2015 07:28:00 GMT</LastModifiedTime>';
    for (const condition of ['<Size>7</Size>', date]) {
      const body = `<Delete><Object><Key>a</Key>${condition}</Object></Delete>`;
      const reply = await removeAll(fixture, body);
      assert.deepEqual([reply.status, reply.code], [501, 'NotImplemented'], condition);
    }
    assert.deepEqual(await contentsOf(fixture), [`a ${ETAG} 7`]);
  });

  test('E06 DeleteObjects refuses headers that it would have to ignore', async () => {
    const fixture = await use();
    await putObject(fixture, 'a', BODY);
    for (const name of ['x-amz-mfa', 'x-amz-bypass-governance-retention']) {
      const headers = { ...md5Of(DELETE_A), [name]: 'true' };
      const reply = await removeAll(fixture, DELETE_A, headers);
      assert.deepEqual([reply.status, reply.code], [501, 'NotImplemented'], name);
      assert.equal(elementText(reply.text, 'Header'), name);
    }
    assert.deepEqual(await contentsOf(fixture), [`a ${ETAG} 7`]);
  });

  test('D05 BI-111 DeleteObjects needs a digest of its body', async () => {
    const fixture = await use();
    await putObject(fixture, 'a', BODY);
    const bare = await removeAll(fixture, DELETE_A, {});
    assert.deepEqual([bare.status, bare.code], [400, 'InvalidRequest']);
    const cases: readonly [headers: Readonly<Record<string, string>>, code: string][] = [
      [{ 'content-md5': digestOf('md5', 'other') }, 'BadDigest'],
      [{ 'content-md5': 'x' }, 'InvalidDigest'],
      [{ 'x-amz-checksum-sha256': digestOf('sha256', 'other') }, 'BadDigest'],
      [{ 'x-amz-checksum-sha256': 'x' }, 'InvalidRequest'],
    ];
    for (const [headers, code] of cases) {
      const reply = await removeAll(fixture, DELETE_A, headers);
      assert.deepEqual([reply.status, reply.code], [400, code], JSON.stringify(headers));
    }
    assert.deepEqual(await contentsOf(fixture), [`a ${ETAG} 7`]);
    const sha256 = { 'x-amz-checksum-sha256': digestOf('sha256', DELETE_A) };
    assert.equal((await removeAll(fixture, DELETE_A, sha256)).status, 200);
    assert.deepEqual(await contentsOf(fixture), []);
  });

  test('D05 BI-109 BI-112 DeleteObjects takes 1000 keys, equal ones too, and no more', async () => {
    const fixture = await use();
    for (const key of ['a', 'k0', 'k999']) await putObject(fixture, key, BODY);
    const many = Array.from({ length: 1001 }, (_, index) => entry(`k${index}`));
    const tooMany = await removeAll(fixture, `<Delete>${many.join('')}</Delete>`);
    assert.deepEqual([tooMany.status, tooMany.code], [400, 'MalformedXML']);
    assert.equal((await contentsOf(fixture)).length, 3);
    const most = await removeAll(fixture, `<Delete>${many.slice(0, 1000).join('')}</Delete>`);
    assert.equal(elementTexts(most.text, 'Key').length, 1000);
    const equal = await removeAll(fixture, `<Delete>${entry('a').repeat(1000)}</Delete>`);
    assert.equal(equal.status, 200);
    assert.deepEqual(new Set(elementTexts(equal.text, 'Key')), new Set(['a']));
    assert.deepEqual(await contentsOf(fixture), []);
  });

  test('BI-108 1000 keys of 1024 bytes that need escapes fit into one DeleteObjects', async () => {
    const fixture = await use();
    const keys = Array.from({ length: 1000 }, (_, index) => `${index}`.padEnd(1020, 'k') + '<&>"');
    await putObject(fixture, keys[999] ?? '', BODY);
    const body = `<Delete>${keys.map((key) => entry(escape(key))).join('')}</Delete>`;
    const reply = await removeAll(fixture, body);
    assert.equal(reply.status, 200, reply.text.slice(0, 300));
    assert.deepEqual(await contentsOf(fixture), []);
    const padded = `<Delete><!--${' '.repeat(2 * 1024 * 1024)}-->${entry('a')}</Delete>`;
    const long = await removeAll(fixture, padded);
    assert.deepEqual([long.status, long.code], [400, 'MaxMessageLengthExceeded']);
  });

  test('BI-113 a key that cannot exist fails alone', async () => {
    const fixture = await use();
    await putObject(fixture, 'a', BODY);
    const long = 'k'.repeat(1025);
    const reply = await removeAll(fixture, `<Delete>${entry(long)}${entry('a')}</Delete>`);
    assert.equal(reply.status, 200, reply.text);
    assert.deepEqual(elementTexts(reply.text, 'Code'), ['KeyTooLongError']);
    assert.match(reply.text, new RegExp(`<Error><Key>${long}</Key>`));
    assert.deepEqual(await contentsOf(fixture), []);
  });

  test('BI-099 BI-103 BI-110 a malformed DeleteObjects removes nothing', async () => {
    const fixture = await use();
    await putObject(fixture, 'a', BODY);
    const bodies: readonly [body: string, code: string][] = [
      ['', 'MissingRequestBodyError'],
      ['<Delete/>', 'MalformedXML'],
      ['<Delete></Delete>', 'MalformedXML'],
      [`<Delete>${entry('a')}`, 'MalformedXML'],
      [`${DELETE_A}x`, 'MalformedXML'],
      [`<Remove>${entry('a')}</Remove>`, 'MalformedXML'],
      [`<Delete>${entry('a')}<Object/></Delete>`, 'MalformedXML'],
      [`<Delete>${entry('a')}${entry('')}</Delete>`, 'MalformedXML'],
      [`<Delete><Quiet>perhaps</Quiet>${entry('a')}</Delete>`, 'MalformedXML'],
      [`<!DOCTYPE Delete>${DELETE_A}`, 'MalformedXML'],
      ['{"Objects":[{"Key":"a"}]}', 'MalformedXML'],
    ];
    for (const [body, code] of bodies) {
      const reply = await removeAll(fixture, body);
      assert.deepEqual([reply.status, reply.code], [400, code], body);
    }
    assert.deepEqual(await contentsOf(fixture), [`a ${ETAG} 7`]);
  });

  test('E13 BI-105 DeleteObjects takes namespaces, comments and elements it does not know', async () => {
    const fixture = await use();
    for (const key of ['a', 'b']) await putObject(fixture, key, BODY);
    const reply = await removeAll(
      fixture,
      `<?xml version="1.0" encoding="UTF-8"?>\n<!-- c --><Delete ${NAMESPACE}>\n <Novelty>1</Novelty>` +
        '<Object><Key><![CDATA[a]]></Key><Novelty/></Object> <Object>\n<Key>&#98;</Key></Object></Delete>\n',
    );
    assert.equal(reply.status, 200, reply.text);
    assert.deepEqual(elementTexts(reply.text, 'Key'), ['a', 'b']);
    assert.deepEqual(await contentsOf(fixture), []);
  });

  test('D07 DeleteObjects takes keys that XML must escape', async () => {
    const fixture = await use();
    const keys = ['<a>&"\'', 'a\tb', 'a\nb', 'a\rb', ' a ', 'é😀', 'a+b%20c', ']]>', 'x/../y'];
    for (const key of keys) await putObject(fixture, key, BODY);
    const body = `<Delete>${keys.map((key) => entry(escape(key))).join('')}</Delete>`;
    const reply = await removeAll(fixture, body);
    assert.equal(reply.status, 200, reply.text);
    assert.deepEqual(elementTexts(reply.text, 'Key'), keys);
    assert.deepEqual(await contentsOf(fixture), []);
  });

  test('BI-122 DeleteObjects in a missing bucket is NoSuchBucket', async () => {
    const fixture = await use();
    const bucket = `${fixture.bucket}-absent`;
    const reply = await removeAll({ ...fixture, bucket }, 'not even XML');
    assert.deepEqual([reply.status, reply.code], [404, 'NoSuchBucket']);
  });

  test('D06 DeleteObjects of another account removes nothing', async () => {
    const fixture = await use();
    await putObject(fixture, 'a', BODY);
    const reply = await rawRequest(fixture.server.stranger, {
      method: 'POST',
      path: `/${fixture.bucket}`,
      query: 'delete',
      headers: md5Of(DELETE_A),
      body: DELETE_A,
    });
    assert.deepEqual([reply.status, reply.code], [403, 'AccessDenied']);
    assert.deepEqual(await contentsOf(fixture), [`a ${ETAG} 7`]);
  });
});

const DELETE_A = `<Delete>${entry('a')}</Delete>`;

function entry(keyXml: string, versionId?: string): string {
  const version = versionId === undefined ? '' : `<VersionId>${versionId}</VersionId>`;
  return `<Object><Key>${keyXml}</Key>${version}</Object>`;
}

function escape(text: string): string {
  return text.replace(/[<>&\r\n\t]/g, (character) => `&#${character.charCodeAt(0)};`);
}

function digestOf(algorithm: string, text: string): string {
  return createHash(algorithm).update(text).digest('base64');
}

function md5Of(body: string): Readonly<Record<string, string>> {
  return { 'content-md5': digestOf('md5', body) };
}

function removeAll(
  fixture: Fixture,
  body: string,
  headers: Readonly<Record<string, string>> = md5Of(body),
) {
  const path = `/${fixture.bucket}`;
  return fixture.raw({ method: 'POST', path, query: 'delete', headers, body });
}
