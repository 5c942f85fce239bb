import assert from 'node:assert/strict';
import test from 'node:test';

import { formatAddress, isLoopback, parseAddress } from '#src/util/address.js';

for (const text of ['127.0.0.1:9000', '[::1]:9000', 'localhost:0', '0.0.0.0:65535', '[::]:1']) {
  test(`parseAddress and formatAddress agree on ${text}`, () => {
    const address = parseAddress(text);
    assert.ok(address);
    assert.equal(formatAddress(address), text);
  });
}

for (const text of [
  '',
  '9000',
  ':9000',
  'host',
  'host:',
  'host:65536',
  '::1:9000',
  'a b:1',
  'h:1x',
  'http://h:1',
]) {
  test(`parseAddress refuses ${JSON.stringify(text)}`, () => {
    assert.equal(parseAddress(text), undefined);
  });
}

test('isLoopback knows the addresses that stay on the machine', () => {
  for (const host of ['127.0.0.1', '127.1.2.3', '::1', 'localhost']) assert.ok(isLoopback(host));
  for (const host of ['0.0.0.0', '::', '10.0.0.1', 'example.com', '127.0.0.1.example.com']) {
    assert.ok(!isLoopback(host), host);
  }
});
