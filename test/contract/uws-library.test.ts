/**
 * Facts about the uWebSockets.js binary that our transport is built on or works around.
 *
 * They are not promises of ours. When one of these tests fails the binary has changed: look at the
 * code that the test names before accepting it.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

import type * as uws from 'uWebSockets.js';

import { RawClient } from './raw-client.js';

/** SHA-256 of the binaries of uws-pack 20.0.8 that were examined, by platform and Node ABI. */
const EXAMINED = new Map([
  ['linux_x64_115', '6f8d96d761a64beddb060f1f7f0e617dd293ed127ec1d57507aa561a0083171e'],
  ['linux_x64_127', '8cabc918bbf9a07323e54f89a33882491080b2eb35df0607f473ccdb1f3c31af'],
]);

const PLATFORM = `${process.platform}_${process.arch}_${process.versions.modules}`;
const GET = 'GET / HTTP/1.1\r\nHost: h\r\n\r\n';

test('the binary that loads here is one that was examined', async (context) => {
  const wanted = EXAMINED.get(PLATFORM);
  if (wanted === undefined) {
    context.skip(
      `NOT CHECKED: nobody has examined a uWebSockets.js binary for ${PLATFORM}; ` +
        `known are ${[...EXAMINED.keys()].join(', ')}`,
    );
    return;
  }
  assert.equal(await digestOf(PLATFORM), wanted);
});

test('the other examined binary is the one that was examined', async () => {
  for (const [platform, wanted] of EXAMINED) assert.equal(await digestOf(platform), wanted);
});

test('endWithoutBody(length) breaks the connection, a header and endWithoutBody() do not', async (context) => {
  // Why UwsResponder.sendAtOnce writes Content-Length by itself.
  const port = await open(context, (res, req) => {
    res.onAborted(() => undefined);
    if (req.getUrl() === '/length') res.endWithoutBody(10);
    else res.writeHeader('Content-Length', '10').endWithoutBody();
  });
  assert.equal(await answersTo(port, ['HEAD /length HTTP/1.1\r\nHost: h\r\n\r\n', GET]), 1);
  assert.equal(await answersTo(port, ['HEAD / HTTP/1.1\r\nHost: h\r\n\r\n', GET]), 2);
});

test('end(body, true) still executes the next request of the packet', async (context) => {
  // Why a closing answer is left pending, and why refusals are padded.
  const port = await open(context, (res) => {
    res.onAborted(() => undefined);
    res.end('bye', true);
  });
  assert.equal(await answersTo(port, [GET + GET]), 2);
});

test('a request line cut inside its version is refused with 505', async (context) => {
  // A packet that ends just there, and only there, is not our fault.
  const port = await open(context, (res) => {
    res.onAborted(() => undefined);
    res.end('ok');
  });
  for (const [end, status] of [
    ['GET /a'.length, '200'],
    ['GET /a HTT'.length, '505'],
    ['GET /a HTTP/1.1\r\nHo'.length, '200'],
  ] as const) {
    const bytes = GET.replace('/ ', '/a ');
    const client = await RawClient.open(port);
    client.send(bytes.slice(0, end));
    await delay(20);
    client.send(bytes.slice(end));
    await client.bytes(12);
    assert.equal(client.received.toString('latin1', 9, 12), status);
    client.destroy();
  }
});

test('headers after an empty header name are invisible', async (context) => {
  // Nothing can be done about it, see uws-transport.ts.
  const names: string[] = [];
  const port = await open(context, (res, req) => {
    res.onAborted(() => undefined);
    req.forEach((name) => names.push(name));
    res.end('ok');
  });
  await answersTo(port, ['GET / HTTP/1.1\r\nHost: h\r\n: a\r\nContent-Length: 3\r\n\r\n']);
  assert.deepEqual(names, ['host']);
});

/** A bare application of the library. */
async function open(
  context: TestContext,
  handler: (res: uws.HttpResponse, req: uws.HttpRequest) => void,
): Promise<number> {
  process.env['UWS_HTTP_MAX_HEADERS_SIZE'] ??= '32768';
  const library = await import('uWebSockets.js');
  const app = library.App().any('/*', handler);
  context.after(() => app.close());
  return new Promise((resolve, reject) => {
    app.listen('127.0.0.1', 0, (listenSocket) => {
      if (listenSocket === false) reject(new Error('cannot listen'));
      else resolve(library.us_socket_local_port(listenSocket));
    });
  });
}

/** Sends packets one after the other and counts the answers. */
async function answersTo(port: number, packets: readonly string[]): Promise<number> {
  const client = await RawClient.open(port);
  for (const packet of packets) {
    client.send(packet);
    await delay(60);
  }
  client.destroy();
  return client.received.toString('latin1').split('HTTP/1.1 ').length - 1;
}

async function digestOf(platform: string): Promise<string> {
  const path = new URL(`bin/uws_${platform}.node`, import.meta.resolve('uWebSockets.js'));
  return createHash('sha256')
    .update(await readFile(fileURLToPath(path)))
    .digest('hex');
}
