/**
 * What a transport promises about requests: the head, the body, and clients that leave.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, test } from 'node:test';
import { setImmediate, setTimeout as delay } from 'node:timers/promises';

import type { TransportChoice } from '#src/server/open-transport.js';
import type { Exchange, ReplyOutcome } from '#src/server/transport.js';
import { BodyError } from '#src/util/byte-source.js';

import { RawClient, sendRaw } from './raw-client.js';
import { deferred, readAll, reply, startTransport } from './transport-harness.js';

/** Runs the suite against one transport. */
export function transportRequestSuite(choice: TransportChoice): void {
  describe(`${choice} transport, request head`, () => headTests(choice));
  describe(`${choice} transport, request body`, () => bodyTests(choice));
  describe(`${choice} transport, flow of the request body`, () => flowTests(choice));
  describe(`${choice} transport, clients that leave`, () => abortTests(choice));
}

function headTests(choice: TransportChoice): void {
  test('head carries the request line and headers as sent', async (context) => {
    const seen: Exchange[] = [];
    const { port } = await startTransport(context, choice, async (exchange) => {
      seen.push(exchange);
      assert.equal(exchange.remoteAddress, '127.0.0.1');
      await reply(exchange, 'ok');
    });
    const bytes =
      'GET /b//a/../%2F%41?x=%20&y&x=+ HTTP/1.1\r\nHost: h:1\r\nX-Amz-Meta-A:  \tb c \r\n\r\n';
    await sendRaw(port, bytes);
    const head = seen[0]?.head;
    assert(head !== undefined);
    assert.equal(head.method, 'GET');
    assert.equal(head.rawPath, '/b//a/../%2F%41');
    assert.equal(head.rawQuery, 'x=%20&y&x=+');
    assert.deepEqual(
      [...head.headers],
      [
        ['host', 'h:1'],
        ['x-amz-meta-a', 'b c'],
      ],
    );
    assert.equal(head.repeatedHeaders.size, 0);
    // White space around a value is the only thing not counted.
    assert.equal(head.headBytes, bytes.length - 3);
    // Once asked for it is still known after the answer, for the access log.
    assert.equal(seen[0]?.remoteAddress, '127.0.0.1');
  });

  test('head has an empty query with and without a question mark', async (context) => {
    const queries: string[] = [];
    const { port } = await startTransport(context, choice, async (exchange) => {
      queries.push(`${exchange.head.rawPath}|${exchange.head.rawQuery}`);
      await reply(exchange, 'ok');
    });
    await sendRaw(port, 'GET /a HTTP/1.1\r\nHost: h\r\n\r\n');
    await sendRaw(port, 'GET /a? HTTP/1.1\r\nHost: h\r\n\r\n');
    assert.deepEqual(queries, ['/a|', '/a|']);
  });

  test('head joins repeated headers in order and names them', async (context) => {
    const heads: Exchange['head'][] = [];
    const { port } = await startTransport(context, choice, async (exchange) => {
      heads.push(exchange.head);
      await reply(exchange, 'ok');
    });
    await sendRaw(port, 'GET / HTTP/1.1\r\nHost: h\r\nX-A: 1\r\nX-B: 2\r\nx-a: 3\r\n\r\n');
    assert.deepEqual(
      heads.map(({ headers, repeatedHeaders }) => [headers.get('x-a'), ...repeatedHeaders]),
      [['1, 3', 'x-a']],
    );
  });

  test('head decodes UTF-8 inside a header value', async (context) => {
    const values: (string | undefined)[] = [];
    const { port } = await startTransport(context, choice, async (exchange) => {
      values.push(exchange.head.headers.get('x-a'));
      await reply(exchange, 'ok');
    });
    await sendRaw(port, Buffer.from('GET / HTTP/1.1\r\nHost: h\r\nX-A: a\u00e9\u4e2db\r\n\r\n'));
    assert.deepEqual(values, ['a\u00e9\u4e2db']);
  });

  test('head is passed on when it is larger than the 8,192 bytes of S3', async (context) => {
    const sizes: number[] = [];
    const { port } = await startTransport(context, choice, async (exchange) => {
      sizes.push(exchange.head.headBytes);
      await reply(exchange, 'ok', { status: 400 });
    });
    const bytes = `GET / HTTP/1.1\r\nHost: h\r\nX-A: ${'a'.repeat(20_000)}\r\n\r\n`;
    assert.equal((await sendRaw(port, bytes))?.status, 400);
    assert.deepEqual(sizes, [bytes.length]);
  });
}

