// Ten times the requests that the server can serve: it serves what it can, and tells the rest soon.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { rawRequest } from '../support/raw-request.js';
import { reportFigure } from '../support/reliability.js';
import { waitFor } from '../support/server.js';
import { headerSigned, wireHead } from '../support/signed-request.js';
import { countOf, IS_FULL, startAbused } from './abused-server.js';
import type { FloodRequests, FloodResult } from './abuses/flood.js';
import { openSockets } from './abuses/sockets.js';
import { outcomeOf } from './abuses/uploads.js';

const BUCKET = 'abused';
const KEYS = 1000;
const PEAK_MS = IS_FULL ? 10_000 : 1_500;
const FLOOD_MS = IS_FULL ? 60_000 : 3_000;
const CONNECTIONS = countOf({ full: 2_000, quick: 400 });
const PLACES = 128;
const OVERLOAD = 10;
/** Of the peak. 70 % is promised where servers and clients have a core each. */
const GOODPUT_MIN = IS_FULL ? 0.5 : 0.05;
const RECOVERY_MS_MAX = 50_000;

const KINDS: Readonly<Record<string, Omit<FloodRequests, 'target'>>> = {
  'lists of 1,000 keys': {
    ...{ method: 'GET', path: `/${BUCKET}`, query: 'list-type=2&prefix=list', variantsCount: 1 },
  },
  'PUTs of 4 KiB': {
    ...{ method: 'PUT', path: `/${BUCKET}/put-#`, bodyBytes: 4096, variantsCount: 500 },
  },
  'GETs of 1 MiB': { method: 'GET', path: `/${BUCKET}/large-#`, variantsCount: 16 },
};

for (const [name, requests] of Object.entries(KINDS)) {
  test(`P-20 ten times too many ${name} are served as far as possible, the rest refused`, async (context) => {
    // What waits for the disk or the network is limited by count, to what they do in 100 ms.
    const settings = {
      storage: { max_concurrent_uploads: PLACES, max_concurrent_downloads: PLACES },
    };
    const server = await startAbused(context, { settings });
    await rawRequest(server, { method: 'PUT', path: `/${BUCKET}` });
    for (let first = 0; first < KEYS; first += 50) {
      const paths = Array.from({ length: 50 }, (_, index) => `/${BUCKET}/list-${first + index}`);
      await Promise.all(paths.map((path) => rawRequest(server, { method: 'PUT', path, body: '' })));
    }
    for (let index = 0; index < 16; index += 1) {
      const path = `/${BUCKET}/large-${index}`;
      await rawRequest(server, { method: 'PUT', path, body: Buffer.alloc(1024 ** 2, index) });
    }
    const peakOf = (): Promise<number> =>
      server.run<number>('peak', { ...requests, durationMs: PEAK_MS, connectionsCount: 32 });
    const peak = await peakOf();
    await server.inside();
    const before = await server.state();

    const flood = await server.run<FloodResult>('flood', {
      ...requests,
      ratePerSecond: Math.ceil(peak * OVERLOAD),
      durationMs: FLOOD_MS,
      connectionsCountMax: CONNECTIONS,
    });
    const endedMs = performance.now();
    while (
      (await rawRequest(server, { method: 'GET', path: `/${BUCKET}/list-0` })).status !== 200
    ) {
      await sleep(20);
    }
    const recoveryMs = performance.now() - endedMs;
    const after = await peakOf();

    const statuses = Object.keys(flood.statuses).sort();
    assert.deepEqual(statuses, ['200', '503'], 'nothing but answers and refusals');
    assert.equal(flood.oddRefusalsCount, 0, 'every refusal is SlowDown with Retry-After');
    const goodput = flood.goodPerSecond / peak;
    assert.ok(goodput >= GOODPUT_MIN, `goodput is ${(goodput * 100).toFixed(0)} % of the peak`);
    assert.ok(recoveryMs <= RECOVERY_MS_MAX);
    await server.waitForState(before);
    const offered = (flood.sentCount + flood.heldBackCount) / (FLOOD_MS / 1000);
    reportFigure('P-20', {
      what: name,
      figure:
        `${peak.toFixed(0)} a second at peak, ${offered.toFixed(0)} a second offered for ` +
        `${FLOOD_MS / 1000} s over ${CONNECTIONS} connections: ${(goodput * 100).toFixed(0)} % of the ` +
        `peak served, ${flood.statuses['503']} refused (p50 ${flood.refusalP50Ms.toFixed(0)} ms, p99 ` +
        `${flood.refusalP99Ms.toFixed(0)} ms after they were sent); first answer ` +
        `${recoveryMs.toFixed(0)} ms after the end, then ${((after / peak) * 100).toFixed(0)} % of the peak`,
      faultCount: flood.sentCount,
    });
    await server.reportHealth(`ten times too many ${name}`);
  });
}

test('P-20 requests beyond max_requests are refused before their signature is looked at', async (context) => {
  const server = await startAbused(context, { settings: { server: { max_requests: 4 } } });
  await rawRequest(server, { method: 'PUT', path: `/${BUCKET}` });
  const sockets = await openSockets(server.target, 4);
  const outcomes = sockets.map(outcomeOf);
  for (const [index, socket] of sockets.entries()) {
    const rawPath = `/${BUCKET}/slow-${index}`;
    const head = headerSigned(server, { method: 'PUT', rawPath, payloadHash: 'UNSIGNED-PAYLOAD' });
    socket.write(`${wireHead(head, 'content-length: 6\r\n')}abc`);
  }
  await waitFor('four requests in progress', async () => (await server.state()).inFlight === 4);
  const get = { method: 'GET', path: `/${BUCKET}` };
  const forger = { ...server.target, secretKey: 'wrong' };
  for (const signer of [server.target, forger]) {
    const { status, code, headers } = await rawRequest(signer, get);
    assert.deepEqual([status, code, headers['retry-after']], [503, 'SlowDown', '1']);
  }
  // In one line a second, not in one each.
  await waitFor('the refusals to be told', () =>
    /"count":2,"msg":"Requests were refused with SlowDown, unread"/.test(server.output()),
  );
  for (const socket of sockets) socket.write('def');
  assert.deepEqual(await Promise.all(outcomes), ['200', '200', '200', '200']);
  assert.equal((await rawRequest(server, get)).status, 200);
  assert.equal((await rawRequest(forger, get)).status, 403);
  for (const socket of sockets) socket.destroy();
});
