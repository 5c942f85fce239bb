/**
 * Requests per second and CPU per request of the two transports with a handler that does nothing.
 *
 *   node bench/micro/transport.bench.mjs [seconds per scenario, default 3] [connections, default 32]
 *
 * The server runs in a process of its own; its CPU time is divided by the answers that arrived.
 * The client is a raw socket that knows how long each answer is, so that it costs little itself.
 * Build first (`npm run build`).
 *
 * @module
 */

import { fork } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { performance } from 'node:perf_hooks';
import process from 'node:process';
import { setTimeout as delay } from 'node:timers/promises';

const HEADERS =
  'Host: 127.0.0.1:9000\r\nUser-Agent: bench\r\nX-Amz-Date: 20240101T000000Z\r\n' +
  `X-Amz-Content-Sha256: ${'0'.repeat(64)}\r\nAccept: */*\r\n` +
  'Authorization: AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20240101/us-east-1/s3/aws4_request, ' +
  `SignedHeaders=host;x-amz-content-sha256;x-amz-date, Signature=${'0'.repeat(64)}\r\n`;

/** @type {readonly { name: string, request: Buffer }[]} */
const SCENARIOS = [
  { name: 'HEAD', request: request('HEAD', 0) },
  { name: 'GET 4 KiB', request: request('GET', 0) },
  { name: 'PUT 4 KiB', request: request('PUT', 4096) },
  { name: 'PUT 64 KiB', request: request('PUT', 65_536) },
];

if (process.argv[2] === 'serve') await serve(process.argv[3]);
else await run(Number(process.argv[2] ?? 3), Number(process.argv[3] ?? 32));

async function run(seconds, connectionsCount) {
  for (const choice of ['uws', 'node']) {
    for (const { name, request: bytes } of SCENARIOS) {
      const figures = await measure(choice, bytes, seconds, connectionsCount);
      const rate = Math.round(figures.perSecond).toLocaleString('en');
      process.stdout.write(
        `${choice.padEnd(5)} ${name.padEnd(10)} ${rate.padStart(9)} req/s ` +
          `${figures.cpuUs.toFixed(1).padStart(7)} us CPU per request\n`,
      );
    }
  }
}

async function measure(choice, bytes, seconds, connectionsCount) {
  const server = fork(import.meta.filename, ['serve', choice]);
  const [port] = await once(server, 'message');
  const tally = { count: 0 };
  const sockets = Array.from({ length: connectionsCount }, () => drive(port, bytes, tally));
  await delay(1000);
  const before = await cpuOf(server);
  const countBefore = tally.count;
  const startedAt = performance.now();
  await delay(seconds * 1000);
  const count = tally.count - countBefore;
  const elapsedSeconds = (performance.now() - startedAt) / 1000;
  const cpuUs = ((await cpuOf(server)) - before) / count;
  for (const socket of sockets) socket.destroy();
  server.kill();
  await once(server, 'exit');
  return { perSecond: count / elapsedSeconds, cpuUs };
}

/** Keeps one request in flight on one connection. */
function drive(port, bytes, tally) {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  let answerBytes = 0;
  let receivedBytes = 0;
  socket.on('error', () => undefined);
  socket.on('connect', () => socket.write(bytes));
  socket.on('data', (piece) => {
    if (answerBytes === 0) answerBytes = lengthOf(piece, bytes);
    receivedBytes += piece.length;
    if (receivedBytes < answerBytes) return;
    receivedBytes = 0;
    tally.count += 1;
    socket.write(bytes);
  });
  return socket;
}

/** The length of the first answer; all others are as long. */
function lengthOf(piece, bytes) {
  const head = piece.toString('latin1', 0, piece.indexOf('\r\n\r\n') + 4);
  const isHead = bytes.toString('latin1', 0, 4) === 'HEAD';
  return head.length + (isHead ? 0 : Number(/content-length: (\d+)/i.exec(head)[1]));
}

async function serve(choice) {
  const { openTransport } = await import('#src/server/open-transport.js');
  const object = Buffer.alloc(4096);
  const headers = {
    'x-amz-request-id': '0123456789ABCDEF',
    ETag: '"d41d8cd98f00b204e9800998ecf8427e"',
    'Last-Modified': 'Mon, 01 Jan 2024 00:00:00 GMT',
    'Content-Type': 'application/octet-stream',
    'Accept-Ranges': 'bytes',
  };
  const transport = await openTransport({
    host: '127.0.0.1',
    port: 0,
    readTimeoutMs: 30_000,
    writeTimeoutMs: 30_000,
    idleTimeoutMs: 30_000,
    choice,
    onWarning: fail,
    onFault: fail,
    handler: async (exchange) => {
      if (exchange.head.method === 'PUT') for await (const piece of exchange.body) void piece;
      const body = exchange.head.method === 'PUT' ? undefined : object;
      await exchange.respond({ status: 200, headers, body, closeConnection: false });
    },
  });
  process.on('message', () => {
    const { user, system } = process.cpuUsage();
    process.send(user + system);
  });
  process.send(await transport.listen());
}

async function cpuOf(server) {
  server.send('cpu');
  const [micros] = await once(server, 'message');
  return micros;
}

function request(method, bodyBytes) {
  const length = bodyBytes === 0 ? '' : `Content-Length: ${bodyBytes}\r\n`;
  const head = `${method} /bucket/some/key HTTP/1.1\r\n${HEADERS}${length}\r\n`;
  return Buffer.concat([Buffer.from(head), Buffer.alloc(bodyBytes)]);
}

function fail(reason) {
  throw new Error('The server is not fit to be measured', { cause: reason });
}
