import assert from 'node:assert/strict';
import { test } from 'node:test';

import { authorizeAccount, authorizeBucket } from '#src/auth/authorize.js';
import { S3Error } from '#src/s3/errors.js';

const BUCKET = { name: 'b', id: 1, account: 'main', region: 'us-east-1', createdMs: 0 };
const ANONYMOUS = { kind: 'anonymous' } as const;

function isAccessDenied(error: unknown): boolean {
  return error instanceof S3Error && error.code === 'AccessDenied';
}

test('authorizeBucket lets every key of the owning account pass, and nobody else', () => {
  for (const accessKey of ['AKIAONE', 'AKIATWO']) {
    authorizeBucket({ kind: 'user', accessKey, account: 'main' }, BUCKET);
  }
  const stranger = { kind: 'user', accessKey: 'main', account: 'other' } as const;
  assert.throws(() => authorizeBucket(stranger, BUCKET), isAccessDenied);
  assert.throws(() => authorizeBucket(ANONYMOUS, BUCKET), isAccessDenied);
});

test('authorizeAccount returns the account and refuses anonymous callers', () => {
  assert.equal(authorizeAccount({ kind: 'user', accessKey: 'AKIAONE', account: 'team' }), 'team');
  assert.throws(() => authorizeAccount(ANONYMOUS), isAccessDenied);
});