function bodyTests(choice: TransportChoice): void {
  const bodies: readonly [
    name: string,
    framing: string,
    length: number | undefined,
    text: string,
  ][] = [
    ['without a body', '', 0, ''],
    ['with Content-Length 0', 'Content-Length: 0\r\n', 0, ''],
    ['with a length', 'Content-Length: 5\r\n', 5, 'hello'],
    ['in chunks', 'Transfer-Encoding: chunked\r\n', undefined, '5\r\nhello\r\n0\r\n\r\n'],
  ];
  for (const [name, framing, contentLength, sent] of bodies) {
    test(`body arrives ${name}`, async (context) => {
      const { port } = await startTransport(context, choice, async (exchange) => {
        assert.equal(exchange.body.contentLength, contentLength);
        assert.equal(exchange.isChunked, contentLength === undefined);
        await reply(exchange, await readAll(exchange));
      });
      const head = `PUT / HTTP/1.1\r\nHost: h\r\n${framing}\r\n`;
      assert.equal((await sendRaw(port, head + sent))?.body.toString(), sent === '' ? '' : 'hello');
    });
  }

  test('head lines and body are whole when each byte comes by itself', async (context) => {
    const { port } = await startTransport(context, choice, async (exchange) => {
      await reply(exchange, await readAll(exchange));
    });
    const client = await RawClient.open(port);
    // Not the request line: see the field notes test.
    client.send('PUT / HTTP/1.1\r\n');
    for (const byte of 'Host: h\r\nContent-Length: 6\r\n\r\nsingle') {
      client.send(byte);
      await delay(2);
    }
    assert.equal((await client.answer())?.body.toString(), 'single');
    client.destroy();
  });

  test('body of 8 MiB is intact, each piece until the next is pulled', async (context) => {
    const sent = Buffer.alloc(8 * 1024 * 1024);
    for (let index = 0; index < sent.length; index += 4) sent.writeUInt32LE(index, index);
    const equal: boolean[] = [];
    const { port } = await startTransport(context, choice, async (exchange) => {
      let received = 0;
      let isEqual = true;
      for await (const piece of exchange.body) {
        // Meanwhile later pieces arrive: one that still belonged to the library would change.
        await setImmediate();
        isEqual &&= sent.subarray(received, received + piece.byteLength).equals(piece);
        received += piece.byteLength;
      }
      equal.push(isEqual && received === sent.length);
      await reply(exchange, 'ok');
    });
    const client = await RawClient.open(port);
    client.send(`PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: ${sent.length}\r\n\r\n`);
    client.send(sent);
    assert.equal((await client.answer())?.status, 200);
    assert.deepEqual(equal, [true]);
    client.destroy();
  });

  test('body can be iterated once only', async (context) => {
    const { port, faults } = await startTransport(context, choice, async (exchange) => {
      await readAll(exchange);
      await readAll(exchange);
    });
    const answer = await sendRaw(port, 'PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\na');
    assert.equal(answer, undefined);
    assert.equal(faults.length, 1);
    assert.match(String(faults[0]?.fault), /read once/);
  });

  test('bytes after the body are the next request', async (context) => {
    const bodies: string[] = [];
    const { port } = await startTransport(context, choice, async (exchange) => {
      bodies.push((await readAll(exchange)).toString());
      await reply(exchange, 'ok');
    });
    const client = await RawClient.open(port);
    client.send('PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc');
    assert.equal((await client.answer())?.status, 200);
    client.send('def / HTTP/0.1\r\n\r\n');
    await client.closed();
    assert.deepEqual(bodies, ['abc']);
  });

  test('Expect: 100-continue is answered before the body is sent', async (context) => {
    const { port } = await startTransport(context, choice, async (exchange) => {
      await reply(exchange, await readAll(exchange));
    });
    const client = await RawClient.open(port);
    client.send('PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n');
    assert.equal((await client.answer())?.status, 100);
    client.send('abc');
    assert.equal((await client.answer())?.body.toString(), 'abc');
    client.destroy();
  });
}

