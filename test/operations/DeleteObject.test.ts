// DeleteObject over HTTP: what it removes, and what it refuses to.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';

import { BODIES, contentsOf, putObject, textOf } from '../support/objects.js';
import { onEveryBackend, type Fixture } from '../support/operation-suite.js';
import { elementText } from '../support/raw-request.js';

const BODY = 'content';
const ETAG = `"${createHash('md5').update(BODY).digest('hex')}"`;
const OTHER = '"00000000000000000000000000000000"';
const UNKNOWN_VERSION = 'a'.repeat(32);

type Headers = Readonly<Record<string, string>>;

onEveryBackend('DeleteObject', (use) => {
  for (const [placement, body] of BODIES) {
    test(`D01 DeleteObject removes an ${placement} object and answers 204 without a body`, async () => {
      const fixture = await use();
      await putObject(fixture, 'kept', BODY);
      await putObject(fixture, 'key', body);
      const reply = await remove(fixture, 'key');
      assert.equal(reply.status, 204);
      assert.equal(reply.body.byteLength, 0);
      assert.equal(reply.headers['content-type'], undefined);
      const path = `/${fixture.bucket}/key`;
      assert.equal((await fixture.raw({ method: 'GET', path })).code, 'NoSuchKey');
      assert.deepEqual(await contentsOf(fixture), [`kept ${ETAG} 7`]);
      const counters = fixture.server.store.bucketCounters(fixture.bucket);
      assert.deepEqual(counters, { objectCount: 1, objectBytes: 7, uploadCount: 0 });
    });
  }

  test('D01 DeleteObject of an absent key is 204', async () => {
    const fixture = await use();
    assert.equal((await remove(fixture, 'absent')).status, 204);
    await putObject(fixture, 'key', BODY);
    assert.equal((await remove(fixture, 'key')).status, 204);
    assert.equal((await remove(fixture, 'key')).status, 204);
  });

  test('E09 BI-122 DeleteObject in a missing bucket is NoSuchBucket', async () => {
    const fixture = await use();
    const bucket = `${fixture.bucket}-absent`;
    const reply = await remove({ ...fixture, bucket }, 'key');
    assert.deepEqual([reply.status, reply.code], [404, 'NoSuchBucket']);
    assert.equal(elementText(reply.text, 'BucketName'), bucket);
  });

  test('G15 DeleteObject by version id null removes the only version', async () => {
    const fixture = await use();
    await putObject(fixture, 'key', BODY);
    assert.equal((await remove(fixture, 'key', {}, 'versionId=null')).status, 204);
    assert.deepEqual(await contentsOf(fixture), []);
  });

  test('G15 BI-192 DeleteObject by another version id removes nothing', async () => {
    const fixture = await use();
    await putObject(fixture, 'key', BODY);
    const cases: readonly [id: string, status: number, code: string][] = [
      [UNKNOWN_VERSION, 404, 'NoSuchVersion'],
      ['x', 400, 'InvalidArgument'],
      ['', 400, 'InvalidArgument'],
    ];
    for (const [id, status, code] of cases) {
      const reply = await remove(fixture, 'key', {}, `versionId=${id}`);
      assert.deepEqual([reply.status, reply.code], [status, code], id);
    }
    assert.equal(await textOf(fixture, 'key'), BODY);
  });

  test('W08 DeleteObject with a failing If-Match is PreconditionFailed', async () => {
    const fixture = await use();
    await putObject(fixture, 'key', BODY);
    for (const etag of [OTHER, `W/${ETAG}`, '""']) {
      const reply = await remove(fixture, 'key', { 'if-match': etag });
      assert.deepEqual([reply.status, reply.code], [412, 'PreconditionFailed'], etag);
      assert.equal(elementText(reply.text, 'Condition'), 'If-Match');
    }
    assert.equal(await textOf(fixture, 'key'), BODY);
  });

  test('W08 DeleteObject with a right If-Match removes the object', async () => {
    const fixture = await use();
    for (const etag of [ETAG, ETAG.slice(1, -1), '*']) {
      await putObject(fixture, 'key', BODY);
      assert.equal((await remove(fixture, 'key', { 'if-match': etag })).status, 204, etag);
      assert.deepEqual(await contentsOf(fixture), []);
    }
  });

  test('W08 DeleteObject of an absent key with If-Match is 204', async () => {
    const fixture = await use();
    assert.equal((await remove(fixture, 'absent', { 'if-match': ETAG })).status, 204);
  });

  test('W09 BI-182 DeleteObject refuses what it would have to ignore', async () => {
    const fixture = await use();
    await putObject(fixture, 'key', BODY);
    const cases: readonly Headers[] = [
      { 'x-amz-if-match-size': '7' },
      { 'x-amz-if-match-last-modified-time': new Date().toUTCString() },
      { 'x-amz-bypass-governance-retention': 'true' },
      { 'x-amz-mfa': 'serial 123456' },
      { 'if-none-match': '*' },
    ];
    for (const headers of cases) {
      const reply = await remove(fixture, 'key', headers);
      const [name = ''] = Object.keys(headers);
      assert.deepEqual([reply.status, reply.code], [501, 'NotImplemented'], name);
      assert.equal(elementText(reply.text, 'Header')?.toLowerCase(), name);
    }
    assert.equal(await textOf(fixture, 'key'), BODY);
  });

  test('W12 of many conditional deletes and writes of one content exactly one succeeds', async () => {
    const fixture = await use();
    const path = `/${fixture.bucket}/key`;
    for (let round = 0; round < 10; round += 1) {
      await putObject(fixture, 'key', BODY);
      const headers = { 'if-match': ETAG };
      const writes = Array.from({ length: 8 }, (_, index) =>
        fixture.raw({ method: 'PUT', path, headers, body: `writer ${index}` }),
      );
      const deletes = Array.from({ length: 8 }, () => remove(fixture, 'key', headers));
      const written = (await Promise.all(writes)).filter(({ status }) => status === 200).length;
      const refused = (await Promise.all(deletes)).filter(({ status }) => status === 412).length;
      // A delete that finds nothing is content with that, so only the writers can be counted.
      assert.ok(written <= 1);
      assert.equal(written === 1, refused === 8, 'the winner is a writer or a delete, never both');
      assert.equal((await contentsOf(fixture)).length, written);
    }
  });
});

function remove(fixture: Fixture, key: string, headers: Headers = {}, query?: string) {
  const request = { method: 'DELETE', path: `/${fixture.bucket}/${key}`, headers };
  return fixture.raw(query === undefined ? request : { ...request, query });
}
