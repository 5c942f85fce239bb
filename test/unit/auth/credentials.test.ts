import assert from 'node:assert/strict';
import { test } from 'node:test';

import {
  CredentialStore,
  generateRootCredentials,
  parseCredentialsFile,
} from '#src/auth/credentials.js';

test('parseCredentialsFile reads pairs, accounts, comments and blank lines', () => {
  const text = '# comment\r\n\r\n  AKIAONE:secret-one/+=\nteam/bob : secret two : team-2\n#x:y';
  assert.deepEqual(parseCredentialsFile(text), [
    { accessKey: 'AKIAONE', secretKey: 'secret-one/+=', account: 'main' },
    { accessKey: 'team/bob', secretKey: 'secret two', account: 'team-2' },
  ]);
  assert.deepEqual(parseCredentialsFile(''), []);
});

for (const [what, line] of [
  ['a line without a colon', 'AKIAONE'],
  ['four fields', 'AKIAONE:secret-one:main:x'],
  ['a short access key', 'AK:secret-one'],
  ['an access key with a space', 'AKIA ONE:secret-one'],
  ['an access key with a comma', 'AKIA,ONE:secret-one'],
  ['a short secret', 'AKIAONE:secret7'],
  ['an empty account', 'AKIAONE:secret-one:'],
  ['a control character in the access key', 'AKIA\x01ONE:secret-one'],
  ['a control character in the secret', 'AKIAONE:secret\x7fone'],
  ['a control character in the account', 'AKIAONE:secret-one:a\x00b'],
  ['a character beyond ASCII', 'AKIAONE:secret-öne'],
  ['the same access key again', 'AKIATWO:secret-one'],
] as const) {
  test(`parseCredentialsFile refuses ${what}, naming file and line but not the secret`, () => {
    assert.throws(
      () => parseCredentialsFile(`\nAKIATWO:secret-two\n${line}\n`, '/etc/s3ish/keys'),
      (error) =>
        error instanceof Error &&
        error.message.startsWith('/etc/s3ish/keys:3: ') &&
        !/secret7|secret.one|öne/.test(error.message),
    );
  });
}

test('generateRootCredentials makes pairs that the file format holds', () => {
  const pairs = Array.from({ length: 50 }, () => generateRootCredentials());
  for (const pair of pairs) {
    assert.match(pair.accessKey, /^[A-Z0-9]{20}$/);
    assert.match(pair.secretKey, /^[A-Za-z0-9_-]{40}$/);
    assert.deepEqual(parseCredentialsFile(`${pair.accessKey}:${pair.secretKey}`), [pair]);
  }
  assert.equal(new Set(pairs.map(({ secretKey }) => secretKey)).size, pairs.length);
});

test('CredentialStore replaces all pairs at once', () => {
  const one = { accessKey: 'AKIAONE', secretKey: 'secret-one', account: 'main' };
  const two = { accessKey: 'AKIATWO', secretKey: 'secret-two', account: 'main' };
  const store = new CredentialStore([one]);
  const { generation } = store;
  assert.deepEqual(store.lookup('AKIAONE'), one);
  store.reload([two]);
  assert.equal(store.lookup('AKIAONE'), undefined);
  assert.deepEqual(store.lookup('AKIATWO'), two);
  assert.ok(store.generation > generation);
  assert.equal(store.lookup('__proto__'), undefined);
});
