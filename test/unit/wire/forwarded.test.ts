// Forwarded headers: who is believed, and what is made of them.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import fc from 'fast-check';

import { readForwarding } from '#src/wire/forwarded.js';

const PEER = '10.0.0.1';
const isTrusted = (address: string): boolean => address.startsWith('10.') || address === 'fd00::1';

function read(headers: Readonly<Record<string, string>>, peer = PEER) {
  return readForwarding(new Map(Object.entries(headers)), peer, isTrusted);
}

test('headers of a peer that is not trusted are not read', () => {
  const headers = { 'x-forwarded-for': '1.2.3.4', 'x-forwarded-host': 'h', forwarded: 'host=h' };
  assert.equal(read(headers, '192.0.2.1'), undefined);
});

// prettier-ignore
const CLIENTS: readonly (readonly [text: string, address: string])[] = [
  ['192.0.2.1', '192.0.2.1'],
  ['192.0.2.1, 10.0.0.2', '192.0.2.1'],
  ['198.51.100.1, 192.0.2.1, 10.0.0.2', '192.0.2.1'],
  ['10.0.0.3, 10.0.0.2', '10.0.0.3'],
  ['192.0.2.1:5000', '192.0.2.1'],
  ['[2001:db8::1]:5000', '2001:db8::1'],
  ['[2001:db8::1]', '2001:db8::1'],
  ['2001:db8::1', '2001:db8::1'],
  ['::ffff:192.0.2.1', '192.0.2.1'],
  ['192.0.2.1, fd00::1', '192.0.2.1'],
  ['192.0.2.1, unknown', PEER],
  ['192.0.2.1, ', PEER],
  ['', PEER],
  ['192.0.2.1, unknown, 10.0.0.2', '10.0.0.2'],
  ['192.0.2.256', PEER],
  ['evil"}\t{"a":1', PEER],
];

for (const [text, address] of CLIENTS) {
  test(`X-Forwarded-For: ${JSON.stringify(text)} comes from ${address}`, () => {
    assert.equal(read({ 'x-forwarded-for': text })?.clientAddress, address);
  });
}

for (const [text, host] of [
  ['files.example.com', 'files.example.com'],
  ['files.example.com:8443', 'files.example.com:8443'],
  ['forged.example.com, files.example.com', 'files.example.com'],
  ['[::1]:80', '[::1]:80'],
  ['', undefined],
  ['a b', undefined],
  ['a/b', undefined],
  ['h:port', undefined],
  ['user@h', undefined],
  ['h'.repeat(300), undefined],
] as const) {
  test(`X-Forwarded-Host: ${text.slice(0, 40)} is the host ${host}`, () => {
    assert.equal(read({ 'x-forwarded-host': text })?.host, host);
  });
}

for (const [text, scheme] of [
  ['https', 'https'],
  ['HTTP', 'http'],
  ['http, https', 'https'],
  ['ftp', undefined],
  ['', undefined],
] as const) {
  test(`X-Forwarded-Proto: "${text}" is the scheme ${scheme}`, () => {
    assert.equal(read({ 'x-forwarded-proto': text })?.scheme, scheme);
  });
}

// prettier-ignore
const FORWARDED: readonly (readonly [string, readonly [string, string | undefined, string | undefined]])[] = [
  ['for=192.0.2.1;host=h;proto=https', ['192.0.2.1', 'h', 'https']],
  ['For="[2001:db8::1]:47011" ; Proto=http;Host="h:81"', ['2001:db8::1', 'h:81', 'http']],
  ['for=198.51.100.1;host=forged, for=192.0.2.1;host=h', ['192.0.2.1', 'h', undefined]],
  ['for=192.0.2.1;host=outer, for=10.0.0.2;host=inner', ['192.0.2.1', 'outer', undefined]],
  ['for=_hidden;host=h', [PEER, 'h', undefined]],
  ['for=unknown, for=10.0.0.2', ['10.0.0.2', undefined, undefined]],
  ['by=10.0.0.9;for="192.0.2.1";secret="a\\";,b"', ['192.0.2.1', undefined, undefined]],
  ['for=192.0.2.1;host', [PEER, undefined, undefined]],
  ['for="192.0.2.1', [PEER, undefined, undefined]],
  ['', [PEER, undefined, undefined]],
];

for (const [text, [address, host, scheme]] of FORWARDED) {
  test(`Forwarded: ${text} is read from the right`, () => {
    const expected = { clientAddress: address, host, scheme };
    assert.deepEqual(read({ forwarded: text }), expected);
  });
}

test('Forwarded does not count beside X-Forwarded-*', () => {
  const headers = { 'x-forwarded-for': '192.0.2.1', forwarded: 'for=192.0.2.2;host=h;proto=https' };
  const expected = { clientAddress: '192.0.2.1', host: undefined, scheme: undefined };
  assert.deepEqual(read(headers), expected);
});

test('no header makes it fail, or invent a client that stands nowhere in it', () => {
  const text = fc.string({
    unit: fc.constantFrom('f', 'o', 'r', '=', '"', '\\', ',', ';', '1', '.', ':', '[', ']', ' '),
    maxLength: 60,
  });
  fc.assert(
    fc.property(text, fc.constantFrom('x-forwarded-for', 'forwarded'), (value, name) => {
      const clientAddress = read({ [name]: value })?.clientAddress ?? '';
      const plain = value.replaceAll('\\', '');
      assert(clientAddress === PEER || plain.includes(clientAddress), clientAddress);
    }),
    { numRuns: 2000 },
  );
});
