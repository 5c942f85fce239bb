/**
 * What a transport promises about answers: framing, streams, closing, and handlers that fail.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';

import { openTransport } from '#src/server/open-transport.js';
import type { TransportChoice } from '#src/server/open-transport.js';
import type { ReplyOutcome, TransportBody } from '#src/server/transport.js';

import { RawClient, sendRaw } from './raw-client.js';
import { deferred, reply, startTransport, streamOf } from './transport-harness.js';

const GET = 'GET / HTTP/1.1\r\nHost: h\r\n\r\n';
const HEAD = 'HEAD / HTTP/1.1\r\nHost: h\r\n\r\n';

/** Runs the suite against one transport. */
export function transportReplySuite(choice: TransportChoice): void {
  describe(`${choice} transport, answer`, () => framingTests(choice));
  describe(`${choice} transport, streamed answer`, () => streamTests(choice));
  describe(`${choice} transport, connection`, () => connectionTests(choice));
  describe(`${choice} transport, handler that fails`, () => failureTests(choice));
  describe(`${choice} transport, life`, () => lifeTests(choice));
}

function framingTests(choice: TransportChoice): void {
  const bodies: readonly [name: string, body: TransportBody, text: string][] = [
    ['nothing', undefined, ''],
    ['text', 'h\u00e9llo', 'h\u00e9llo'],
    ['bytes', Buffer.from('bytes'), 'bytes'],
    ['no bytes', new Uint8Array(0), ''],
    ['an empty stream', streamOf([], 0), ''],
    [
      'a stream',
      streamOf([Buffer.from('pie'), new Uint8Array(0), Buffer.from('ces')], 6),
      'pieces',
    ],
    ['a long text', 'x'.repeat(300_000), 'x'.repeat(300_000)],
  ];
  for (const [name, body, text] of bodies) {
    test(`respond sends ${name} to GET, and its length alone to HEAD`, async (context) => {
      const outcomes: ReplyOutcome[] = [];
      const { port } = await startTransport(context, choice, async (exchange) => {
        outcomes.push(await reply(exchange, body, { headers: { ETag: '"x"', 'x-amz-a': 'b c' } }));
      });
      const length = Buffer.byteLength(text);
      // All on one connection: an answer must leave it fit for the next request.
      const client = await RawClient.open(port);
      for (const isHead of [false, true, true, false]) {
        client.send(isHead ? HEAD : GET);
        const answer = await client.answer({ isHead });
        assert(answer !== undefined);
        assert.equal(answer.status, 200);
        assert.equal(answer.headers.get('content-length'), String(length));
        assert.equal(answer.headers.get('etag'), '"x"');
        assert.equal(answer.headers.get('x-amz-a'), 'b c');
        assert.match(answer.headers.get('date') ?? '', /^[A-Z][a-z]{2}, [^,]+ GMT$/);
        assert.equal(answer.headers.has('transfer-encoding'), false);
        assert.equal(answer.body.toString(), isHead ? '' : text);
      }
      assert.equal(client.received.length, 0);
      const sent = { completed: true, bodyBytes: length };
      assert.deepEqual(outcomes, [
        sent,
        { ...sent, bodyBytes: 0 },
        { ...sent, bodyBytes: 0 },
        sent,
      ]);
      client.destroy();
    });
  }

  for (const status of [204, 304]) {
    test(`respond sends ${status} without a body or its length`, async (context) => {
      const { port } = await startTransport(context, choice, async (exchange) => {
        await reply(exchange, status === 304 ? 'never sent' : undefined, { status });
      });
      const client = await RawClient.open(port);
      for (const isHead of [false, true, false]) {
        client.send(isHead ? HEAD : GET);
        const answer = await client.answer();
        assert.equal(answer?.status, status);
        assert.equal(answer.headers.has('content-length'), false);
      }
      assert.equal(client.received.length, 0);
      client.destroy();
    });
  }

  test('respond refuses a header value with a line break, and can then be called', async (context) => {
    const { port } = await startTransport(context, choice, async (exchange) => {
      for (const value of ['a\r\nSet-Cookie: b', 'a\nb', 'a\rb', 'a\0b']) {
        assert.throws(() => reply(exchange, 'x', { headers: { 'x-a': value } }), /line break/);
      }
      await reply(exchange, 'clean');
    });
    assert.equal((await sendRaw(port, GET))?.body.toString(), 'clean');
  });

  test('respond sends header values as UTF-8', async (context) => {
    const { port } = await startTransport(context, choice, async (exchange) => {
      await reply(exchange, 'x', { headers: { 'x-a': 'caf\u00e9 \u4e2d' } });
    });
    const value = (await sendRaw(port, GET))?.headers.get('x-a') ?? '';
    assert.equal(Buffer.from(value, 'latin1').toString(), 'caf\u00e9 \u4e2d');
  });

  test('respond answers once', async (context) => {
    const { port } = await startTransport(context, choice, async (exchange) => {
      await reply(exchange, 'first');
      assert.throws(() => reply(exchange, 'second'), /answered once/);
    });
    const client = await RawClient.open(port);
    client.send(GET);
    assert.equal((await client.answer())?.body.toString(), 'first');
    await delay(20);
    assert.equal(client.received.length, 0);
    client.destroy();
  });

  test('respond works after a wait as it does at once', async (context) => {
    const { port } = await startTransport(context, choice, async (exchange) => {
      await delay(30);
      await reply(exchange, 'late', { status: 404, headers: { 'x-a': 'b' } });
    });
    const answer = await sendRaw(port, GET);
    assert.equal(answer?.status, 404);
    assert.equal(answer.headers.get('x-a'), 'b');
    assert.equal(answer.body.toString(), 'late');
  });
}

