// Damage on disk: refused with an answer when nothing has been sent, cut off otherwise.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readdir, readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { startInProcessServer, type InProcessServer } from '../support/in-process-server.js';
import { rawRequest, type RawReply } from '../support/raw-request.js';

const BLOCK_BYTES = 256 * 1024;
const BODY = randomBytes(2 * BLOCK_BYTES + 5);

let server: InProcessServer;
before(async () => {
  server = await startInProcessServer({ backend: 'file' });
  assert.equal((await rawRequest(server, { method: 'PUT', path: '/bucket' })).status, 200);
});
after(() => server.stop());

/** Stores an object. @returns the file that holds its bytes. */
async function store(key: string, body: Uint8Array): Promise<string> {
  const earlier = new Set(await dataFiles());
  assert.equal(
    (await rawRequest(server, { method: 'PUT', path: `/bucket/${key}`, body })).status,
    200,
  );
  const added = (await dataFiles()).filter((file) => !earlier.has(file));
  assert.equal(added.length, 1);
  return added[0] ?? '';
}

async function dataFiles(): Promise<string[]> {
  const names = await readdir(join(server.basePath, 'bucket'), { recursive: true }).catch(() => []);
  const files = names.filter((name) => name.endsWith('/data'));
  return files.map((name) => join(server.basePath, 'bucket', name));
}

function get(key: string, range?: string): Promise<RawReply> {
  const headers: Record<string, string> = range === undefined ? {} : { range };
  return rawRequest(server, { method: 'GET', path: `/bucket/${key}`, headers });
}

async function flip(file: string, position: number): Promise<void> {
  const bytes = await readFile(file);
  bytes.writeUInt8(bytes.readUInt8(position) ^ 1, position);
  await writeFile(file, bytes);
}

const CASES: readonly (readonly [what: string, damage: (file: string) => Promise<void>])[] = [
  ['a flipped bit in its first block', (file) => flip(file, 0)],
  ['a byte less', (file) => truncate(file, BODY.length - 1)],
  ['no bytes', (file) => truncate(file, 0)],
  ['a byte more', (file) => truncate(file, BODY.length + 1)],
  ['the bytes of another object', (file) => writeFile(file, randomBytes(BODY.length))],
];
for (const [what, damage] of CASES) {
  test(`G25 BI-197 GetObject answers InternalError when the file has ${what}`, async () => {
    await damage(await store('damaged', BODY));
    const faultCount = server.faults.length;
    const reply = await get('damaged');
    assert.deepEqual([reply.status, reply.code], [500, 'InternalError']);
    assert.equal(server.faults.length, faultCount + 1);
    const end = server.ends.at(-1);
    assert.deepEqual([end?.status, end?.errorCode], [500, 'InternalError']);
  });
}

test('G25 BI-197 GetObject cuts the answer short when a later block is damaged', async () => {
  await flip(await store('later', BODY), BODY.length - 1);
  await assert.rejects(get('later'), { code: 'ECONNRESET' });
  assert.equal(server.ends.at(-1)?.errorCode, 'InternalError');
});

test('BI-197 a range outside the damaged block has the right bytes', async () => {
  await flip(await store('later', BODY), BODY.length - 1);
  const reply = await get('later', `bytes=10-${BLOCK_BYTES + 9}`);
  assert.equal(reply.status, 206);
  assert.deepEqual(reply.body, BODY.subarray(10, BLOCK_BYTES + 10));
});
