// A volume that fills up: what adds data is refused, everything else goes on.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { rawRequest, type RawReply } from '../support/raw-request.js';
import { startServer, type TestServer } from '../support/server.js';

const VOLUME_BYTES = 64 * 1024 * 1024;

const directory = mkdtempSync(join(tmpdir(), 's3ish-full-'));
const mounted = spawnSync('mount', [
  '-t',
  'tmpfs',
  '-o',
  `size=${VOLUME_BYTES}`,
  'tmpfs',
  directory,
]);
const skip = mounted.status === 0 ? false : 'mounting a tmpfs is not permitted here';

let server: TestServer;
const stored = new Map<string, Buffer>();

before(async () => {
  if (skip !== false) return;
  const settings = { storage: { sweep_interval_secs: 1 } };
  server = await startServer({ processes: 2, dataPath: join(directory, 'data'), settings });
  assert.equal((await request('PUT', '')).status, 200);
});
after(async () => {
  if (skip === false) {
    await server.stop();
    assert.equal(spawnSync('umount', ['--lazy', directory]).status, 0);
  }
  rmSync(directory, { recursive: true });
});

function request(method: string, key: string, body?: Buffer): Promise<RawReply> {
  const path = key === '' ? '/bucket' : `/bucket/${key}`;
  return rawRequest(server, body === undefined ? { method, path } : { method, path, body });
}

async function put(key: string, sizeBytes: number): Promise<string> {
  const body = randomBytes(sizeBytes);
  const { status, code } = await request('PUT', key, body);
  if (status === 200) stored.set(key, body);
  return `${status} ${code}`.trim();
}

/** Stores objects until one is refused. */
async function fillWith(sizeBytes: number): Promise<void> {
  for (let index = 0; index < VOLUME_BYTES / sizeBytes; index += 1) {
    const key = `fill-${sizeBytes}-${index}`;
    const answer = await put(key, sizeBytes);
    if (answer === '200') continue;
    assert.equal(answer, '507 InsufficientStorage');
    assert.equal((await request('HEAD', key)).status, 404);
    return;
  }
  assert.fail('the volume is full before it holds more than its size');
}

async function remove(keys: readonly string[]): Promise<string[]> {
  return Promise.all(
    keys.map(async (key) => {
      const { status, code } = await request('DELETE', key);
      if (status === 204) stored.delete(key);
      return `${status} ${code}`.trim();
    }),
  );
}

async function assertAllStored(): Promise<void> {
  for (const [key, body] of stored) {
    const reply = await request('GET', key);
    assert.equal(reply.status, 200, key);
    assert.ok(reply.body.equals(body), key);
  }
}

test(
  'BI-194 a full volume refuses writes of any size, serves reads and lets objects go',
  { skip },
  async () => {
    const processes = server.childPids('server');
    const ballast = join(directory, 'ballast');
    writeFileSync(ballast, Buffer.alloc(4 * 1024 * 1024));
    for (let index = 0; index < 100; index += 1)
      assert.equal(await put(`small-${index}`, 10_000), '200');
    // Ever smaller ones, until nothing of any size fits.
    for (const sizeBytes of [3_000_000, 100_000, 10_000]) await fillWith(sizeBytes);
    for (const sizeBytes of [3_000_000, 100_000, 10_000]) {
      assert.equal(await put('one-more', sizeBytes), '507 InsufficientStorage');
    }
    await assertAllStored();
    rmSync(ballast);
    assert.equal(await put('room-again', 100_000), '200');
    const removed = await remove([...stored.keys()].slice(0, 50));
    assert.deepEqual(new Set(removed), new Set(['204']));
    assert.deepEqual(server.childPids('server'), processes);
  },
);

test(
  'BI-194 a commit that finds no space fails alone: nothing is lost, nobody restarts',
  { skip },
  async () => {
    const processes = server.childPids('server');
    for (const key of [...stored.keys()].filter((name) => name.startsWith('fill')))
      await remove([key]);
    await waitForSpace();
    for (let index = 0; index < 100; index += 1)
      assert.equal(await put(`index-${index}`, 10_000), '200');
    fillUp();
    // The index reuses what it has freed; only when that is gone does a commit find no space.
    const keys = [...stored.keys()];
    for (const key of keys.slice(0, 20)) await remove([key]);
    await remove(keys.slice(20, 60));
    await assertAllStored();
    rmSync(join(directory, 'fill'));
    for (let index = 0; index < 20; index += 1)
      assert.equal(await put(`after-${index}`, 60_000), '200');
    await assertAllStored();
    assert.deepEqual(server.childPids('server'), processes);
    await server.restart();
    await assertAllStored();
  },
);

async function waitForSpace(): Promise<void> {
  const isRoomy = (): boolean => {
    const { bavail, bsize } = statfsSync(directory);
    return bavail * bsize > VOLUME_BYTES / 2;
  };
  for (let tries = 0; !isRoomy(); tries += 1) {
    assert.ok(tries < 100, 'the sweeper frees the space of deleted objects');
    await sleep(200);
  }
}

/** Takes the volume's last byte. */
function fillUp(): void {
  const { bavail, bsize } = statfsSync(directory);
  writeFileSync(join(directory, 'fill'), Buffer.alloc(bavail * bsize));
}
