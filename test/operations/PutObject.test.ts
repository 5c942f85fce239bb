// PutObject over HTTP: how a plain body is framed and measured.

import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { test } from 'node:test';

import { GetObjectCommand } from '@aws-sdk/client-s3';

import { RawClient } from '../contract/raw-client.js';
import {
  BACKENDS,
  INLINE_BYTES_MAX,
  startInProcessServer,
  type InProcessServer,
} from '../support/in-process-server.js';
import { onEveryBackend, type Fixture } from '../support/operation-suite.js';
import { elementText, rawRequest } from '../support/raw-request.js';
import { headerSigned, sendHead, sha256Hex, wireHead } from '../support/signed-request.js';
import type { Head } from '../support/signed-head.js';
import { changesNothing } from '../support/store-state.js';

const BODY = randomBytes(INLINE_BYTES_MAX + 1);

function putHead(
  { server, bucket }: Fixture,
  payloadHash: string,
  headers: Record<string, string> = {},
): Head {
  const rawPath = `/${bucket}/key`;
  return headerSigned(server, { method: 'PUT', rawPath, payloadHash, headers });
}

async function bytesOf({ client, bucket }: Fixture): Promise<Buffer> {
  const { Body: body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key: 'key' }));
  return Buffer.from((await body?.transformToByteArray()) ?? []);
}

/** Waits for a PutObject that ends after the first `count` requests. */
async function ended(server: InProcessServer, count: number): Promise<void> {
  while (!server.ends.slice(count).some(({ operation }) => operation === 'PutObject')) {
    await new Promise(setImmediate);
  }
}

