import assert from 'node:assert/strict';
import { test } from 'node:test';

import {
  assertHeaders,
  bodyBytes,
  bodyLength,
  hasNoContent,
  isStream,
  plainAddress,
  statusText,
} from '#src/server/reply-framing.js';

test('statusText names the statuses of answers and refuses others', () => {
  assert.equal(statusText(200), '200 OK');
  assert.equal(statusText(416), '416 Range Not Satisfiable');
  assert.equal(statusText(599), '599');
  for (const status of [0, 100, 199, 600, 200.5, Number.NaN]) {
    assert.throws(() => statusText(status), /is not the status/);
  }
});

test('bodyLength and bodyBytes agree, in bytes and not in characters', () => {
  assert.equal(bodyLength(undefined), 0);
  assert.equal(bodyLength('h\u00e9'), 3);
  assert.equal(bodyBytes('h\u00e9').byteLength, 3);
  assert.equal(bodyLength(new Uint8Array(5)), 5);
  const stream = { sizeBytes: 7, chunks: (async function* () {})() };
  assert.equal(bodyLength(stream), 7);
  assert.equal(isStream(stream), true);
  assert.equal(isStream(new Uint8Array(1)), false);
  assert.equal(isStream('chunks'), false);
});

test('hasNoContent is true for 204 and 304 alone', () => {
  const without = [200, 204, 205, 206, 304, 404].filter(hasNoContent);
  assert.deepEqual(without, [204, 304]);
});

test('assertHeaders refuses CR, LF and NUL and nothing else', () => {
  const reply = { status: 200, body: undefined, closeConnection: false };
  assertHeaders({ ...reply, headers: { 'x-a': 'caf\u00e9\t"\u4e2d"', 'x-b': '' } });
  for (const value of ['\r', 'a\nb', '\0', 'a\r\n b']) {
    assert.throws(() => assertHeaders({ ...reply, headers: { 'x-a': value } }), /x-a/);
  }
});

test('plainAddress shows IPv4 peers of a dual-stack socket as IPv4', () => {
  assert.equal(plainAddress('10.0.0.1'), '10.0.0.1');
  assert.equal(plainAddress('::ffff:10.0.0.1'), '10.0.0.1');
  assert.equal(plainAddress('0000:0000:0000:0000:0000:ffff:0a00:00ff'), '10.0.0.255');
  assert.equal(plainAddress('::1'), '::1');
  const long = '2001:0db8:0000:0000:0000:0000:0000:0001';
  assert.equal(plainAddress(long), long);
});
