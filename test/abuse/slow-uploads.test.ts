// Uploads that trickle: they cost little memory and succeed, or are dropped as the settings say.

import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { rawRequest } from '../support/raw-request.js';
import { reportFigure } from '../support/reliability.js';
import { countOf, IS_FULL, startAbused, type AbusedServer } from './abused-server.js';
import type { SteadyResult } from './abuses/steady.js';
import { fillOf, type UploadResult } from './abuses/uploads.js';

const MIB = 1024 ** 2;
const KIB = 1024;
const UPLOADS = countOf({ full: 1000, quick: 200 });
const SECONDS = IS_FULL ? 300 : 8;
/** Above the 12 s after which uWebSockets.js cuts uploads when it is left to itself. */
const TRICKLE_SECONDS = IS_FULL ? 60 : 16;
const BASELINE_MS = IS_FULL ? 10_000 : 2_000;
const GROWTH_MIB_MAX = 256;
const BUCKET = 'abused';

async function start(context: TestContext, server: Readonly<Record<string, number>>) {
  // So little that every upload goes to a file.
  const settings = { server, storage: { inline_max_kb: 1 } };
  const abused = await startAbused(context, { settings });
  await rawRequest(abused, { method: 'PUT', path: `/${BUCKET}` });
  await rawRequest(abused, { method: 'PUT', path: `/${BUCKET}/small`, body: 'small' });
  return abused;
}

/** Keys of the bucket that uploads have made. */
async function uploadedCount(server: AbusedServer): Promise<number> {
  const { text } = await rawRequest(server, {
    method: 'GET',
    path: `/${BUCKET}`,
    query: 'list-type=2&prefix=upload-',
  });
  return text.split('<Contents>').length - 1;
}

test('P-16 uploads of 20 KiB/s all succeed and cost at most 256 MiB together', async (context) => {
  const server = await start(context, {});
  const steady = server.start<SteadyResult>('steady', { path: `/${BUCKET}/small` });
  await sleep(BASELINE_MS);
  const alone = await steady.end();
  await server.inside();
  const before = await server.state();
  const beforeBytes = server.residentBytes();

  const bytesPerSecond = 20 * KIB;
  const sizeBytes = bytesPerSecond * SECONDS;
  const uploads = server.start<UploadResult>('uploads', {
    ...{ bucket: BUCKET, count: UPLOADS, sizeBytes, bytesPerSecond, stepMs: 250 },
  });
  const others = server.start<SteadyResult>('steady', { path: `/${BUCKET}/small` });
  let peakBytes = 0;
  const sampler = setInterval(() => (peakBytes = Math.max(peakBytes, server.residentBytes())), 200);
  context.after(() => clearInterval(sampler));
  const { outcomes } = await uploads.end();
  const during = await others.end();

  assert.deepEqual(outcomes, { '200': UPLOADS });
  for (const index of [0, UPLOADS - 1]) {
    const path = `/${BUCKET}/upload-${index}`;
    const { body } = await rawRequest(server, { method: 'GET', path });
    assert.ok(body.equals(Buffer.alloc(sizeBytes, fillOf(index))));
  }
  const growthMib = (peakBytes - beforeBytes) / MIB;
  assert.ok(growthMib <= GROWTH_MIB_MAX, `resident memory grew by ${growthMib.toFixed(0)} MiB`);
  assert.equal(during.errorCount, 0);
  await server.waitForState(before);
  reportFigure('P-16', {
    what: 'uploads of 20 KiB a second',
    figure:
      `${UPLOADS} uploads of ${SECONDS} s, all stored: resident memory +${growthMib.toFixed(0)} MiB at ` +
      `most; small GETs p99 ${alone.p99Ms.toFixed(1)} ms before, ${during.p99Ms.toFixed(1)} ms meanwhile`,
    faultCount: UPLOADS,
  });
  await server.reportHealth('slow uploads');
});

test('P-16 uploads of 200 B/s are waited for, as long as bytes come', async (context) => {
  const server = await start(context, { read_timeout_secs: 4 });
  const before = await server.state();
  const parameters = { bytesPerSecond: 200, sizeBytes: 200 * TRICKLE_SECONDS, stepMs: 1000 };
  const count = UPLOADS;
  const { outcomes } = await server.run<UploadResult>('uploads', {
    ...{ bucket: BUCKET, count, ...parameters },
  });
  assert.deepEqual(outcomes, { '200': UPLOADS });
  assert.equal(await uploadedCount(server), UPLOADS);
  await server.waitForState(before);
  const figure = `${UPLOADS} uploads of ${TRICKLE_SECONDS} s, all stored`;
  reportFigure('P-16', { what: 'uploads of 200 bytes a second', figure, faultCount: UPLOADS });
});

test('P-16 uploads of 200 B/s are dropped where min_upload_rate wants more, and leave nothing', async (context) => {
  const server = await start(context, { read_timeout_secs: 4, min_upload_rate: 1024 });
  const before = await server.state();
  const { outcomes } = await server.run<UploadResult>('uploads', {
    ...{ bucket: BUCKET, count: UPLOADS, bytesPerSecond: 200, sizeBytes: 6 * KIB, stepMs: 500 },
  });
  assert.deepEqual(outcomes, { '400': UPLOADS });
  assert.equal(await uploadedCount(server), 0);
  const backMs = await server.waitForState(before);
  const figure = `${UPLOADS} uploads, all refused; nothing left ${(backMs / 1000).toFixed(1)} s later`;
  const what = 'uploads of 200 bytes a second where 1 KiB is wanted';
  reportFigure('P-16', { what, figure, faultCount: UPLOADS });
});
