import assert from 'node:assert/strict';
import { test } from 'node:test';

import { CredentialStore } from '#src/auth/credentials.js';
import { SigningKeyCache, type SigningKeyName } from '#src/auth/signing-key-cache.js';

import { testSigningKey } from '../../support/aws-chunked-body.js';

const NAME: SigningKeyName = {
  accessKey: 'AKIAONE',
  secretKey: 'secret-one',
  date: '20260115',
  region: 'us-east-1',
};

test('SigningKeyCache derives a key once', () => {
  const credentials = new CredentialStore([]);
  const cache = new SigningKeyCache();
  const key = cache.get(NAME, credentials);
  assert.deepEqual(Buffer.from(key.bytes), testSigningKey('secret-one', '20260115', 'us-east-1'));
  assert.equal(cache.get({ ...NAME }, credentials), key);
  assert.equal(cache.count, 1);
});

test('SigningKeyCache tells access keys, days and regions apart', () => {
  const credentials = new CredentialStore([]);
  const cache = new SigningKeyCache();
  const keys = [
    NAME,
    { ...NAME, accessKey: 'AKIATWO' },
    { ...NAME, date: '20260116' },
    { ...NAME, region: 'eu-west-1' },
  ].map((name) => cache.get(name, credentials));
  assert.equal(new Set(keys).size, 4);
});

test('SigningKeyCache drops the key unused for longest at its limit', () => {
  const credentials = new CredentialStore([]);
  const cache = new SigningKeyCache(2);
  const first = cache.get(NAME, credentials);
  const second = cache.get({ ...NAME, date: '20260116' }, credentials);
  assert.equal(cache.get(NAME, credentials), first);
  cache.get({ ...NAME, date: '20260117' }, credentials);
  assert.equal(cache.count, 2);
  assert.equal(cache.get(NAME, credentials), first);
  assert.notEqual(cache.get({ ...NAME, date: '20260116' }, credentials), second);
});

test('SigningKeyCache forgets everything when the credentials are reloaded', () => {
  const credentials = new CredentialStore([]);
  const cache = new SigningKeyCache();
  const before = cache.get(NAME, credentials);
  cache.get({ ...NAME, date: '20260116' }, credentials);
  credentials.reload([]);
  const after = cache.get({ ...NAME, secretKey: 'rotated-secret' }, credentials);
  assert.notDeepEqual(after.bytes, before.bytes);
  assert.equal(cache.count, 1);
});
