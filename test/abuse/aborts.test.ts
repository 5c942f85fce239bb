// Requests that end at a random byte, and connections that never make a request: nothing is left.

import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';

import { rawRequest } from '../support/raw-request.js';
import { reportFigure } from '../support/reliability.js';
import { countOf, startAbused, type AbusedServer } from './abused-server.js';
import type { CutResult } from './abuses/cuts.js';
import type { MalformedResult } from './abuses/malformed.js';
import type { ReaderResult } from './abuses/readers.js';
import type { UploadResult } from './abuses/uploads.js';
import { storeLargeObject } from './large-object.js';

const MIB = 1024 ** 2;
const CUTS = countOf({ full: 100_000, quick: 3_000 });
const PARALLEL = 32;
/** Requests that may move payload at once, each way: all of these places must come back. */
const PLACES = 40;
const LARGE_MIB = 8;
const MALFORMED = countOf({ full: 200, quick: 20 });
/** Of memory after collections, before and after: the promise is 2 %, the machine is not alone. */
const GROWTH_MAX = 0.25;
const SEED = Number(process.env['S3ISH_ABUSE_SEED'] ?? randomInt(2 ** 31));
const BUCKET = 'abused';

async function start(context: TestContext): Promise<AbusedServer & { readonly digest: string }> {
  console.log(`S3ISH_ABUSE_SEED=${SEED}`);
  const storage = { max_concurrent_uploads: PLACES, max_concurrent_downloads: PLACES };
  const server = await startAbused(context, { settings: { storage } });
  await rawRequest(server, { method: 'PUT', path: `/${BUCKET}` });
  await rawRequest(server, { method: 'PUT', path: `/${BUCKET}/small`, body: 'small' });
  const digest = await storeLargeObject(server, `/${BUCKET}/large`, LARGE_MIB);
  return { ...server, digest };
}

test('P-18 100,000 requests cut at random bytes leave nothing behind', async (context) => {
  const server = await start(context);
  const cut = (count: number): Promise<CutResult> =>
    server.run<CutResult>('cuts', {
      ...{ bucket: BUCKET, largeKey: 'large', count, parallel: PARALLEL, seed: SEED },
    });
  // Code is compiled and memory is found in the first of them.
  await cut(Math.ceil(CUTS / 4));
  const [warm] = await server.inside();
  const before = await server.state();
  const slotsBefore = readerSlots(server.dataPath);
  const { ways } = await cut(CUTS);

  const backMs = await server.waitForState(before);
  const [after] = await server.inside();
  assert.ok(warm !== undefined && after !== undefined);
  assert.equal(
    Object.keys(ways).length,
    4,
    `every way to leave was tried: ${Object.keys(ways).join()}`,
  );
  assert.ok(readerSlots(server.dataPath) <= slotsBefore, 'readers of the index are gone');
  const timers = (figures: typeof warm): number => figures.resources['Timeout'] ?? 0;
  assert.ok(timers(after) <= timers(warm) + 1, `${timers(after)} timers are set`);
  const growth = after.collectedBytes / warm.collectedBytes - 1;
  assert.ok(
    growth <= GROWTH_MAX,
    `memory after a collection grew by ${(growth * 100).toFixed(1)} %`,
  );
  await assertAllPlacesAreFree(server, server.digest);
  reportFigure('P-18', {
    what: 'requests cut at random bytes',
    figure:
      `${CUTS} requests (${waysText(ways)}): descriptors, staged payloads, index readers, timers and ` +
      `places were back ${(backMs / 1000).toFixed(1)} s later; memory after a collection ` +
      `${(growth * 100).toFixed(1)} % (${(after.collectedBytes / MIB).toFixed(0)} MiB)`,
    seed: SEED,
    faultCount: CUTS,
  });
  await server.reportHealth('requests cut at random bytes');
});

test('P-18 connections that never make a request are closed, and nothing of them is executed', async (context) => {
  const server = await start(context);
  const before = await server.state();
  const result = await server.run<MalformedResult>('malformed', {
    ...{ bucket: BUCKET, count: MALFORMED, seed: SEED },
  });
  const left = Object.values(result.leftCounts);
  assert.deepEqual(
    left,
    left.map(() => 0),
    JSON.stringify(result.leftCounts),
  );
  const { status } = await rawRequest(server, { method: 'HEAD', path: `/${BUCKET}/never` });
  assert.equal(status, 404);
  const others = Object.entries(result.served).filter(([name]) => !name.startsWith('a whole'));
  for (const [name, count] of others) assert.equal(count, 0, name);
  await server.waitForState(before);
  const kinds = Object.keys(result.leftCounts);
  reportFigure('P-18', {
    what: 'connections that never make a request',
    figure: `${MALFORMED} each of ${kinds.join(', ')}: all closed by the server, nothing left`,
    seed: SEED,
    faultCount: MALFORMED * kinds.length,
  });
});

/** As many requests as may move payload, at the same time: one place lost and one is refused. */
async function assertAllPlacesAreFree(server: AbusedServer, digest: string): Promise<void> {
  const { outcomes } = await server.run<UploadResult>('uploads', {
    ...{ bucket: BUCKET, count: PLACES, sizeBytes: 20_000, bytesPerSecond: 10_000, stepMs: 250 },
  });
  assert.deepEqual(outcomes, { '200': PLACES });
  const before = await server.state();
  const readers = server.start<ReaderResult>('readers', {
    path: `/${BUCKET}/large`,
    sizeBytes: LARGE_MIB * MIB,
    ...{ count: PLACES, readMs: 2_000, finishersCount: PLACES },
  });
  await readers.message('stopped');
  assert.equal((await server.state()).inFlight - before.inFlight, PLACES);
  const { digests } = await readers.end();
  assert.deepEqual([...new Set(digests)], [digest]);
}

/** LMDB's own count of reader slots that were ever in use at the same time. */
function readerSlots(dataPath: string): number {
  const lock = readFileSync(join(dataPath, '.s3ish', 'metadata', 'lock.mdb'));
  assert.equal(lock.readUInt32LE(0), 0xbeefc0de, 'a lock file of LMDB');
  return lock.readUInt32LE(16);
}

function waysText(ways: CutResult['ways']): string {
  return Object.entries(ways)
    .map(([way, count]) => `${count} ${way}`)
    .join(', ');
}
