// A bucket is the one that was authorised: not one of a similar name, and not a later one.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { test } from 'node:test';

import { RawClient } from '../contract/raw-client.js';
import { contentsOf, putObject, textOf } from '../support/objects.js';
import { onEveryBackend } from '../support/operation-suite.js';
import { rawRequest } from '../support/raw-request.js';
import { headerSigned, sha256Hex } from '../support/signed-request.js';

/** The same name to whoever keeps only the low byte of each character. */
function sameLowBytes(name: string): string {
  const shifted = Array.from(name, (letter) => String.fromCharCode(letter.charCodeAt(0) + 0x100));
  return encodeURIComponent(shifted.join(''));
}

onEveryBackend('Bucket identity', (use) => {
  for (const [method, path, query] of [
    ['HEAD', '', undefined],
    ['GET', '', 'list-type=2'],
    ['DELETE', '', undefined],
    ['GET', '/key', undefined],
    ['PUT', '/key', undefined],
    ['DELETE', '/key', undefined],
    ['POST', '/key', 'uploads='],
  ] as const) {
    test(`BI-122 ${method} of ${path || 'a bucket'} ${query ?? ''} takes no other name for the bucket's`, async () => {
      const fixture = await use();
      await putObject(fixture, 'key', 'content');
      const body = method === 'PUT' ? { body: Buffer.alloc(100_000) } : {};
      const reply = await fixture.raw({
        ...{ method, path: `/${sameLowBytes(fixture.bucket)}${path}`, ...body },
        ...(query === undefined ? {} : { query }),
      });
      assert.deepEqual([reply.status, reply.code], [404, method === 'HEAD' ? '' : 'NoSuchBucket']);
      assert.equal(await textOf(fixture, 'key'), 'content');
    });
  }

  test('BI-033 DeleteObjects leaves alone a bucket that changed hands while the list arrived', async () => {
    const fixture = await use();
    const { server } = fixture;
    const bucket = `${fixture.bucket}-changing`;
    assert.equal((await rawRequest(server.stranger, create(bucket))).status, 200);
    const slow = await beginDelete(server.stranger, bucket, 'key');
    const removal = { method: 'DELETE', path: `/${bucket}` };
    assert.equal((await rawRequest(server.stranger, removal)).status, 204);
    assert.equal((await fixture.raw(create(bucket))).status, 200);
    await putObject({ ...fixture, bucket }, 'key', 'content');
    const before = await contentsOf({ ...fixture, bucket });

    const answer = await slow.finish();
    assert.equal(answer?.status, 403);
    assert.match(answer.body.toString(), /<Code>AccessDenied</);
    assert.deepEqual(await contentsOf({ ...fixture, bucket }), before);
  });

  test('D06 DeleteObjects whose list arrives slowly deletes in the bucket it was sent to', async () => {
    const fixture = await use();
    await putObject(fixture, 'key', 'content');
    const slow = await beginDelete(fixture.server, fixture.bucket, 'key');
    const answer = await slow.finish();
    assert.equal(answer?.status, 200);
    assert.deepEqual(await contentsOf(fixture), []);
  });
});

function create(bucket: string) {
  return { method: 'PUT', path: `/${bucket}` };
}

/** Sends a DeleteObjects request but for its last byte, which `finish` sends. */
async function beginDelete(
  signer: Parameters<typeof headerSigned>[0],
  bucket: string,
  key: string,
) {
  const body = `<Delete><Object><Key>${key}</Key></Object></Delete>`;
  const { headers } = headerSigned(signer, {
    method: 'POST',
    rawPath: `/${bucket}`,
    rawQuery: 'delete=',
    payloadHash: sha256Hex(body),
    headers: { 'content-md5': createHash('md5').update(body).digest('base64') },
  });
  const lines = [...headers, ['content-length', String(body.length)]].map((line) =>
    line.join(': '),
  );
  const client = await RawClient.open(signer.port);
  client.send([`POST /${bucket}?delete= HTTP/1.1`, ...lines, '', body.slice(0, -1)].join('\r\n'));
  // Nothing tells when the head has been judged; too early makes the test easier, not flaky.
  await sleep(50);
  return {
    finish: async () => {
      client.send(body.slice(-1));
      const answer = await client.answer();
      client.destroy();
      return answer;
    },
  };
}
