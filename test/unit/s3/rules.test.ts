// The small rules: owners, locations, part numbers, storage classes, sub-resources, limits.

import assert from 'node:assert/strict';
import test from 'node:test';

import { S3_ERRORS } from '#src/s3/errors.js';
import * as limits from '#src/s3/limits.js';
import { assertLocationConstraint, locationConstraintOf } from '#src/s3/location.js';
import { accountIdOf, assertExpectedOwner, ownerIdOf } from '#src/s3/owner.js';
import { parsePartNumber } from '#src/s3/part-number.js';
import { assertReadable, parseStorageClass } from '#src/s3/storage-class.js';
import { PARAMETERS, SUBRESOURCES, queryKeyKind } from '#src/s3/subresources.js';

import { throwsS3Error } from '../../support/s3-error.js';

test('ownerIdOf is 64 hex characters, stable and different per account', () => {
  // Literal: clients remember owner ids, so the rule must not change.
  const main = ownerIdOf('main');
  assert.equal(main, '5b0139b563fa6d0384d23f96591196c68910651e465f3afa6fd5f225a0585048');
  assert.match(main, /^[0-9a-f]{64}$/);
  assert.equal(ownerIdOf('main'), main);
  assert.notEqual(ownerIdOf('other'), main);
});

test('ownerIdOf stays right when more accounts come than it remembers', () => {
  const first = ownerIdOf('account-0');
  for (let index = 0; index < 3000; index++) ownerIdOf(`account-${index}`);
  assert.equal(ownerIdOf('account-0'), first);
});

test('accountIdOf is twelve digits, the name itself if it is that', () => {
  assert.equal(accountIdOf('123456789012'), '123456789012');
  assert.equal(accountIdOf('main'), '983657372931');
});

test('assertExpectedOwner compares twelve digits', () => {
  assertExpectedOwner(undefined, 'main');
  assertExpectedOwner(accountIdOf('main'), 'main');
  throwsS3Error(() => assertExpectedOwner('000000000000', 'main'), 'AccessDenied');
  for (const wrong of ['', 'main', '12345678901', '1234567890123', '12345678901x']) {
    throwsS3Error(() => assertExpectedOwner(wrong, 'main'), 'InvalidBucketOwnerAWSAccountID');
  }
});

test('assertLocationConstraint accepts the region itself and none', () => {
  assertLocationConstraint(undefined, 'eu-west-1');
  assertLocationConstraint('', 'us-east-1');
  assertLocationConstraint('eu-west-1', 'eu-west-1');
  assertLocationConstraint('EU', 'eu-west-1');
  assertLocationConstraint('garage', 'garage');
});

test('assertLocationConstraint refuses us-east-1, unknown and other regions', () => {
  const invalid = 'InvalidLocationConstraint';
  throwsS3Error(() => assertLocationConstraint('us-east-1', 'us-east-1'), invalid);
  throwsS3Error(() => assertLocationConstraint('us-east-1', 'eu-west-1'), invalid);
  throwsS3Error(() => assertLocationConstraint('mars-north-1', 'us-east-1'), invalid);
  const illegal = 'IllegalLocationConstraintException';
  throwsS3Error(() => assertLocationConstraint('eu-west-1', 'us-east-1'), illegal);
  throwsS3Error(() => assertLocationConstraint('EU', 'us-east-1'), illegal);
});

test('locationConstraintOf is empty for us-east-1 only', () => {
  assert.equal(locationConstraintOf('us-east-1'), '');
  assert.equal(locationConstraintOf('eu-west-1'), 'eu-west-1');
});

test('parsePartNumber takes 1 to 10,000', () => {
  assert.equal(parsePartNumber('1'), 1);
  assert.equal(parsePartNumber('10000'), 10_000);
  assert.equal(parsePartNumber('0007'), 7);
});

test('parsePartNumber refuses everything else', () => {
  for (const text of ['0', '-1', '-3', '10001', 'x', '', '2147483648', '1.5', ' 1', '1e3', '0x1']) {
    throwsS3Error(() => parsePartNumber(text), 'InvalidArgument', {
      ArgumentName: 'partNumber',
      ArgumentValue: text,
    });
  }
  throwsS3Error(() => parsePartNumber(undefined), 'InvalidArgument');
  throwsS3Error(() => parsePartNumber('11', 10), 'InvalidArgument');
});

test('parseStorageClass stores nothing for STANDARD and refuses unknown classes', () => {
  assert.equal(parseStorageClass(undefined), undefined);
  assert.equal(parseStorageClass('STANDARD'), undefined);
  assert.equal(parseStorageClass('STANDARD_IA'), 'STANDARD_IA');
  for (const wrong of ['', 'standard', 'FAST', 'EXPRESS_ONEZONE']) {
    throwsS3Error(() => parseStorageClass(wrong), 'InvalidStorageClass', {
      StorageClassRequested: wrong,
    });
  }
});

test('assertReadable refuses the classes that need a restore', () => {
  for (const archived of ['GLACIER', 'DEEP_ARCHIVE']) {
    const details = { StorageClass: archived };
    throwsS3Error(() => assertReadable(archived), 'InvalidObjectState', details);
  }
  for (const readable of [undefined, 'GLACIER_IR', 'STANDARD_IA']) assertReadable(readable);
});

test('queryKeyKind tells sub-resources from parameters', () => {
  for (const name of ['acl', 'uploads', 'uploadId', 'annotations', 'renameObject', 'abac']) {
    assert.equal(queryKeyKind(name), 'subresource', name);
  }
  for (const name of ['prefix', 'x-id', 'versionId', 'X-Amz-Signature', 'x-amz-meta-a']) {
    assert.equal(queryKeyKind(name), 'parameter', name);
  }
  for (const name of ['ACL', 'foo', '', '__proto__', 'constructor']) {
    assert.equal(queryKeyKind(name), 'unknown', name);
  }
});

test('SUBRESOURCES and PARAMETERS have no key in common', () => {
  assert.deepEqual(
    [...SUBRESOURCES].filter((name) => PARAMETERS.has(name)),
    [],
  );
});

test('limits are the published ones', () => {
  assert.equal(limits.PART_SIZE_BYTES_MIN, 5_242_880);
  assert.equal(limits.PART_SIZE_BYTES_MAX, 5_368_709_120);
  assert.equal(limits.OBJECT_SIZE_BYTES_MAX, 5_497_558_138_880);
  assert.equal(limits.PRESIGN_EXPIRES_SECS_MAX, 7 * 24 * 3600);
});

test('S3_ERRORS is sorted by code and every message is a sentence', () => {
  const codes = Object.keys(S3_ERRORS);
  assert.deepEqual(codes, [...codes].sort());
  for (const { status, message } of Object.values(S3_ERRORS)) {
    assert(status >= 300 && status <= 599);
    assert.match(message, /^[A-Z]/);
  }
});
