// Conditional PutObject over HTTP: who may write, and that a refused write changes nothing.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { test } from 'node:test';

import { BODIES, bytesOf, contentsOf, putObject, textOf } from '../support/objects.js';
import { onEveryBackend, type Fixture } from '../support/operation-suite.js';
import { elementText, rawRequest } from '../support/raw-request.js';
import { s3Client } from '../support/s3-client.js';
import { startServer } from '../support/server.js';

const OLD = 'the old content';
const OLD_ETAG = `"${createHash('md5').update(OLD).digest('hex')}"`;
const OTHER = '"00000000000000000000000000000000"';
const WRITERS = 32;

type Conditions = Readonly<Record<string, string>>;

onEveryBackend('PutObject with conditions', (use) => {
  test('W01 BI-146 If-None-Match * writes a new key and refuses an existing one', async () => {
    const fixture = await use();
    const conditions = { 'if-none-match': '*' };
    assert.equal((await write(fixture, 'key', conditions)).status, 200);
    const again = await write(fixture, 'key', conditions);
    assert.deepEqual([again.status, again.code], [412, 'PreconditionFailed']);
    assert.equal(elementText(again.text, 'Condition'), 'If-None-Match');
    const path = `/${fixture.bucket}/key`;
    assert.equal((await fixture.raw({ method: 'DELETE', path })).status, 204);
    assert.equal((await write(fixture, 'key', conditions)).status, 200, 'a deleted key is absent');
  });

  test('W02 BI-149 If-None-Match with an ETag is NotImplemented', async () => {
    const fixture = await use();
    for (const value of [OLD_ETAG, OTHER, 'x']) {
      const reply = await write(fixture, 'key', { 'if-none-match': value });
      assert.deepEqual([reply.status, reply.code], [501, 'NotImplemented'], value);
      assert.equal(elementText(reply.text, 'Header'), 'If-None-Match');
    }
  });

  test('W03 W05 If-Match writes over the object it names, with and without quotes', async () => {
    const fixture = await use();
    for (const etag of [OLD_ETAG, OLD_ETAG.slice(1, -1)]) {
      await putObject(fixture, 'key', OLD);
      const reply = await write(fixture, 'key', { 'if-match': etag });
      assert.equal(reply.status, 200, reply.text);
      assert.equal(await textOf(fixture, 'key'), 'new');
    }
  });

  test('W03 BI-144 If-Match with another ETag is PreconditionFailed', async () => {
    const fixture = await use();
    await putObject(fixture, 'key', OLD);
    for (const etag of [OTHER, `W/${OLD_ETAG}`, '""', 'x']) {
      const reply = await write(fixture, 'key', { 'if-match': etag });
      assert.deepEqual([reply.status, reply.code], [412, 'PreconditionFailed'], etag);
      assert.equal(elementText(reply.text, 'Condition'), 'If-Match');
    }
    assert.equal(await textOf(fixture, 'key'), OLD);
  });

  test('W03 BI-148 If-Match of a missing key is NoSuchKey', async () => {
    const fixture = await use();
    const reply = await write(fixture, 'absent', { 'if-match': OLD_ETAG });
    assert.deepEqual([reply.status, reply.code], [404, 'NoSuchKey']);
    assert.equal(elementText(reply.text, 'Key'), 'absent');
    assert.deepEqual(await contentsOf(fixture), []);
  });

  test('W03 If-Match * is NotImplemented', async () => {
    const fixture = await use();
    await putObject(fixture, 'key', OLD);
    const reply = await write(fixture, 'key', { 'if-match': '*' });
    assert.deepEqual([reply.status, reply.code], [501, 'NotImplemented']);
    assert.equal(elementText(reply.text, 'Header'), 'If-Match');
  });

  test('W04 both conditions at once are NotImplemented', async () => {
    const fixture = await use();
    await putObject(fixture, 'key', OLD);
    const reply = await write(fixture, 'key', { 'if-match': OLD_ETAG, 'if-none-match': '*' });
    assert.deepEqual([reply.status, reply.code], [501, 'NotImplemented']);
    assert.equal(elementText(reply.text, 'Header'), 'If-Match,If-None-Match');
    assert.equal(await textOf(fixture, 'key'), OLD);
  });

  test('W09 conditions on size and date are NotImplemented', async () => {
    const fixture = await use();
    await putObject(fixture, 'key', OLD);
    for (const header of ['x-amz-if-match-size', 'x-amz-if-match-last-modified-time']) {
      const reply = await write(fixture, 'key', { [header]: '15' });
      assert.deepEqual([reply.status, reply.code], [501, 'NotImplemented'], header);
      assert.equal(elementText(reply.text, 'Header'), header);
    }
    assert.equal(await textOf(fixture, 'key'), OLD);
  });

  test('W12 BI-147 of many writers that demand a new key exactly one succeeds', async () => {
    const fixture = await use();
    for (let round = 0; round < 10; round += 1) {
      const key = `key-${round}`;
      const replies = await Promise.all(
        Array.from({ length: WRITERS }, (_, index) =>
          write(fixture, key, { 'if-none-match': '*' }, `writer ${index}`),
        ),
      );
      const winners = replies.flatMap(({ status }, index) => (status === 200 ? [index] : []));
      assert.equal(winners.length, 1);
      for (const { status } of replies) assert.ok([200, 409, 412].includes(status), `${status}`);
      assert.equal(await textOf(fixture, key), `writer ${winners[0]}`);
    }
  });

  test('W12 of many writers that replace the same content exactly one succeeds', async () => {
    const fixture = await use();
    await putObject(fixture, 'key', OLD);
    const replies = await Promise.all(
      Array.from({ length: WRITERS }, (_, index) =>
        write(fixture, 'key', { 'if-match': OLD_ETAG }, `writer ${index}`),
      ),
    );
    assert.equal(replies.filter(({ status }) => status === 200).length, 1);
  });

  for (const [placement, body] of BODIES) {
    test(`W13 W14 a refused write of an ${placement} body changes nothing and can be repeated`, async () => {
      const fixture = await use();
      await putObject(fixture, 'key', OLD, { Metadata: { colour: 'blue' } });
      await settled(fixture);
      const before = await stateOf(fixture);
      const refused: readonly Conditions[] = [
        { 'if-none-match': '*' },
        { 'if-match': OTHER },
        { 'if-match': '*' },
        { 'if-match': OLD_ETAG, 'if-none-match': '*' },
      ];
      for (const conditions of refused) {
        assert.ok((await write(fixture, 'key', conditions, body)).status > 400);
      }
      assert.deepEqual(await stateOf(fixture), before);
      assert.equal((await write(fixture, 'key', { 'if-match': OLD_ETAG }, body)).status, 200);
      assert.deepEqual(await bytesOf(fixture, 'key'), body, 'the connection is usable');
    });
  }
});

