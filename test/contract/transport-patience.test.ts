/**
 * Stalls of 13 s: uWebSockets.js by itself cuts them all at 10 to 12 s, our own timeouts decide.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';

import type { ReplyOutcome } from '#src/server/transport.js';

import { RawClient } from './raw-client.js';
import { deferred, readAll, reply, startTransport, streamOf } from './transport-harness.js';

const STALL_MS = 13_000;
const GET = 'GET / HTTP/1.1\r\nHost: h\r\n\r\n';

describe('transports, patience', { concurrency: true }, () => {
  for (const choice of ['uws', 'node'] as const) {
    test(`${choice}: an upload that stalls is completed, and its connection kept`, async (context) => {
      const { port } = await startTransport(context, choice, async (exchange) => {
        await reply(exchange, await readAll(exchange));
      });
      const client = await RawClient.open(port);
      client.send('PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 6\r\n\r\nabc');
      await delay(STALL_MS);
      client.send('def');
      assert.equal((await client.answer())?.body.toString(), 'abcdef');
      client.send(GET);
      assert.equal((await client.answer())?.status, 200);
      client.destroy();
    });

    // No threshold: it would wait for as long as the client has patience to trickle.
    test(`BI-014 ${choice}: a head that trickles in is cut, and never handled`, async (context) => {
      const paths: string[] = [];
      const { port } = await startTransport(context, choice, async (exchange) => {
        paths.push(exchange.head.rawPath);
        await reply(exchange, 'handled');
      });
      const client = await RawClient.open(port);
      client.send('GET /trickled HTTP/1.1\r\nHost: h\r\nx-a: ');
      for (let letter = 0; letter < 120 && !client.isClosed; letter += 1) {
        client.send('a');
        await delay(500);
      }
      assert.ok(client.isClosed, 'cut within a minute');
      assert.deepEqual(paths, []);
      const other = await RawClient.open(port);
      other.send(GET);
      assert.equal((await other.answer())?.status, 200, 'the server is alive');
      other.destroy();
    });

    test(`${choice}: a download that stalls is completed`, async (context) => {
      const size = 32 * 1024 * 1024;
      const outcome = deferred<ReplyOutcome>();
      const { port } = await startTransport(context, choice, async (exchange) => {
        const pieces = Array.from({ length: 32 }, () => Buffer.alloc(1024 * 1024));
        outcome.resolve(await reply(exchange, streamOf(pieces, size)));
      });
      const client = await RawClient.open(port);
      client.socket.pause();
      client.send(GET);
      await delay(STALL_MS);
      client.socket.resume();
      assert.equal((await client.answer())?.body.length, size);
      assert.deepEqual(await outcome.promise, { completed: true, bodyBytes: size });
      client.destroy();
    });

    test(`${choice}: a slow handler is waited for, and a client that leaves is seen`, async (context) => {
      const aborted = deferred();
      const { port } = await startTransport(context, choice, async (exchange) => {
        if (exchange.head.method === 'GET') {
          await delay(STALL_MS);
          await reply(exchange, 'slow');
        } else {
          await new Promise<void>((resolve) => exchange.onAborted(resolve));
          aborted.resolve();
        }
      });
      const client = await RawClient.open(port);
      const leaver = await RawClient.open(port);
      client.send(GET);
      leaver.send('DELETE / HTTP/1.1\r\nHost: h\r\n\r\n');
      assert.equal((await client.answer({ timeoutMs: 20_000 }))?.body.toString(), 'slow');
      leaver.destroy();
      await aborted.promise;
      client.destroy();
    });
  }
});
