import assert from 'node:assert/strict';
import test from 'node:test';

import { decodeRfc2047, encodeRfc2047 } from '#src/wire/rfc2047.js';

test('decodeRfc2047 reads both encodings and the charsets clients use', () => {
  assert.equal(decodeRfc2047('=?UTF-8?Q?Caf=C3=A9_1?='), 'Café 1');
  assert.equal(decodeRfc2047('=?utf-8?b?Q2Fmw6k=?='), 'Café');
  assert.equal(decodeRfc2047('=?ISO-8859-1?Q?Caf=E9?='), 'Café');
  assert.equal(decodeRfc2047('a =?UTF-8?Q?b?= c'), 'a b c');
});

test('decodeRfc2047 joins neighbouring words', () => {
  assert.equal(decodeRfc2047('=?UTF-8?Q?a?= =?UTF-8?Q?b?='), 'ab');
});

test('decodeRfc2047 leaves alone what is no encoded word', () => {
  for (const text of ['', 'plain', 'a=?b', '=?KOI8-R?Q?a?=', '=?UTF-8?X?a?=', '=?UTF-8?Q?a']) {
    assert.equal(decodeRfc2047(text), text);
  }
});

test('encodeRfc2047 takes base64 where characters cannot be printed', () => {
  assert.equal(encodeRfc2047('a\u200eb'), '=?UTF-8?B?YeKAjmI=?=');
  assert.equal(encodeRfc2047('é'), '=?UTF-8?Q?=C3=A9?=');
});