test('W12 over several processes exactly one writer of a new key succeeds', async (context) => {
  const server = await startServer({ processes: 3 });
  context.after(() => server.stop());
  const client = s3Client(server);
  context.after(() => {
    client.destroy();
  });
  await rawRequest(server, { method: 'PUT', path: '/bucket' });
  for (let round = 0; round < 10; round += 1) {
    const path = `/bucket/key-${round}`;
    const headers = { 'if-none-match': '*' };
    const replies = await Promise.all(
      Array.from({ length: WRITERS }, (_, index) =>
        rawRequest(server, { method: 'PUT', path, headers, body: `writer ${index}` }),
      ),
    );
    const winners = replies.flatMap(({ status }, index) => (status === 200 ? [index] : []));
    assert.equal(winners.length, 1);
    for (const { status } of replies) assert.ok([200, 409, 412].includes(status), `${status}`);
    const text = await textOf({ client, bucket: 'bucket' }, `key-${round}`);
    assert.equal(text, `writer ${winners[0]}`);
  }
});

function write(
  fixture: Fixture,
  key: string,
  headers: Conditions,
  body: string | Uint8Array = 'new',
) {
  return fixture.raw({ method: 'PUT', path: `/${fixture.bucket}/${key}`, headers, body });
}

/** Everything a refused write must leave as it was. */
async function stateOf(fixture: Fixture) {
  const { server, bucket } = fixture;
  const head = await fixture.raw({ method: 'HEAD', path: `/${bucket}/key` });
  return {
    contents: await contentsOf(fixture),
    text: await textOf(fixture, 'key'),
    modified: head.headers['last-modified'],
    colour: head.headers['x-amz-meta-colour'],
    counters: server.store.bucketCounters(bucket),
    files: await filesOf(server.basePath),
  };
}

/** Names of payload files; those of the metadata change by themselves. */
async function filesOf(basePath: string): Promise<readonly string[]> {
  const entries = await readdir(basePath, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile() && !entry.parentPath.includes('metadata'))
    .map((entry) => `${entry.parentPath}/${entry.name}`)
    .sort();
}

/** Waits until the deletions of earlier tests have reached the disk. */
async function settled({ server }: Fixture): Promise<void> {
  let files = await filesOf(server.basePath);
  for (let calm = 0; calm < 3;) {
    await new Promise((resolve) => setTimeout(resolve, 20));
    const now = await filesOf(server.basePath);
    calm = now.length === files.length ? calm + 1 : 0;
    files = now;
  }
}
