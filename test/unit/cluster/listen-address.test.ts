import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import test from 'node:test';

import { probeAddress } from '#src/cluster/listen-address.js';

test('probeAddress finds a free port and leaves it free', async () => {
  const found = await probeAddress({ host: '127.0.0.1', port: 0 });
  assert.ok(found.port > 0);
  assert.deepEqual(await probeAddress(found), found);
});

test('probeAddress refuses a port that is taken', async () => {
  const server = createServer();
  server.listen({ host: '127.0.0.1', port: 0 });
  await once(server, 'listening');
  const address = server.address();
  assert.ok(typeof address === 'object' && address !== null);
  await assert.rejects(probeAddress({ host: '127.0.0.1', port: address.port }), {
    name: 'StartError',
    message: `Cannot listen on 127.0.0.1:${address.port}: another program listens there already`,
  });
  server.close();
});

test('probeAddress refuses an address of another machine', async () => {
  await assert.rejects(probeAddress({ host: '192.0.2.1', port: 9000 }), {
    message: 'Cannot listen on 192.0.2.1:9000: it is not an address of this machine',
  });
});