function streamTests(choice: TransportChoice): void {
  test('stream of 24 MiB from one reused buffer reaches a slow reader intact', async (context) => {
    const size = 24 * 1024 * 1024;
    const outcome = deferred<ReplyOutcome>();
    const { port } = await startTransport(context, choice, async (exchange) => {
      const chunks = reusedBuffer(size, 192 * 1024);
      outcome.resolve(await reply(exchange, { sizeBytes: size, chunks }));
    });
    const client = await RawClient.open(port);
    client.socket.pause();
    client.send(GET);
    await delay(300);
    let received = 0;
    let head = '';
    let isIntact = true;
    client.socket.removeAllListeners('data');
    client.socket.on('data', (piece: Buffer) => {
      let body = piece;
      if (!head.endsWith('\r\n\r\n')) {
        const end = piece.indexOf('\r\n\r\n') + 4;
        head += piece.toString('latin1', 0, end);
        body = piece.subarray(end);
      }
      for (const byte of body) isIntact &&= byte === patternAt(received++);
      client.socket.pause();
      setImmediate(() => client.socket.resume());
    });
    client.socket.resume();
    assert.deepEqual(await outcome.promise, { completed: true, bodyBytes: size });
    while (received < size) await delay(10);
    assert.equal(isIntact, true);
    assert.match(head, new RegExp(`content-length: ${size}\r\n`, 'i'));
    client.destroy();
  });

  test('stream is pulled no faster than the reader takes it', async (context) => {
    let pulled = 0;
    const size = 512 * 1024 * 1024;
    const piece = Buffer.alloc(1024 * 1024);
    const outcome = deferred<ReplyOutcome>();
    const { port } = await startTransport(context, choice, async (exchange) => {
      const chunks = (async function* () {
        for (; pulled < size; pulled += piece.length) yield piece;
      })();
      outcome.resolve(await reply(exchange, { sizeBytes: size, chunks }));
    });
    const client = await RawClient.open(port);
    client.socket.pause();
    client.send(GET);
    await delay(500);
    assert(pulled < 64 * 1024 * 1024, `${pulled} bytes were pulled for a reader that took none`);
    client.destroy();
    const { completed, bodyBytes } = await outcome.promise;
    assert.equal(completed, false);
    assert(bodyBytes < size);
  });

  test('stream is closed when its reader leaves', async (context) => {
    const closed = deferred();
    const { port } = await startTransport(context, choice, async (exchange) => {
      const chunks = (async function* () {
        try {
          for (;;) yield Buffer.alloc(256 * 1024);
        } finally {
          closed.resolve();
        }
      })();
      await reply(exchange, { sizeBytes: 1024 ** 4, chunks });
    });
    const client = await RawClient.open(port);
    client.send(GET);
    await client.bytes(100_000);
    client.destroy();
    await closed.promise;
  });

  test('stream is not pulled for HEAD, but closed', async (context) => {
    const calls: string[] = [];
    const { port } = await startTransport(context, choice, async (exchange) => {
      const iterator: AsyncIterator<Uint8Array> = {
        next: () => Promise.reject(new Error('pulled')),
        return: () => {
          calls.push('return');
          return Promise.resolve({ done: true, value: undefined });
        },
      };
      const chunks = { [Symbol.asyncIterator]: () => iterator };
      await reply(exchange, { sizeBytes: 5_000_000_000, chunks });
    });
    const answer = await sendRaw(port, HEAD);
    assert.equal(answer?.headers.get('content-length'), '5000000000');
    assert.deepEqual(calls, ['return']);
  });

  const broken: readonly [name: string, pieces: () => Iterable<Uint8Array>, reason: RegExp][] = [
    ['throws', () => throwAfter(Buffer.alloc(1000)), /disk on fire/],
    ['ends early', () => [Buffer.alloc(1000)], /1000 bytes short of 2000/],
    ['is too long', () => [Buffer.alloc(1000), Buffer.alloc(1001)], /longer than the 2000/],
  ];
  for (const [name, pieces, reason] of broken) {
    test(`stream that ${name} after the head destroys the connection`, async (context) => {
      const outcome = deferred<ReplyOutcome>();
      const { port } = await startTransport(context, choice, async (exchange) => {
        outcome.resolve(await reply(exchange, streamOf(pieces(), 2000)));
      });
      const client = await RawClient.open(port);
      client.send(GET);
      assert.equal(await client.answer(), undefined, 'a clean end');
      await client.closed();
      const { completed, failure, isUnsent } = await outcome.promise;
      assert.equal(completed, false);
      assert.equal(isUnsent, undefined);
      assert.match(String(failure), reason);
    });
  }

  test('stream that throws before its first piece leaves the request to be answered', async (context) => {
    const { port, faults } = await startTransport(context, choice, async (exchange) => {
      const first = await reply(exchange, streamOf(throwAfter(), 2000));
      assert.equal(first.completed, false);
      assert.equal(first.isUnsent, true);
      assert.match(String(first.failure), /disk on fire/);
      await reply(exchange, 'InternalError', { status: 500 });
    });
    const answer = await sendRaw(port, GET);
    assert.equal(answer?.status, 500);
    assert.equal(answer.body.toString(), 'InternalError');
    assert.deepEqual(faults, []);
  });

  test('a reader that takes nothing for the write timeout is disconnected', async (context) => {
    const outcome = deferred<ReplyOutcome>();
    const { port } = await startTransport(
      context,
      choice,
      async (exchange) => {
        const pieces = Array.from({ length: 64 }, () => Buffer.alloc(1024 * 1024));
        outcome.resolve(await reply(exchange, streamOf(pieces, 64 * 1024 * 1024)));
      },
      { writeTimeoutMs: 300 },
    );
    const client = await RawClient.open(port);
    client.socket.pause();
    client.send(GET);
    assert.equal((await outcome.promise).completed, false);
    client.socket.resume();
    await client.closed();
  });
}

