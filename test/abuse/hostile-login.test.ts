// Many requests with wrong signatures: refused, cheap, and no trouble for others.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { cpuMicroseconds } from '../support/process-figures.js';
import { rawRequest } from '../support/raw-request.js';
import { reportFigure } from '../support/reliability.js';
import { countOf, IS_FULL, startAbused } from './abused-server.js';
import type { FloodResult } from './abuses/flood.js';
import type { SteadyResult } from './abuses/steady.js';

const BUCKET = 'abused';
const RATE = countOf({ full: 2_000, quick: 300 });
const FLOOD_MS = IS_FULL ? 60_000 : 5_000;
/** Ten times what is promised: 30 % of a core for 2,000 a second. */
const CPU_US_MAX = 1_500;

test('P-31 wrong signatures are refused, change nothing and cost little', async (context) => {
  const server = await startAbused(context);
  await rawRequest(server, { method: 'PUT', path: `/${BUCKET}` });
  await rawRequest(server, { method: 'PUT', path: `/${BUCKET}/small`, body: 'small' });
  /** The others alone for as long, or with what is done meanwhile. */
  const measured = async <Result>(work: () => Promise<Result>) => {
    const cpuBefore = cpuMicroseconds(server.childPids('server'));
    const steady = server.start<SteadyResult>('steady', { path: `/${BUCKET}/small` });
    const result = await work();
    const others = await steady.end();
    return { result, others, cpuUs: cpuMicroseconds(server.childPids('server')) - cpuBefore };
  };
  await measured(() => sleep(1_000));
  const before = await server.state();
  await server.inside();
  const alone = await measured(() => sleep(FLOOD_MS));
  const flooded = await measured(() =>
    server.run<FloodResult>('flood', {
      ...{ method: 'PUT', path: `/${BUCKET}/forged-#`, bodyBytes: 100, variantsCount: 500 },
      ...{ isForged: true, ratePerSecond: RATE, durationMs: FLOOD_MS, connectionsCountMax: 64 },
    }),
  );

  const { statuses, sentCount } = flooded.result;
  assert.deepEqual(statuses, { '403': sentCount });
  assert.equal(flooded.others.errorCount, 0);
  const listed = await rawRequest(server, {
    method: 'GET',
    path: `/${BUCKET}`,
    query: 'list-type=2',
  });
  assert.equal(listed.text.split('<Contents>').length - 1, 1, 'nothing was stored');
  const cpuUs = Math.max(0, flooded.cpuUs - alone.cpuUs);
  assert.ok(cpuUs / sentCount < CPU_US_MAX, `${(cpuUs / sentCount).toFixed(0)} us for each`);
  await server.waitForState(before);
  reportFigure('P-31', {
    what: 'wrong signatures',
    figure:
      `${sentCount} in ${FLOOD_MS / 1000} s, all 403: ${(cpuUs / FLOOD_MS / 10).toFixed(1)} % of a core ` +
      `(${(cpuUs / sentCount).toFixed(0)} us each); small GETs p99 ${alone.others.p99Ms.toFixed(1)} ms ` +
      `before, ${flooded.others.p99Ms.toFixed(1)} ms meanwhile`,
    faultCount: sentCount,
  });
  await server.reportHealth('wrong signatures');
});
