import assert from 'node:assert/strict';
import test from 'node:test';

import { weakness } from '#src/cluster/weak-credentials.js';

const WEAK: readonly (readonly [string, string])[] = [
  ['minioadmin', 'minioadmin'],
  ['admin', 'password'],
  ['test', 'test'],
  ['AKIAIOSFODNN7EXAMPLE', 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY'],
  ['AKIAI44QH8DHBEXAMPLE', 'je7MtGbClwBF/2Zp9Utk/h3yCo8nvbEXAMPLEKEY'],
  ['accessKey1', 'verySecretKey1'],
  ['aVeryLongAccessKey01', 'aVeryLongAccessKey01'],
  ['key', 'aaaaaaaaaaaaaaaaaaaaaaaaaaaa'],
  ['key', 'abcabcabcabcabcabcabc'],
];

for (const [accessKey, secret] of WEAK) {
  test(`weakness names a reason against ${accessKey}:${secret}`, () => {
    assert.match(weakness(accessKey, secret) ?? '', /^its secret/);
  });
}

test('weakness has nothing against a random secret', () => {
  assert.equal(weakness('KEY', 'q8Zt4nVb1XcW0mRj6uHs'), undefined);
});
