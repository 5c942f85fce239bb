// Connections that do almost nothing, and more connections than there may be.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { rawRequest } from '../support/raw-request.js';
import { reportFigure } from '../support/reliability.js';
import { countOf, IS_FULL, startAbused } from './abused-server.js';
import type { IdleResult } from './abuses/idle.js';
import { openSocket, openSockets, waitUntilClosed } from './abuses/sockets.js';
import type { SteadyResult } from './abuses/steady.js';

const MIB = 1024 ** 2;
const CONNECTIONS = countOf({ full: 10_000, quick: 400 });
/** uWebSockets.js closes after 8 to 12 s, by a timer that ticks every 4 s. */
const TOUCH_MS = 4_000;
const HELD_MS = IS_FULL ? 600_000 : 14_000;
const BASELINE_MS = IS_FULL ? 10_000 : 2_000;
const GROWTH_MIB_MAX = 100;
const BUCKET = 'abused';

test('P-15 idle connections are kept, cost little memory, and go when they are left alone', async (context) => {
  const server = await startAbused(context, { processes: 2 });
  const path = `/${BUCKET}/small`;
  await rawRequest(server, { method: 'PUT', path: `/${BUCKET}` });
  await rawRequest(server, { method: 'PUT', path, body: 'small' });
  const others = server.start<SteadyResult>('steady', { path });
  await sleep(BASELINE_MS);
  const alone = await others.end();
  await server.inside();
  const before = await server.state();
  const beforeBytes = server.residentBytes();

  const idle = server.start<IdleResult>('idle', { count: CONNECTIONS, path, touchMs: TOUCH_MS });
  assert.equal(await idle.message('open'), CONNECTIONS);
  const meanwhile = server.start<SteadyResult>('steady', { path });
  let peakBytes = 0;
  const sampler = setInterval(() => (peakBytes = Math.max(peakBytes, server.residentBytes())), 200);
  context.after(() => clearInterval(sampler));
  await sleep(HELD_MS);
  const during = await meanwhile.end();
  const result = await idle.end();

  const growthMib = (peakBytes - beforeBytes) / MIB;
  assert.equal(result.lostCount, 0, 'a connection that is used is kept');
  assert.ok(result.answersCount >= CONNECTIONS * 2, `${result.answersCount} answers`);
  assert.equal(during.errorCount, 0);
  assert.ok(growthMib <= GROWTH_MIB_MAX, `resident memory grew by ${growthMib.toFixed(0)} MiB`);
  assert.equal(result.leftCount, 0, 'a connection that is not used is closed');
  await server.waitForState(before);
  reportFigure('P-15', {
    what: 'idle connections',
    figure:
      `${CONNECTIONS} connections for ${HELD_MS / 1000} s, 0 lost, ${result.answersCount} answers: ` +
      `resident memory of all processes +${growthMib.toFixed(0)} MiB at most; other GETs p99 ` +
      `${alone.p99Ms.toFixed(1)} ms before, ${during.p99Ms.toFixed(1)} ms meanwhile; left alone, all ` +
      `were closed after ${(result.closedMs / 1000).toFixed(0)} s`,
    faultCount: CONNECTIONS,
  });
  await server.reportHealth('idle connections');
});

test('P-15 connections beyond max_connections are closed at once, and others go on', async (context) => {
  const settings = { server: { max_connections: 20 } };
  const server = await startAbused(context, { settings });
  const request = 'GET / HTTP/1.1\r\nHost: h\r\n\r\n';
  const held = await openSockets(server.target, 20);
  const beyond = await openSockets(server.target, 30);
  for (const socket of beyond) socket.resume();
  assert.equal(await waitUntilClosed(beyond, 5_000), 0, 'those beyond are closed');
  for (const socket of held) {
    socket.write(request);
    const [answer] = (await once(socket, 'data')) as [Buffer];
    assert.match(answer.toString(), /^HTTP\/1\.1 403 /, 'anonymous, but answered');
  }
  held[0]?.destroy();
  // The server learns of it in its own time.
  for (let isAnswered = false; !isAnswered;) {
    const socket = openSocket(server.target);
    socket.write(request);
    isAnswered = await Promise.race([
      once(socket, 'data').then(() => true),
      once(socket, 'close').then(() => false),
      once(socket, 'end').then(() => false),
    ]);
    socket.destroy();
  }
  for (const socket of [...held, ...beyond]) socket.destroy();
});
