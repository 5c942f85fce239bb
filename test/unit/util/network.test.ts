import assert from 'node:assert/strict';
import { test } from 'node:test';

import { parseNetwork } from '#src/util/network.js';

for (const [text, address, prefixBits, family] of [
  ['10.0.0.0/8', '10.0.0.0', 8, 'ipv4'],
  ['10.1.2.3', '10.1.2.3', 32, 'ipv4'],
  ['0.0.0.0/0', '0.0.0.0', 0, 'ipv4'],
  ['fd00::/8', 'fd00::', 8, 'ipv6'],
  ['::1', '::1', 128, 'ipv6'],
] as const) {
  test(`parseNetwork reads ${text}`, () => {
    assert.deepEqual(parseNetwork(text), { address, prefixBits, family });
  });
}

for (const text of [
  ...['', 'proxy.example.com', '10.0.0.0/33', '10.0.0.0/', '10.0.0.0/08', '10.0.0/8', '10.0.0.256'],
  ...[
    '010.0.0.1',
    'fd00::/129',
    '[::1]',
    '::1%eth0',
    '::ffff:10.0.0.1',
    '10.0.0.1:80',
    ' 10.0.0.1',
  ],
]) {
  test(`parseNetwork refuses "${text}"`, () => {
    assert.equal(parseNetwork(text), undefined);
  });
}
