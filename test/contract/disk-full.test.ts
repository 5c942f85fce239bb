/**
 * A full disk: writes answer InsufficientStorage, reads go on, no process ends, and nothing that was
 * acknowledged is lost. Data and index share a file system of 48 MiB.
 */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';

import { rawRequest, type RawReply, type RawRequest } from '../support/raw-request.js';
import { startServer, waitFor, type TestServer } from '../support/server.js';

const SMALL = Buffer.alloc(20_000, 's');
const LARGE = Buffer.alloc(3 * 1024 * 1024, 'l');

test('a full disk refuses writes with InsufficientStorage and keeps serving', async (context) => {
  const directory = mkdtempSync(join(tmpdir(), 's3ish-full-'));
  const mount = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=48m', 'tmpfs', directory]);
  const servers: TestServer[] = [];
  context.after(async () => {
    for (const server of servers) await server.stop();
    spawnSync('umount', [directory]);
    rmSync(directory, { recursive: true, force: true });
  });
  if (mount.status !== 0) {
    context.skip(`NOT TESTED: a file system of 48 MiB cannot be mounted: ${String(mount.stderr)}`);
    return;
  }
  const dataPath = join(directory, 'data');
  mkdirSync(dataPath);
  const ballast = join(directory, 'ballast');
  writeFileSync(ballast, Buffer.alloc(4 * 1024 * 1024));

  const running = await startServer({ processes: 2, dataPath });
  servers.push(running);
  const send = (request: RawRequest): Promise<RawReply> => rawRequest(running, request);
  const pids = running.childPids('server').sort();
  await send({ method: 'PUT', path: '/full-bucket' });
  const stored = new Map<string, Buffer>();
  /** Writes until one is refused; nothing but 200 and 507 is an answer. */
  const fill = async (name: string, body: Buffer): Promise<void> => {
    for (let index = 0; ; index += 1) {
      const path = `/full-bucket/${name}-${index}`;
      const reply = await send({ method: 'PUT', path, body });
      if (reply.status !== 200) {
        assert.deepEqual([reply.status, reply.code], [507, 'InsufficientStorage']);
        assert.equal((await send({ method: 'HEAD', path })).status, 404);
        return;
      }
      stored.set(path, body);
    }
  };
  await fill('large', LARGE);
  await fill('small', SMALL);
  assert(stored.size > 10);

  for (const [path, body] of stored) {
    const reply = await send({ method: 'GET', path });
    assert.equal(reply.status, 200);
    assert(reply.body.equals(body), path);
  }
  const list = await send({
    ...{ method: 'GET', path: '/full-bucket', query: 'list-type=2' },
  });
  assert.equal(list.status, 200);
  assert.deepEqual(running.childPids('server').sort(), pids, 'no process had to be replaced');

  rmSync(ballast);
  await waitFor('writes to work again', async () => {
    const path = '/full-bucket/after';
    return (await send({ method: 'PUT', path, body: SMALL })).status === 200;
  });
});
