// A disk that fails and comes back: what still works meanwhile, and that service returns by itself.

import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { metric } from '../support/metric.js';
import type { RawReply } from '../support/raw-request.js';
import { reportFigure } from '../support/reliability.js';
import { startServer, waitFor, type TestServer } from '../support/server.js';
import { CALLS, DiskFaults, whyNoDiskFaults } from './disk-faults.js';
import { request } from './write-paths.js';

const SMALL = Buffer.alloc(100, 's');
const LARGE = Buffer.alloc(300_000, 'l');

const why = whyNoDiskFaults();
const skip = why === undefined ? false : `NOT TESTED: disks that fail: ${why}`;
const directory = mkdtempSync(join(tmpdir(), 's3ish-failed-'));
const dataPath = join(directory, 'data');
const metadataPath = join(directory, 'index');

let faults: DiskFaults;
let server: TestServer;

before(async () => {
  if (skip !== false) {
    console.log(skip);
    return;
  }
  faults = new DiskFaults(directory);
  server = await startServer({
    dataPath,
    env: faults.env,
    // The sweeper's commits would be counted among those of requests.
    settings: { storage: { metadata_path: metadataPath, sweep_interval_secs: 3600 } },
  });
  assert.equal((await request(server, '', { method: 'PUT' })).status, 200);
  for (const key of ['small', 'small-2']) assert.equal(await put(key, SMALL), 200);
  for (const key of ['large', 'large-2', 'large-3']) assert.equal(await put(key, LARGE), 200);
});
after(async () => {
  if (skip === false) await server.stop();
  rmSync(directory, { recursive: true });
});

async function put(key: string, body: Buffer): Promise<number> {
  return (await request(server, key, { method: 'PUT', body })).status;
}

function get(key: string): Promise<RawReply> {
  return request(server, key, { method: 'GET' });
}

async function assertReadable(): Promise<void> {
  assert.ok((await get('small')).body.equals(SMALL));
  assert.ok((await get('large')).body.equals(LARGE));
  const list = await request(server, '', { method: 'GET', query: 'list-type=2' });
  assert.match(list.text, /<Key>large<\/Key>.*<Key>small<\/Key>/s);
}

async function health(): Promise<{ status: number; word: string }> {
  const reply = await fetch(`${server.adminEndpoint}/_health`);
  const { status: word } = (await reply.json()) as { status: string };
  return { status: reply.status, word };
}

/** @returns how long it took, in seconds. */
async function serviceResumes(): Promise<number> {
  const startedMs = performance.now();
  await waitFor('full service', async () => {
    const answers = await Promise.all([
      put('resumed', SMALL).catch(() => 0),
      put('resumed-large', LARGE).catch(() => 0),
    ]);
    return answers.every((status) => status === 200) && (await health()).word === 'ok';
  });
  return (performance.now() - startedMs) / 1000;
}

test(
  'a failed flush fences the data: no writes of files, everything else goes on',
  { skip },
  async () => {
    const [pid] = server.childPids('server');
    faults.arm({ path: dataPath, calls: CALLS.sync, error: 'EIO', nth: 1, isSticky: true });
    assert.equal((await request(server, 'new', { method: 'PUT', body: LARGE })).status, 500);
    // Only once: the probe is made of fresh files, and a refused write flushes nothing.
    for (const key of ['new', 'large']) {
      const refused = await request(server, key, { method: 'PUT', body: LARGE });
      assert.deepEqual([refused.status, refused.code], [503, 'ServiceUnavailable']);
    }
    await assertReadable();
    assert.equal((await get('new')).code, 'NoSuchKey');
    assert.equal(await put('small-new', SMALL), 200, 'the index is fine');
    for (const key of ['small-2', 'large-2']) {
      assert.equal((await request(server, key, { method: 'DELETE' })).status, 204);
    }
    assert.deepEqual(await health(), { status: 200, word: 'degraded' });
    assert.ok((await metric(server, 's3ish_processes_fenced')) >= 1);
    assert.match(server.output(), /The disk of the data failed/);
    await sleep(1500);
    assert.deepEqual(server.childPids('server'), [pid], 'the process stays while the disk fails');
    await assertReadable();
    const { faultCount } = faults.disarm();
    const seconds = await serviceResumes();
    assert.notDeepEqual(server.childPids('server'), [pid], 'another process writes');
    assert.ok(seconds < 30, `service resumed after ${seconds} s`);
    await assertReadable();
    reportFigure('P-06', {
      what: 'a data disk that fails for seconds',
      figure: `reads, lists and deletions go on; full service ${seconds.toFixed(1)} s after the disk`,
      faultCount,
    });
  },
);

