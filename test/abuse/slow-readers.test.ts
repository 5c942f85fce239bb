// Readers that hardly read, or not at all: they cost little memory, and get the right bytes when
// they go on.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { rawRequest } from '../support/raw-request.js';
import { reportFigure } from '../support/reliability.js';
import { countOf, IS_FULL, startAbused } from './abused-server.js';
import type { ReaderResult } from './abuses/readers.js';
import type { SteadyResult } from './abuses/steady.js';
import { storeLargeObject } from './large-object.js';

const MIB = 1024 ** 2;
const READERS = countOf({ full: 1000, quick: 200 });
const OBJECT_MIB = IS_FULL ? 1024 : 64;
const READ_MS = IS_FULL ? 60_000 : 5_000;
const STOPPED_MS = IS_FULL ? 30_000 : 5_000;
const FINISHERS = IS_FULL ? 4 : 20;
const BASELINE_MS = IS_FULL ? 10_000 : 2_000;
/** Longer than the test: by default they would be disconnected in the middle of it. */
const WRITE_TIMEOUT_SECS = 600;
/** Of all readers together. */
const GROWTH_MIB_MAX = 128;
const BUCKET = 'abused';

test('P-17 readers that do not read cost at most 128 MiB together, and lose nothing', async (context) => {
  // To the server a kibibyte a second is nothing: the buffers of the kernel hide it.
  const settings = { server: { write_timeout_secs: WRITE_TIMEOUT_SECS } };
  const server = await startAbused(context, { settings });
  const path = `/${BUCKET}/large`;
  await rawRequest(server, { method: 'PUT', path: `/${BUCKET}` });
  await rawRequest(server, { method: 'PUT', path: `/${BUCKET}/small`, body: 'small' });
  const digest = await storeLargeObject(server, path, OBJECT_MIB);

  const steady = async (): Promise<SteadyResult> => {
    const others = server.start<SteadyResult>('steady', { path: `/${BUCKET}/small` });
    await sleep(BASELINE_MS);
    return others.end();
  };
  const alone = await steady();
  await server.inside();
  const before = await server.state();
  const beforeBytes = server.residentBytes();

  const readers = server.start<ReaderResult>('readers', {
    path,
    sizeBytes: OBJECT_MIB * MIB,
    count: READERS,
    readMs: READ_MS,
    finishersCount: FINISHERS,
  });
  let peakBytes = 0;
  const sampler = setInterval(() => (peakBytes = Math.max(peakBytes, server.residentBytes())), 200);
  context.after(() => clearInterval(sampler));
  await readers.message('stopped');
  const during = await steady();
  await sleep(STOPPED_MS);
  const held = await server.state();
  const growthMib = (peakBytes - beforeBytes) / MIB;
  const { bytesEach, closedCount, digests } = await readers.end();

  assert.equal(held.inFlight - before.inFlight, READERS, 'all of them are still served');
  assert.equal(closedCount, 0);
  assert.ok(bytesEach > 0);
  // A connection each, and at most the file being read.
  assert.ok(held.descriptors - before.descriptors <= 2 * READERS, 'descriptors are bounded');
  assert.ok(growthMib <= GROWTH_MIB_MAX, `resident memory grew by ${growthMib.toFixed(0)} MiB`);
  assert.deepEqual(
    digests,
    Array.from({ length: FINISHERS }, () => digest),
  );
  assert.equal(during.errorCount, 0);
  const backMs = await server.waitForState(before);
  reportFigure('P-17', {
    what: 'readers that take 1 KiB a second, then nothing',
    figure:
      `${READERS} readers of ${OBJECT_MIB} MiB: resident memory +${growthMib.toFixed(0)} MiB at most; ` +
      `small GETs p99 ${alone.p99Ms.toFixed(1)} ms before, ${during.p99Ms.toFixed(1)} ms meanwhile; ` +
      `everything back after ${(backMs / 1000).toFixed(1)} s`,
    faultCount: READERS,
  });
  await server.reportHealth('readers that do not read');
});
