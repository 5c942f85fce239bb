import assert from 'node:assert/strict';
import test from 'node:test';

import fc from 'fast-check';

import { assertVersionId, formatVersionId, parseVersionId } from '#src/s3/version-id.js';

import { throwsS3Error } from '../../support/s3-error.js';

test('parseVersionId undoes formatVersionId', () => {
  const sequence = fc.maxSafeNat();
  const random = fc.uint8Array({ minLength: 16, maxLength: 16 });
  fc.assert(
    fc.property(sequence, random, (number, bytes) => {
      const versionId = formatVersionId(number, bytes);
      assert.match(versionId, /^[A-Za-z0-9._]{32}$/);
      const parsed = parseVersionId(versionId);
      assert.equal(parsed.sequence, number);
      assert.deepEqual(Buffer.from(parsed.random), Buffer.from(bytes));
    }),
    { numRuns: 300 },
  );
});

test('parseVersionId refuses what cannot be a version id', () => {
  for (const text of [
    '',
    'null',
    'x'.repeat(31),
    'x'.repeat(33),
    `${'x'.repeat(31)}-`,
    'ä'.repeat(32),
  ]) {
    throwsS3Error(() => parseVersionId(text), 'InvalidArgument', {
      ArgumentName: 'versionId',
      ArgumentValue: text,
    });
  }
});

test('parseVersionId takes any id of the right form', () => {
  assert.equal(parseVersionId('_'.repeat(32)).sequence, Number.MAX_SAFE_INTEGER);
});

test('assertVersionId lets null pass', () => {
  assertVersionId('null');
  assertVersionId('x'.repeat(32));
  throwsS3Error(() => assertVersionId('nullx'), 'InvalidArgument');
});