test('an index that takes no commits leaves reads alone', { skip }, async () => {
  faults.arm({ path: metadataPath, calls: CALLS.sync, error: 'EIO', nth: 1, isSticky: true });
  assert.equal(await put('new', SMALL), 500);
  assert.equal(await put('new', SMALL), 503);
  assert.equal((await request(server, 'large-3', { method: 'DELETE' })).status, 503);
  await assertReadable();
  assert.ok((await get('large-3')).body.equals(LARGE));
  assert.equal((await get('new')).code, 'NoSuchKey');
  assert.deepEqual(await health(), { status: 200, word: 'degraded' });
  const { faultCount } = faults.disarm();
  const seconds = await serviceResumes();
  assert.ok(seconds < 30, `service resumed after ${seconds} s`);
  reportFigure('P-07', {
    what: 'an index whose flushes fail',
    figure: `reads go on, writes get 503; full service ${seconds.toFixed(1)} s after the fault`,
    faultCount,
  });
});

test('a payload whose record finds no room gives its space back at once', { skip }, async () => {
  const calls = CALLS.write;
  faults.arm({ path: 'data.mdb', calls, error: 'ENOSPC', nth: 1, isSticky: false });
  const refused = await request(server, 'no-room', { method: 'PUT', body: LARGE });
  const { faultCount } = faults.disarm();
  assert.deepEqual([refused.status, refused.code, faultCount], [507, 'InsufficientStorage', 1]);
  const left = readdirSync(dataPath, { recursive: true }).map(String);
  assert.deepEqual(
    left.filter((path) => path.includes('/no-room/')),
    [],
  );
  assert.equal((await get('no-room')).code, 'NoSuchKey');
  assert.equal(await put('no-room', LARGE), 200);
});

for (const error of ['EIO', 'ENOSPC'] as const) {
  test(
    `a process whose index is lost to it is replaced, and the next one reads: ${error}`,
    { skip },
    async () => {
      const pids = server.childPids('server');
      const restarts = await metric(server, 's3ish_process_restarts_total');
      faults.arm({ path: 'data.mdb', calls: CALLS.head, error, nth: 1, isSticky: true });
      assert.ok((await put('new', SMALL)) >= 500);
      // The disk stays broken for the process that follows, too.
      faults.arm({ path: metadataPath, calls: CALLS.sync, error: 'EIO', nth: 1, isSticky: true });
      await waitFor('reads to work while the disk does not', async () => {
        const reply = await get('large').catch(() => undefined);
        const isOther = !server.childPids('server').some((pid) => pids.includes(pid));
        return isOther && reply?.status === 200 && reply.body.equals(LARGE);
      });
      await sleep(3000);
      await assertReadable();
      assert.ok((await put('new', SMALL)) >= 500);
      // One for the lost index, perhaps one for a try since; a loop would be ten.
      assert.ok(
        (await metric(server, 's3ish_process_restarts_total')) - restarts < 8,
        'no crash loop',
      );
      const { faultCount } = faults.disarm();
      const seconds = await serviceResumes();
      assert.ok(seconds < 30, `service resumed after ${seconds} s`);
      assert.equal((await get('new')).code, 'NoSuchKey');
      await assertReadable();
      reportFigure('P-07', {
        what: `an index whose root page cannot be written (${error})`,
        figure: `the process is replaced, reads go on; full service ${seconds.toFixed(1)} s after the fault`,
        faultCount,
      });
    },
  );
}

test('a file that cannot be read is an error, never other bytes', { skip }, async () => {
  for (let nth = 1; nth <= 2; nth += 1) {
    faults.arm({ path: `${dataPath}/`, calls: CALLS.read, error: 'EIO', nth, isSticky: true });
    const reply = await get('large').catch(() => undefined);
    const { faultCount } = faults.disarm();
    assert.equal(faultCount > 0, true);
    assert.ok(reply === undefined || reply.status === 500, 'cut off, or told');
  }
  await assertReadable();
});