function connectionTests(choice: TransportChoice): void {
  const closing: readonly [name: string, request: string, body: TransportBody, status: number][] = [
    ['a text', GET, 'text', 200],
    ['nothing', GET, undefined, 200],
    ['204', GET, undefined, 204],
    ['HEAD', HEAD, 'text', 200],
    ['one byte', GET, 'x', 200],
    ['a stream', GET, streamOf([Buffer.alloc(100_000), Buffer.alloc(1)], 100_001), 200],
  ];
  for (const [name, request, body, status] of closing) {
    test(`closeConnection closes after ${name}`, async (context) => {
      const seen: string[] = [];
      const { port } = await startTransport(context, choice, async (exchange) => {
        seen.push(exchange.head.method);
        await reply(exchange, body, { status, closeConnection: true });
      });
      const client = await RawClient.open(port);
      client.send(request);
      const answer = await client.answer({ isHead: request === HEAD });
      assert.equal(answer?.status, status);
      assert.equal(answer.headers.get('connection'), 'close');
      assert(answer.headers.has('date'));
      assert.equal(answer.headers.has('content-length'), status !== 204);
      await client.closed();
      assert.equal(client.received.length, 0);
      assert.equal(seen.length, 1);
    });
  }

  test('closeConnection keeps a request of the same packet from being executed', async (context) => {
    const seen: string[] = [];
    const { port } = await startTransport(context, choice, async (exchange) => {
      seen.push(exchange.head.method);
      await reply(exchange, 'bye', { closeConnection: true });
    });
    const client = await RawClient.open(port);
    client.send(GET + GET.replace('GET', 'DELETE'));
    await client.closed();
    assert.deepEqual(seen, ['GET']);
  });

  test('a chunked request is answered and its connection closed', async (context) => {
    const { port } = await startTransport(context, choice, async (exchange) => {
      let bytes = 0;
      for await (const piece of exchange.body) bytes += piece.byteLength;
      await reply(exchange, String(bytes));
    });
    const client = await RawClient.open(port);
    client.send('PUT / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n');
    client.send('3\r\nabc\r\n0\r\n\r\n');
    const answer = await client.answer();
    assert.equal(answer?.body.toString(), '3');
    assert.equal(answer.headers.get('connection'), 'close');
    await client.closed();
  });

  test('Connection: close of the client is honoured', async (context) => {
    const { port } = await startTransport(context, choice, (exchange) =>
      reply(exchange, 'bye').then(() => undefined),
    );
    const client = await RawClient.open(port);
    client.send('GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n');
    assert.equal((await client.answer())?.body.toString(), 'bye');
    await client.closed();
  });
}

