// Each call on a file that a write makes fails once, with each error, alone and with all that follow:
// the client hears of it, nothing of the write is seen, and the server finds back by itself.
// S3ISH_FAULT_SWEEP=full tries every call; otherwise some of each way to write. S3ISH_FAULT_SHARD=1/2
// takes every second way, so that several can run side by side.

import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { openLmdbEnvironment } from '#src/metadata/lmdb-environment.js';
import { blobIdKey } from '#src/metadata/keys.js';
import { openPlainBlobs } from '#src/blobs/plain-blobs.js';
import { openStore } from '#src/store/open-store.js';

import { reportFigure } from '../support/reliability.js';
import { startServer, waitFor, type TestServer } from '../support/server.js';
import {
  CALLS,
  DiskFaults,
  whyNoDiskFaults,
  WRITE_CALLS,
  type ErrorName,
  type Fault,
} from './disk-faults.js';
import { request, WRITE_PATHS, type WritePath } from './write-paths.js';

const IS_FULL = process.env['S3ISH_FAULT_SWEEP'] === 'full';
/** Faults tried for each way to write when not all are. */
const SAMPLE_COUNT = Number(process.env['S3ISH_FAULT_SAMPLES'] ?? 2);
const SEED = Number(process.env['S3ISH_FAULT_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
const [SHARD = 1, SHARDS = 1] = (process.env['S3ISH_FAULT_SHARD'] ?? '1/1').split('/').map(Number);
const PATHS = WRITE_PATHS.filter((_, index) => index % SHARDS === SHARD - 1);
const RECOVERY_MS_MAX = 30_000;

const why = whyNoDiskFaults();
const skip = why === undefined ? false : `NOT TESTED: errors of the disk: ${why}`;
const directory = mkdtempSync(join(tmpdir(), 's3ish-fault-'));
const dataPath = join(directory, 'data');
const metadataPath = join(directory, 'index');

let faults: DiskFaults;
let server: TestServer;
let keyCount = 0;
let injectedCount = 0;
let slowestRecoveryMs = 0;
let random = SEED;

before(async () => {
  if (skip !== false) {
    console.log(skip);
    return;
  }
  console.log(`seed ${SEED}`);
  faults = new DiskFaults(directory);
  server = await startServer({
    dataPath,
    env: faults.env,
    // The sweeper works in its own process; its calls would be counted.
    settings: { storage: { metadata_path: metadataPath, sweep_interval_secs: 3600 } },
  });
  assert.equal((await request(server, '', { method: 'PUT' })).status, 200);
});
after(async () => {
  if (skip === false) await server.stop();
  rmSync(directory, { recursive: true });
});

interface Case {
  readonly calls: number;
  readonly error: ErrorName;
  readonly isSticky: boolean;
}

const CASES: readonly Case[] = [true, false].flatMap((isSticky) => [
  ...(['EIO', 'ENOSPC', 'EROFS'] as const).map((error) => ({
    calls: WRITE_CALLS,
    error,
    isSticky,
  })),
  { calls: CALLS.open, error: 'EMFILE' as const, isSticky },
]);

for (const path of PATHS) {
  test(`${path.name} fails as a whole at every call that fails`, { skip }, async () => {
    for (const fault of await faultsFor(path)) await tryFault(path, fault);
  });
}

test('no fault of the disk leaves files behind, or keeps them open', { skip }, async () => {
  assert.deepEqual(openDataFiles(), []);
  await server.terminate();
  const options = { basePath: dataPath, isFsyncEnabled: false, incarnation: 'sweep' };
  const store = await openStore({
    ...options,
    ...{ backend: 'file' as const, metadataPath, inlineBytesMax: 0 },
  });
  for (const incarnation of await store.reclaimer.stagingIncarnations())
    await store.reclaimer.sweepIncarnation(incarnation);
  while ((await store.reclaimer.reclaimGarbage(() => true)).removedCount > 0);
  await store.close();
  const index = openLmdbEnvironment({
    path: metadataPath,
    isFsyncEnabled: false,
    epoch: undefined,
  });
  const blobs = await openPlainBlobs(options);
  let aliveCount = 0;
  for await (const { blobId } of blobs.walk()) {
    assert.notEqual(index.get('layouts', blobIdKey(blobId)), undefined, `${blobId} is left over`);
    aliveCount += 1;
  }
  await blobs.close();
  await index.close();
  assert.ok(aliveCount > 0);
  reportFigure('P-06', {
    what: `errors at ${IS_FULL ? 'every call' : 'some calls'} of every way to write${SHARDS === 1 ? '' : `, part ${SHARD} of ${SHARDS}`}`,
    figure: `${injectedCount} faults at calls of ${PATHS.length} ways to write, 0 acknowledged, 0 seen, 0 files left; service resumed within ${(slowestRecoveryMs / 1000).toFixed(1)} s`,
    seed: SEED,
    faultCount: injectedCount,
  });
});

/** All faults that are worth a try, or some of them. */
async function faultsFor(path: WritePath): Promise<Fault[]> {
  const all: Fault[] = [];
  for (const one of CASES) {
    const count = await callCountOf(path, one.calls);
    for (let nth = 1; nth <= count; nth += 1) all.push({ ...one, nth, path: directory });
  }
  if (IS_FULL) return all;
  return Array.from({ length: SAMPLE_COUNT }, () => all[nextRandom(all.length)]).filter(
    (fault) => fault !== undefined,
  );
}

async function callCountOf(path: WritePath, calls: number): Promise<number> {
  const write = await path.prepare(server, nextKey());
  const never = Number.MAX_SAFE_INTEGER;
  faults.arm({ path: directory, calls, error: 'EIO', nth: never, isSticky: false });
  const reply = await write.send();
  const { callCount } = faults.disarm();
  assert.ok(reply.status < 300, reply.text);
  assert.equal(await write.observe(), write.after);
  // What goes to the index alone opens no file.
  assert.ok(callCount > 0 || calls === CALLS.open);
  return callCount;
}

async function tryFault(path: WritePath, fault: Fault): Promise<void> {
  const { nth, error, isSticky } = fault;
  const title = `${path.name}, call ${nth} ${isSticky ? 'and all later' : 'only'}, ${error}`;
  const write = await path.prepare(server, nextKey());
  const earlier = await write.observe();
  faults.arm(fault);
  const reply = await write.send();
  const { faultCount } = faults.disarm();
  injectedCount += faultCount;
  if (faultCount === 0) {
    // Calls differ a little from time to time; then nothing failed.
    assert.ok(reply.status < 300, `${title}: ${reply.text}`);
    return;
  }
  // A deletion tries a second time, with the reserve given up, and may find the index lost.
  const isRepeated = path.name === 'DeleteObject' && error === 'ENOSPC';
  if (isRepeated && reply.status === 204) {
    assert.equal(await write.observe(), write.after, `${title}: it is gone`);
    await recover(title);
    return;
  }
  const expected = error !== 'ENOSPC' ? [500, 503] : isRepeated ? [503, 507] : [507];
  assert.ok(expected.includes(reply.status), `${title}: ${reply.status} ${reply.text}`);
  await recover(title);
  assert.equal(await write.observe(), earlier, `${title}: nothing changed`);
  const again = await write.send();
  assert.ok(again.status < 300, `${title}, then without a fault: ${again.text}`);
  assert.equal(await write.observe(), write.after, title);
}

/** Waits until objects of both kinds can be stored by the process that stays. */
async function recover(title: string): Promise<void> {
  const startedMs = performance.now();
  const isWritable = async (sizeBytes: number): Promise<boolean> => {
    const put = { method: 'PUT', body: Buffer.alloc(sizeBytes) };
    const reply = await request(server, 'recovery', put).catch(() => undefined);
    return reply?.status === 200;
  };
  await waitFor(
    `service to resume after ${title}`,
    async () => {
      const health = await fetch(`${server.adminEndpoint}/_ready`).catch(() => undefined);
      const { status } = ((await health?.json()) ?? {}) as { status?: string };
      // Making the reserve again is work of the jobs process, whose calls would be counted.
      const isQuiet = existsSync(join(metadataPath, 'reserve'));
      return isQuiet && status === 'ok' && (await isWritable(10)) && (await isWritable(100_000));
    },
    RECOVERY_MS_MAX,
  );
  slowestRecoveryMs = Math.max(slowestRecoveryMs, performance.now() - startedMs);
}

function openDataFiles(): string[] {
  return server.childPids('server').flatMap((pid) =>
    readdirSync(`/proc/${pid}/fd`)
      .map((fd) => linkOf(`/proc/${pid}/fd/${fd}`))
      .filter((path) => path.startsWith(dataPath)),
  );
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}

function nextKey(): string {
  keyCount += 1;
  return `key-${keyCount}`;
}

/** A generator of no quality, but one that can be repeated. */
function nextRandom(below: number): number {
  random = (Math.imul(random, 1_103_515_245) + 12_345) >>> 0;
  return (random >>> 8) % below;
}
