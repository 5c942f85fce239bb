// Cross-origin rules on two server processes: what one acknowledged, the other applies at once.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';

import { connectToProcesses } from '../support/process-connections.js';
import type { RawReply } from '../support/raw-request.js';
import { startServer } from '../support/server.js';

const ROUNDS = 50;
const ORIGIN = 'http://page.example';

test('B18 rules are applied by both processes as soon as one has acknowledged them', async (context) => {
  const server = await startServer({ processes: 2 });
  context.after(() => server.stop());
  const groups = await connectToProcesses(server, 2, 1);
  const connections = groups.flat();
  context.after(() => {
    for (const connection of connections) connection.close();
  });
  const [writer, reader] = connections;
  assert(writer !== undefined && reader !== undefined);
  const path = '/rules';
  assert.equal((await writer.send({ method: 'PUT', path })).status, 200);
  const headers = { origin: ORIGIN, 'access-control-request-method': 'GET' };
  for (let round = 1; round <= ROUNDS; round += 1) {
    const body =
      `<CORSConfiguration><CORSRule><AllowedMethod>GET</AllowedMethod>` +
      `<AllowedOrigin>${ORIGIN}</AllowedOrigin><MaxAgeSeconds>${round}</MaxAgeSeconds>` +
      `</CORSRule></CORSConfiguration>`;
    const digest = { 'content-md5': createHash('md5').update(body).digest('base64') };
    const put = await writer.send({ method: 'PUT', path, query: 'cors', headers: digest, body });
    assert.equal(put.status, 200, put.text);
    for (const connection of [reader, writer]) {
      const asked: RawReply = await connection.send({
        method: 'OPTIONS',
        path,
        headers,
        isAnonymous: true,
      });
      assert.equal(asked.headers['access-control-max-age'], String(round));
    }
    const listed: RawReply = await reader.send({
      method: 'GET',
      path,
      headers: { origin: ORIGIN },
    });
    assert.equal(listed.headers['access-control-max-age'], String(round));
  }
  assert.equal((await writer.send({ method: 'DELETE', path, query: 'cors' })).status, 204);
  const refused = await reader.send({ method: 'OPTIONS', path, headers, isAnonymous: true });
  assert.deepEqual([refused.status, refused.code], [403, 'AccessForbidden']);
});
