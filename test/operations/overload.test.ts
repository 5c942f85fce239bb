// A server at its limits, and one that is told to end: refused at once, whole, and nothing changes.

import assert from 'node:assert/strict';
import { describe, test, type TestContext } from 'node:test';

import { RawClient, type RawAnswer } from '../contract/raw-client.js';
import { BACKENDS, startInProcessServer, type Backend } from '../support/in-process-server.js';
import { elementText, rawRequest } from '../support/raw-request.js';
import type { HeadInput } from '../support/signed-head.js';
import { headerSigned, wireHead } from '../support/signed-request.js';

const PUT: HeadInput = {
  method: 'PUT',
  rawPath: '/bucket/slow',
  payloadHash: 'UNSIGNED-PAYLOAD',
};
const BODY = 'abcdef';

async function serverWithBucket(context: TestContext, backend: Backend) {
  const server = await startInProcessServer({ backend, payloadsCountMax: 1 });
  context.after(() => server.stop());
  assert.equal((await rawRequest(server, { method: 'PUT', path: '/bucket' })).status, 200);
  return server;
}

for (const backend of BACKENDS) {
  describe(`A server at its end, on the ${backend} backend`, () => {
    test('BI-195 a payload too many is SlowDown with Retry-After, and the one before goes on', async (context) => {
      const server = await serverWithBucket(context, backend);
      const slow = await RawClient.open(server.port);
      slow.send(wireHead(headerSigned(server, PUT), `content-length: ${BODY.length}\r\n`));
      slow.send(BODY.slice(0, 3));
      // Once a later request is answered, the place is taken.
      assert.equal((await rawRequest(server, { method: 'GET', path: '/bucket' })).status, 200);

      const other = { method: 'PUT', path: '/bucket/other', body: 'other' };
      const refused = await rawRequest(server, other);
      assert.deepEqual([refused.status, refused.code], [503, 'SlowDown']);
      assert.equal(refused.headers['retry-after'], '1');
      const path = '/bucket/slow';
      assert.equal((await rawRequest(server, { method: 'HEAD', path })).status, 404);

      slow.send(BODY.slice(3));
      assert.equal((await slow.answer())?.status, 200);
      slow.destroy();
      assert.equal((await rawRequest(server, { method: 'GET', path })).text, BODY);
      assert.equal((await rawRequest(server, other)).status, 200, 'the place is free again');
    });

    test('BI-196 a request to a server that ends is ServiceUnavailable and closes', async (context) => {
      const server = await serverWithBucket(context, backend);
      const begun = await RawClient.open(server.port);
      begun.send(wireHead(headerSigned(server, PUT), `content-length: ${BODY.length}\r\n`));
      begun.send(BODY.slice(0, 3));
      const kept = await RawClient.open(server.port);
      const get = { method: 'GET', rawPath: '/bucket' };
      kept.send(wireHead(headerSigned(server, get)));
      assert.equal((await kept.answer())?.status, 200);
      const writer = await RawClient.open(server.port);
      writer.send(wireHead(headerSigned(server, get)));
      assert.equal((await writer.answer())?.status, 200);

      server.drain();
      kept.send(wireHead(headerSigned(server, get)));
      await assertUnavailable(kept, backend);
      const late = { ...PUT, rawPath: '/bucket/late' };
      writer.send(wireHead(headerSigned(server, late), `content-length: ${BODY.length}\r\n`));
      writer.send(BODY);
      await assertUnavailable(writer, backend);

      begun.send(BODY.slice(3));
      assert.equal((await begun.answer())?.status, 200, 'what had begun is finished');
      await begun.closed();
      assert.equal(server.store.bucketCounters('bucket').objectCount, 1);
    });
  });
}

/** The document of a refusal and a closed connection. node:http may have closed it before. */
async function assertUnavailable(client: RawClient, backend: Backend): Promise<void> {
  const answer: RawAnswer | undefined = await client.answer();
  if (answer === undefined) assert.equal(backend, 'memory', 'uWebSockets.js answers');
  else {
    const code = elementText(answer.body.toString(), 'Code');
    assert.deepEqual([answer.status, code], [503, 'ServiceUnavailable']);
    assert.equal(answer.headers.get('connection'), 'close');
    assert.equal(answer.headers.get('retry-after'), '1');
  }
  await client.closed();
}