function flowTests(choice: TransportChoice): void {
  test('a reader that does not pull holds the sender back', async (context) => {
    const release = deferred();
    const counted = deferred<number>();
    const { port } = await startTransport(context, choice, async (exchange) => {
      let bytes = 0;
      for await (const piece of exchange.body) {
        bytes += piece.byteLength;
        await release.promise;
      }
      counted.resolve(bytes);
      await reply(exchange, 'ok');
    });
    const size = 96 * 1024 * 1024;
    const client = await RawClient.open(port);
    client.send(`PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: ${size}\r\n\r\n`);
    const piece = Buffer.alloc(1024 * 1024);
    let taken = 0;
    const sending = (async () => {
      while (taken < size) {
        if (!client.socket.write(piece)) await once(client.socket, 'drain');
        taken += piece.length;
      }
    })();
    await delay(500);
    // What fits into the kernel's buffers and the queue is far less than the body.
    assert(taken < size / 2, `${taken} bytes were taken from the sender`);
    release.resolve();
    await sending;
    assert.equal(await counted.promise, size);
    assert.equal((await client.answer())?.status, 200);
    client.destroy();
  });

  test('a paused body resumes for a reader that comes late', async (context) => {
    const size = 4 * 1024 * 1024;
    const { port } = await startTransport(context, choice, async (exchange) => {
      await delay(300);
      await reply(exchange, String((await readAll(exchange)).length));
    });
    const client = await RawClient.open(port);
    client.send(`PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: ${size}\r\n\r\n`);
    client.send(Buffer.alloc(size));
    assert.equal((await client.answer())?.body.toString(), String(size));
    // The connection is not deaf: the pause was followed by one resume.
    client.send('GET / HTTP/1.1\r\nHost: h\r\n\r\n');
    assert.equal((await client.answer())?.body.toString(), '0');
    client.destroy();
  });

  test('BI-013 a body that stalls ends with BodyError timeout, which can be answered', async (context) => {
    const failures: unknown[] = [];
    const { port } = await startTransport(
      context,
      choice,
      async (exchange) => {
        await readAll(exchange).catch((failure: unknown) => failures.push(failure));
        await reply(exchange, 'too slow', { status: 400 });
      },
      { readTimeoutMs: 200 },
    );
    const client = await RawClient.open(port);
    client.send('PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\nabc');
    assert.equal((await client.answer())?.status, 400);
    await client.closed();
    assert(failures[0] instanceof BodyError);
    assert.equal(failures[0].failure, 'timeout');
  });

  test('a body that trickles and a reader that idles are not timeouts', async (context) => {
    const { port } = await startTransport(
      context,
      choice,
      async (exchange) => {
        await delay(600);
        await reply(exchange, await readAll(exchange));
      },
      { readTimeoutMs: 400 },
    );
    const client = await RawClient.open(port);
    client.send('PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 8\r\n\r\n');
    await delay(500);
    for (const byte of 'trickles') {
      client.send(byte);
      await delay(100);
    }
    assert.equal((await client.answer())?.body.toString(), 'trickles');
    client.destroy();
  });

  for (const isRead of [true, false]) {
    const how = isRead ? 'left early' : 'not read at all';
    test(`a short body ${how} is drained and the connection kept`, async (context) => {
      const { port } = await startTransport(context, choice, async (exchange) => {
        if (isRead) for await (const piece of exchange.body) if (piece.byteLength > 0) break;
        await reply(exchange, exchange.head.method);
      });
      const client = await RawClient.open(port);
      client.send('PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 60000\r\n\r\n');
      client.send(Buffer.alloc(10_000));
      assert.equal((await client.answer())?.body.toString(), 'PUT');
      client.send(Buffer.alloc(50_000));
      client.send('GET / HTTP/1.1\r\nHost: h\r\n\r\n');
      assert.equal((await client.answer())?.body.toString(), 'GET');
      client.destroy();
    });

    test(`a long body ${how} is answered and the connection closed`, async (context) => {
      const { port } = await startTransport(context, choice, async (exchange) => {
        if (isRead) for await (const piece of exchange.body) if (piece.byteLength > 0) break;
        await reply(exchange, 'refused', { status: 403 });
      });
      const size = 8 * 1024 * 1024;
      const client = await RawClient.open(port);
      client.send(`PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: ${size}\r\n\r\n`);
      client.send(Buffer.alloc(size / 2));
      const answer = await client.answer();
      assert.equal(answer?.status, 403);
      assert.equal(answer.headers.get('connection'), 'close');
      // The rest may still be sent, so that clients who look late see the answer; then it closes.
      client.send(Buffer.alloc(size / 2));
      await client.closed();
    });
  }

  test('a long body that came in one packet with its head is answered, not cut', async (context) => {
    const { port } = await startTransport(context, choice, async (exchange) => {
      await reply(exchange, 'refused', { status: 403 });
    });
    const body = '.'.repeat(100_000);
    for (let round = 0; round < 20; round += 1) {
      const client = await RawClient.open(port);
      client.send(`PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
      assert.equal((await client.answer())?.status, 403);
      await client.closed();
    }
  });

  test('a reader that still pulls after the answer gets an error, not an end', async (context) => {
    const failure = deferred<unknown>();
    const { port } = await startTransport(context, choice, async (exchange) => {
      const reading = readAll(exchange).then(
        () => failure.resolve('ended'),
        (error: unknown) => failure.resolve(error),
      );
      await reply(exchange, 'early');
      await reading;
    });
    const client = await RawClient.open(port);
    client.send('PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nabc');
    assert.equal((await client.answer())?.status, 200);
    assert((await failure.promise) instanceof BodyError);
    client.destroy();
  });
}

function abortTests(choice: TransportChoice): void {
  test('a client that leaves inside its body ends the iteration with aborted', async (context) => {
    const failure = deferred<unknown>();
    const calls: string[] = [];
    const outcome = deferred<ReplyOutcome>();
    const { port, faults } = await startTransport(context, choice, async (exchange) => {
      exchange.onAborted(() => calls.push('aborted'));
      assert.equal(exchange.remoteAddress, '127.0.0.1');
      await readAll(exchange).catch((error: unknown) => failure.resolve(error));
      assert.equal(exchange.isAborted, true);
      assert.equal(exchange.remoteAddress, '127.0.0.1', 'known once, known later');
      outcome.resolve(await reply(exchange, 'nobody listens'));
    });
    const client = await RawClient.open(port);
    client.send('PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nabc');
    await delay(50);
    client.destroy();
    const seen = await failure.promise;
    assert(seen instanceof BodyError);
    assert.equal(seen.failure, 'aborted');
    assert.deepEqual(await outcome.promise, { completed: false, bodyBytes: 0 });
    assert.deepEqual(calls, ['aborted']);
    assert.deepEqual(faults, []);
  });

  test('a client that half-closes inside its body is gone', async (context) => {
    const failure = deferred<unknown>();
    const { port } = await startTransport(context, choice, async (exchange) => {
      await readAll(exchange).catch((error: unknown) => failure.resolve(error));
    });
    const client = await RawClient.open(port);
    client.send('PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nabc');
    await delay(50);
    client.socket.end();
    assert(((await failure.promise) as BodyError).failure === 'aborted');
    await client.closed();
  });

  test('a client that leaves before the answer is noticed', async (context) => {
    const entered = deferred();
    const aborted = deferred();
    const late = deferred();
    const { port, transport } = await startTransport(context, choice, async (exchange) => {
      exchange.onAborted(() => aborted.resolve());
      entered.resolve();
      await aborted.promise;
      assert.equal(exchange.isAborted, true);
      assert.deepEqual(await reply(exchange, 'late'), { completed: false, bodyBytes: 0 });
      late.resolve();
    });
    const client = await RawClient.open(port);
    client.send('GET / HTTP/1.1\r\nHost: h\r\n\r\n');
    await entered.promise;
    assert.equal(transport.inFlightCount, 1);
    client.destroy();
    await late.promise;
    await delay(10);
    assert.equal(transport.inFlightCount, 0);
  });

  test('BI-028 a second request while the first is pending closes the connection', async (context) => {
    const methods: string[] = [];
    const aborted = deferred();
    const { port } = await startTransport(context, choice, async (exchange) => {
      methods.push(exchange.head.method);
      exchange.onAborted(() => aborted.resolve());
      await aborted.promise;
    });
    const client = await RawClient.open(port);
    client.send('GET / HTTP/1.1\r\nHost: h\r\n\r\nDELETE / HTTP/1.1\r\nHost: h\r\n\r\n');
    await client.closed();
    await aborted.promise;
    assert.deepEqual(methods, ['GET']);
    assert.equal(client.received.length, 0);
  });
}