onEveryBackend('PutObject', (use) => {
  for (const payloadHash of [sha256Hex(BODY), sha256Hex(BODY).toUpperCase(), 'UNSIGNED-PAYLOAD']) {
    test(`C01 A20 PutObject stores a plain body signed as ${payloadHash.slice(0, 16)}`, async () => {
      const fixture = await use();
      const reply = await sendHead(fixture.server, putHead(fixture, payloadHash), BODY);
      assert.equal(reply.status, 200, reply.text);
      assert.equal(reply.headers.etag, `"${createHash('md5').update(BODY).digest('hex')}"`);
      assert.deepEqual(await bytesOf(fixture), BODY);
    });
  }

  test('A19 BI-054 a body that is not what was hashed is XAmzContentSHA256Mismatch', async () => {
    const fixture = await use();
    await changesNothing(fixture, async () => {
      const sent = sha256Hex('other');
      const reply = await sendHead(fixture.server, putHead(fixture, sent), BODY);
      assert.deepEqual([reply.status, reply.code], [400, 'XAmzContentSHA256Mismatch']);
      assert.equal(elementText(reply.text, 'ClientComputedContentSHA256'), sent);
      assert.equal(elementText(reply.text, 'S3ComputedContentSHA256'), sha256Hex(BODY));
    });
  });

  test('C26 Content-Length: 0 is an empty object', async () => {
    const fixture = await use();
    const reply = await sendHead(fixture.server, putHead(fixture, sha256Hex('')), '');
    assert.equal(reply.status, 200, reply.text);
    assert.equal((await bytesOf(fixture)).byteLength, 0);
  });

  test('C26 BI-006 PutObject without a length is MissingContentLength', async () => {
    const fixture = await use();
    await changesNothing(fixture, async () => {
      const client = await RawClient.open(fixture.server.port);
      client.send(wireHead(putHead(fixture, sha256Hex(''))));
      const answer = await client.answer();
      client.destroy();
      assert.equal(answer?.status, 411);
      assert.equal(elementText(answer.body.toString(), 'Code'), 'MissingContentLength');
    });
  });

  test('BI-007 a plain body in Transfer-Encoding: chunked is NotImplemented', async () => {
    const fixture = await use();
    await changesNothing(fixture, async () => {
      const head = putHead(fixture, 'UNSIGNED-PAYLOAD', { 'transfer-encoding': 'chunked' });
      const reply = await sendHead(fixture.server, head, BODY);
      assert.deepEqual([reply.status, reply.code], [501, 'NotImplemented']);
    });
  });

  test('C25 BI-011 a body shorter than its length stores nothing', async () => {
    const fixture = await use();
    const { server } = fixture;
    const endsBefore = server.ends.length;
    await changesNothing(fixture, async () => {
      const client = await RawClient.open(server.port);
      const length = `content-length: ${BODY.byteLength + 1}\r\n`;
      client.send(wireHead(putHead(fixture, 'UNSIGNED-PAYLOAD'), length));
      client.send(BODY);
      client.socket.end();
      await client.closed();
      await ended(server, endsBefore);
    });
  });

  test('C25 BI-012 bytes behind the body never become part of the object', async () => {
    const fixture = await use();
    const { server } = fixture;
    const endsBefore = server.ends.length;
    const client = await RawClient.open(server.port);
    const head = wireHead(putHead(fixture, sha256Hex('abc')), 'content-length: 3\r\n');
    client.send(`${head}abcDEF / HTTP/1.1\r\n\r\n`);
    // The surplus is a broken request of its own; when its connection ends is the transport's affair.
    await ended(server, endsBefore);
    client.destroy();
    assert.equal((await bytesOf(fixture)).toString(), 'abc');
  });

  test('C27 BI-171 PutObject above 5 GiB is EntityTooLarge before the body is read', async () => {
    const fixture = await use();
    await changesNothing(fixture, async () => {
      const client = await RawClient.open(fixture.server.port);
      const length = `content-length: ${5 * 1024 ** 3 + 1}\r\n`;
      client.send(wireHead(putHead(fixture, 'UNSIGNED-PAYLOAD'), length));
      const answer = await client.answer();
      client.destroy();
      assert.equal(answer?.status, 400);
      const text = answer.body.toString();
      assert.equal(elementText(text, 'Code'), 'EntityTooLarge');
      assert.equal(elementText(text, 'ProposedSize'), String(5 * 1024 ** 3 + 1));
      assert.equal(elementText(text, 'MaxSizeAllowed'), String(5 * 1024 ** 3));
    });
  });

  test('C28 Expect: 100-continue is answered before the body comes', async () => {
    const fixture = await use();
    const client = await RawClient.open(fixture.server.port);
    const lines = `content-length: ${BODY.byteLength}\r\nexpect: 100-continue\r\n`;
    client.send(wireHead(putHead(fixture, sha256Hex(BODY)), lines));
    await client.bytes('HTTP/1.1 100 Continue\r\n\r\n'.length);
    assert.match(client.received.toString('latin1'), /^HTTP\/1\.1 100 Continue\r\n\r\n/);
    client.send(BODY);
    assert.equal((await client.answer())?.status, 100);
    assert.equal((await client.answer())?.status, 200);
    client.destroy();
    assert.deepEqual(await bytesOf(fixture), BODY);
  });
});

for (const backend of BACKENDS) {
  test(`BI-013 a body that stalls is RequestTimeout and stores nothing: ${backend}`, async (context) => {
    const server = await startInProcessServer({ backend, readTimeoutMs: 500 });
    context.after(() => server.stop());
    await rawRequest(server, { method: 'PUT', path: '/stalled' });
    const input = { method: 'PUT', rawPath: '/stalled/key', payloadHash: 'UNSIGNED-PAYLOAD' };
    const client = await RawClient.open(server.port);
    client.send(wireHead(headerSigned(server, input), 'content-length: 10\r\n'));
    client.send('half.');
    const answer = await client.answer({ timeoutMs: 10_000 });
    assert.equal(answer?.status, 400);
    assert.equal(elementText(answer.body.toString(), 'Code'), 'RequestTimeout');
    await client.closed();
    assert.equal(server.store.bucketCounters('stalled').objectCount, 0);
  });
}
