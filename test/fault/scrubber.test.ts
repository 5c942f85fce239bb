// The scrubber of a running server: finds what is damaged, tells it once, goes on after a restart.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { PutObjectCommand } from '@aws-sdk/client-s3';

import { metric } from '../support/metric.js';
import { reportFigure } from '../support/reliability.js';
import { s3Client } from '../support/s3-client.js';
import { waitFor, type TestServer } from '../support/server.js';
import { BUCKET, flipBit, startDamageableServer } from './damageable-server.js';

/** A pass begins 10 s after a start; the rest is for a slow machine. */
const PASS_MS_MAX = 60_000;
const COUNT = 40;

test('the scrubber finds a damaged object, counts it, shows it, and tells it once', async (context) => {
  const { server, damageable } = await start(context);
  const client = s3Client(server);
  context.after(() => client.destroy());
  for (let index = 0; index < COUNT; index += 1) {
    await damageable.put(`object-${index}`, randomBytes(5_000 + index));
  }
  const [first] = await damageable.blobsOf('object-7');
  const [second] = await damageable.blobsOf('object-8');
  assert(first !== undefined && second !== undefined);
  flipBit(first.dataFile, 4_999, 3);
  flipBit(second.sidecarFile, 30, 0);
  await server.restart();

  await waitForPass(server, 0);
  assert.equal(await metric(server, 's3ish_scrub_blobs_total'), COUNT + 2, 'two were seen again');
  assert.equal(await metric(server, 's3ish_scrub_errors_total{kind="data"}'), 1);
  assert.equal(await metric(server, 's3ish_scrub_errors_total{kind="sidecar"}'), 1);
  assert.equal(await metric(server, 's3ish_scrub_errors_total{kind="record"}'), 0);
  assert.equal(await metric(server, 's3ish_scrub_errors_total{kind="index"}'), 0);
  assert.equal(await metric(server, 's3ish_damaged_objects'), 2);
  assert.equal(await metric(server, 's3ish_scrub_progress_ratio'), 1);
  assert.ok((await metric(server, 's3ish_scrub_bytes_total')) >= COUNT * 5_000);
  assert.equal(await damagedCountOfHealth(server), 2);
  assert.deepEqual(told(server), [
    { bucket: BUCKET, key: 'object-7', damage: 'data' },
    { bucket: BUCKET, key: 'object-8', damage: 'sidecar' },
  ]);

  const idle = statSync(stateFile(server)).mtimeMs;
  assert.equal(await damageable.read('object-7', randomBytes(5_007)), 'refused');
  assert.equal(await metric(server, 's3ish_damaged_reads_total'), 1, 'GET counts it as well');

  // Replaced and deleted objects are in order; what is known is not told again by the next pass.
  await client.send(new PutObjectCommand({ Bucket: BUCKET, Key: 'object-7', Body: 'new' }));
  const [third] = await damageable.blobsOf('object-9');
  assert(third !== undefined);
  rmSync(third.dataFile);
  assert.equal(statSync(stateFile(server)).mtimeMs, idle, 'nothing is written between passes');
  rmSync(stateFile(server));
  await server.restart();
  await waitForPass(server, 0);
  assert.equal(await metric(server, 's3ish_damaged_objects'), 2);
  assert.deepEqual(told(server).at(-1), { bucket: BUCKET, key: 'object-9', damage: 'data' });
  reportFigure('P-10', {
    what: 'damage found by the scrubber of a running server',
    figure: '3 of 3 damaged objects found within one pass, each told once, no false alarm',
    faultCount: 3,
  });
});

test('a pass goes on after kill -9 where it was', async (context) => {
  const { server, damageable } = await start(context, { scrub_mib_per_sec: 1 });
  for (let index = 0; index < 48; index += 1) {
    await damageable.put(`object-${10 + index}`, randomBytes(1_000_000));
  }
  await server.restart();
  const isUnderWay = () => existsSync(stateFile(server)) && positionOf(server) !== undefined;
  await waitFor('a first note of the position', isUnderWay, 2 * PASS_MS_MAX);
  const before = positionOf(server) ?? '';
  assert.ok(before > 'object-10' && before < 'object-57', before);
  await server.killAll();
  await server.restart();
  await waitFor(
    'the scrubber to read on',
    async () => (await metric(server, 's3ish_scrub_blobs_total')) > 0,
    PASS_MS_MAX,
  );
  await sleep(500);
  assert.ok((await metric(server, 's3ish_scrub_progress_ratio')) > 0.2, 'it did not begin anew');
  assert.deepEqual(told(server), []);
});

async function start(context: TestContext, storage: Record<string, number> = {}) {
  const damageable = await startDamageableServer({
    ...{ scrub_interval_hours: 1, scrub_mib_per_sec: 1000 },
    ...storage,
  });
  context.after(() => damageable.stop());
  return { server: damageable.server, damageable };
}

async function damagedCountOfHealth(server: TestServer): Promise<unknown> {
  const health = (await (await fetch(`${server.adminEndpoint}/_health`)).json()) as object;
  return 'damagedCount' in health && health.damagedCount;
}

async function waitForPass(server: TestServer, afterSecs: number): Promise<void> {
  await waitFor(
    'a pass of the scrubber to end',
    async () => (await metric(server, 's3ish_scrub_last_pass_timestamp_seconds')) > afterSecs,
    PASS_MS_MAX,
  );
}

function stateFile(server: TestServer): string {
  return join(server.dataPath, '.s3ish/metadata/scrub.json');
}

function positionOf(server: TestServer): string | undefined {
  const state = JSON.parse(readFileSync(stateFile(server), 'utf8')) as { after?: { key: string } };
  return state.after?.key;
}

/** What the log says was found. */
function told(server: TestServer): object[] {
  return server
    .output()
    .split('\n')
    .filter((line) => line.includes('The scrubber found damage'))
    .map((line) => JSON.parse(line) as Record<string, unknown>)
    .map(({ bucket, key, damage }) => ({ bucket, key, damage }));
}
