// Large bodies are hashed in a thread when one is free; nobody can tell from the answers.

import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { test } from 'node:test';

import { metric } from '../support/metric.js';
import { rawRequest } from '../support/raw-request.js';
import { startServer, waitFor } from '../support/server.js';

const BYTES = randomBytes(3 * 1024 ** 2 + 77);
const MD5 = createHash('md5').update(BYTES).digest();

test('PutObject of large bodies gives the same answers whether they are hashed in a thread or not', async (context) => {
  const server = await startServer({
    processes: 1,
    settings: { workers: { body_digests: 'pool', digest_min_mb: 1 } },
  });
  context.after(() => server.stop());
  await rawRequest(server, { method: 'PUT', path: '/large' });
  const put = (path: string, headers: Record<string, string> = {}) =>
    rawRequest(server, { method: 'PUT', path, headers, body: BYTES });
  const pooledCount = (): Promise<number> => metric(server, 's3ish_pooled_bodies_total');

  await waitFor('a thread', async () => {
    assert.equal((await put('/large/first')).status, 200);
    return (await pooledCount()) > 0;
  });
  const before = await pooledCount();
  const together = await Promise.all([0, 1, 2].map((index) => put(`/large/${index}`)));
  for (const { status, headers } of together) {
    assert.deepEqual([status, headers['etag']], [200, `"${MD5.toString('hex')}"`]);
  }
  assert.ok((await pooledCount()) > before);

  const wrong = await put('/large/0', { 'content-md5': Buffer.alloc(16).toString('base64') });
  assert.deepEqual([wrong.status, wrong.code], [400, 'BadDigest']);
  const right = await put('/large/0', { 'content-md5': MD5.toString('base64') });
  assert.equal(right.status, 200);
  const got = await rawRequest(server, { method: 'GET', path: '/large/0' });
  assert.ok(got.body.equals(BYTES));
});