function failureTests(choice: TransportChoice): void {
  const failing: readonly [name: string, handler: () => Promise<void>, context: RegExp][] = [
    ['rejects', () => Promise.reject(new Error('bug')), /bug/],
    [
      'throws',
      () => {
        throw new Error('bug');
      },
      /bug/,
    ],
    ['returns without an answer', () => Promise.resolve(), /without an answer/],
  ];
  for (const [name, handler, message] of failing) {
    test(`a handler that ${name} closes its connection and nothing else`, async (context) => {
      const { port, faults, transport } = await startTransport(context, choice, (exchange) =>
        exchange.head.rawPath === '/bad'
          ? handler()
          : reply(exchange, 'fine').then(() => undefined),
      );
      const bystander = await RawClient.open(port);
      assert.equal(await sendRaw(port, GET.replace('/', '/bad')), undefined);
      assert.equal(faults.length, 1);
      assert.equal(faults[0]?.context, 'handler');
      assert.match(String(faults[0].fault), message);
      bystander.send(GET);
      assert.equal((await bystander.answer())?.body.toString(), 'fine');
      assert.equal(transport.inFlightCount, 0);
      bystander.destroy();
    });
  }

  test('a handler that rejects after its answer leaves the answer alone', async (context) => {
    const { port, faults } = await startTransport(context, choice, async (exchange) => {
      await reply(exchange, 'answered');
      throw new Error('too late');
    });
    assert.equal((await sendRaw(port, GET))?.body.toString(), 'answered');
    assert.equal(faults.length, 1);
  });

  test('an abort callback that throws is a fault', async (context) => {
    const { port, faults } = await startTransport(context, choice, async (exchange) => {
      exchange.onAborted(() => {
        throw new Error('bad callback');
      });
      await delay(100);
      await reply(exchange, 'late');
    });
    const client = await RawClient.open(port);
    client.send(GET);
    await delay(30);
    client.destroy();
    await delay(150);
    assert.deepEqual(
      faults.map(({ context: where }) => where),
      ['onAborted'],
    );
  });
}

function lifeTests(choice: TransportChoice): void {
  test('listen rejects when the port is taken', async (context) => {
    const squatter = createServer().listen(0, '127.0.0.1');
    await once(squatter, 'listening');
    context.after(() => squatter.close());
    const { port } = squatter.address() as { port: number };
    const transport = await openTransport({
      host: '127.0.0.1',
      port,
      readTimeoutMs: 1000,
      writeTimeoutMs: 1000,
      idleTimeoutMs: 1000,
      handler: () => Promise.resolve(),
      onFault: () => undefined,
      choice,
      onWarning: () => undefined,
    });
    await assert.rejects(transport.listen(), { code: 'EADDRINUSE' });
    transport.close();
  });

  test('stopAccepting lets requests end, and refuses connections', async (context) => {
    const release = deferred();
    const entered = deferred();
    const { port, transport } = await startTransport(context, choice, async (exchange) => {
      entered.resolve();
      await release.promise;
      await reply(exchange, 'last');
    });
    const client = await RawClient.open(port);
    client.send(GET);
    await entered.promise;
    transport.stopAccepting();
    assert.equal(transport.inFlightCount, 1);
    await assert.rejects(RawClient.open(port), { code: 'ECONNREFUSED' });
    release.resolve();
    const answer = await client.answer();
    assert.equal(answer?.body.toString(), 'last');
    assert.equal(answer.headers.get('connection'), 'close');
    await client.closed();
    assert.equal(transport.inFlightCount, 0);
  });

  test('close cuts connections and ends their requests', async (context) => {
    const entered = deferred();
    const outcome = deferred<ReplyOutcome>();
    const { port, transport } = await startTransport(context, choice, async (exchange) => {
      entered.resolve();
      await new Promise<void>((resolve) => exchange.onAborted(resolve));
      outcome.resolve(await reply(exchange, 'never'));
    });
    const client = await RawClient.open(port);
    client.send(GET);
    await entered.promise;
    transport.close();
    await client.closed();
    assert.equal((await outcome.promise).completed, false);
  });
}

/** Pieces in one buffer, overwritten for each: a piece is valid until the next is pulled. */
async function* reusedBuffer(sizeBytes: number, pieceBytes: number): AsyncGenerator<Uint8Array> {
  const buffer = Buffer.alloc(pieceBytes);
  for (let start = 0; start < sizeBytes; start += pieceBytes) {
    const length = Math.min(pieceBytes, sizeBytes - start);
    for (let index = 0; index < length; index += 1) buffer[index] = patternAt(start + index);
    yield buffer.subarray(0, length);
    buffer.fill(0xff);
    await delay(0);
  }
}

function patternAt(offset: number): number {
  return (offset * 31 + (offset >>> 10)) & 0x7f;
}

function* throwAfter(...pieces: Uint8Array[]): Generator<Uint8Array> {
  yield* pieces;
  throw new Error('disk on fire');
}
