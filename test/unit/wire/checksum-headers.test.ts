import assert from 'node:assert/strict';
import test from 'node:test';

import {
  checksumHeaders,
  checksumMismatch,
  completionChecksum,
  copyChecksumAlgorithm,
  isChecksumModeEnabled,
  isChecksumValueHeader,
  requestChecksum,
  trailerValue,
  uploadChecksum,
} from '#src/wire/checksum-headers.js';
import { contentMd5Hex, contentMd5Mismatch } from '#src/wire/content-md5.js';

import { headersOf, throwsS3Error } from '../../support/s3-error.js';

const CRC32 = 'DUoRhQ==';
const CRC64 = 'jSnVw/bqjr4=';
const STREAMING = { 'x-amz-content-sha256': 'STREAMING-UNSIGNED-PAYLOAD-TRAILER' };

test('requestChecksum reads a header', () => {
  assert.deepEqual(requestChecksum(headersOf({ 'x-amz-checksum-crc32': CRC32 })), {
    algorithm: 'CRC32',
    value: CRC32,
    trailerName: undefined,
  });
  const headers = { 'x-amz-checksum-crc32': CRC32, 'x-amz-sdk-checksum-algorithm': 'crc32' };
  assert.equal(requestChecksum(headersOf(headers))?.algorithm, 'CRC32');
});

test('requestChecksum reads an announced trailer', () => {
  const headers = { ...STREAMING, 'x-amz-trailer': 'x-amz-checksum-crc64nvme' };
  assert.deepEqual(requestChecksum(headersOf(headers)), {
    algorithm: 'CRC64NVME',
    value: undefined,
    trailerName: 'x-amz-checksum-crc64nvme',
  });
});

test('requestChecksum is undefined when nothing is promised', () => {
  assert.equal(requestChecksum(headersOf({})), undefined);
  assert.equal(requestChecksum(headersOf({ 'x-amz-checksum-mode': 'ENABLED' })), undefined);
  assert.equal(requestChecksum(headersOf(STREAMING)), undefined);
  // A plain body may name an algorithm it does not use.
  assert.equal(requestChecksum(headersOf({ 'x-amz-sdk-checksum-algorithm': 'CRC32' })), undefined);
});

test('requestChecksum refuses contradictions and what it cannot read', () => {
  const refused: Record<string, string>[] = [
    { 'x-amz-checksum-crc32': CRC32, 'x-amz-checksum-crc64nvme': CRC64 },
    { 'x-amz-checksum-crc32': CRC32, 'x-amz-trailer': 'x-amz-checksum-crc32' },
    { 'x-amz-checksum-crc32': CRC64 },
    { 'x-amz-checksum-crc32': 'not base64' },
    { 'x-amz-checksum-crc32': '' },
    { 'x-amz-checksum-crc16': CRC32 },
    { 'x-amz-checksum-crc32': CRC32, 'x-amz-sdk-checksum-algorithm': 'SHA256' },
    { 'x-amz-checksum-crc32': CRC32, 'x-amz-sdk-checksum-algorithm': 'CRC16' },
    { 'x-amz-sdk-checksum-algorithm': 'CRC16' },
    { ...STREAMING, 'x-amz-sdk-checksum-algorithm': 'CRC32' },
  ];
  for (const headers of refused) {
    throwsS3Error(() => requestChecksum(headersOf(headers)), 'InvalidRequest');
  }
});

test('requestChecksum refuses trailers that are no checksum', () => {
  for (const trailer of [
    '',
    'x-foo',
    'x-amz-checksum-crc32,x-amz-checksum-sha1',
    'x-amz-checksum-type',
  ]) {
    const headers = headersOf({ ...STREAMING, 'x-amz-trailer': trailer });
    throwsS3Error(() => requestChecksum(headers), 'MalformedTrailerError');
  }
});

test('trailerValue returns the announced value and nothing else', () => {
  const checksum = {
    algorithm: 'CRC32',
    value: undefined,
    trailerName: 'x-amz-checksum-crc32',
  } as const;
  const value = (trailers: Record<string, string>) => () =>
    trailerValue(checksum, headersOf(trailers));
  assert.equal(value({ 'x-amz-checksum-crc32': CRC32 })(), CRC32);
  throwsS3Error(value({}), 'MalformedTrailerError');
  throwsS3Error(value({ 'x-amz-checksum-sha1': CRC32 }), 'MalformedTrailerError');
  throwsS3Error(value({ 'x-amz-checksum-crc32': CRC32, 'x-foo': '' }), 'MalformedTrailerError');
  throwsS3Error(value({ 'x-amz-checksum-crc32': CRC64 }), 'InvalidRequest');
});

test('checksumMismatch is BadDigest', () => {
  assert.equal(checksumMismatch('CRC32').code, 'BadDigest');
});

test('uploadChecksum fills in the default type', () => {
  const read = (headers: Record<string, string>) => uploadChecksum(headersOf(headers));
  const algorithm = 'x-amz-checksum-algorithm';
  assert.deepEqual(read({}), { algorithm: undefined, type: 'FULL_OBJECT' });
  assert.deepEqual(read({ [algorithm]: 'CRC32' }), { algorithm: 'CRC32', type: 'COMPOSITE' });
  assert.deepEqual(read({ [algorithm]: 'CRC64NVME' }), {
    algorithm: 'CRC64NVME',
    type: 'FULL_OBJECT',
  });
  assert.deepEqual(read({ [algorithm]: 'CRC32C', 'x-amz-checksum-type': 'FULL_OBJECT' }), {
    algorithm: 'CRC32C',
    type: 'FULL_OBJECT',
  });
});

test('uploadChecksum refuses pairs that do not go together', () => {
  const refused: [string | undefined, string][] = [
    [undefined, 'COMPOSITE'],
    [undefined, 'FULL_OBJECT'],
    ['CRC64NVME', 'COMPOSITE'],
    ['SHA1', 'FULL_OBJECT'],
    ['SHA256', 'FULL_OBJECT'],
    ['CRC32', 'PARTIAL'],
    ['CRC16', 'COMPOSITE'],
  ];
  for (const [algorithm, type] of refused) {
    const headers: Record<string, string> = { 'x-amz-checksum-type': type };
    if (algorithm !== undefined) headers['x-amz-checksum-algorithm'] = algorithm;
    throwsS3Error(() => uploadChecksum(headersOf(headers)), 'InvalidRequest');
  }
});

test('completionChecksum reads composite values, type and size', () => {
  const headers = headersOf({
    'x-amz-checksum-crc32': `${CRC32}-3`,
    'x-amz-checksum-type': 'COMPOSITE',
    'x-amz-mp-object-size': '15728640',
  });
  assert.deepEqual(completionChecksum(headers), {
    checksum: { algorithm: 'CRC32', value: `${CRC32}-3` },
    type: 'COMPOSITE',
    sizeBytes: 15_728_640,
  });
  assert.deepEqual(completionChecksum(headersOf({})), {
    checksum: undefined,
    type: undefined,
    sizeBytes: undefined,
  });
});

test('completionChecksum refuses values, types and sizes it cannot read', () => {
  const refused: Record<string, string>[] = [
    { 'x-amz-checksum-crc32': 'x-3' },
    { 'x-amz-checksum-type': 'composite' },
    { 'x-amz-mp-object-size': '-1' },
    { 'x-amz-mp-object-size': 'x' },
    { 'x-amz-mp-object-size': '' },
    { 'x-amz-mp-object-size': '1.5' },
  ];
  for (const headers of refused) {
    throwsS3Error(() => completionChecksum(headersOf(headers)), 'InvalidRequest');
  }
});

test('copyChecksumAlgorithm is undefined to keep the source', () => {
  assert.equal(copyChecksumAlgorithm(headersOf({})), undefined);
  assert.equal(copyChecksumAlgorithm(headersOf({ 'x-amz-checksum-algorithm': 'sha1' })), 'SHA1');
});

test('checksumHeaders shows the value and the type, composite ones with the count', () => {
  const full = { algorithm: 'CRC64NVME', type: 'FULL_OBJECT', value: CRC64 } as const;
  assert.deepEqual(checksumHeaders(full, 3), {
    'x-amz-checksum-crc64nvme': CRC64,
    'x-amz-checksum-type': 'FULL_OBJECT',
  });
  const composite = { algorithm: 'CRC32', type: 'COMPOSITE', value: CRC32 } as const;
  assert.deepEqual(checksumHeaders(composite, 3), {
    'x-amz-checksum-crc32': `${CRC32}-3`,
    'x-amz-checksum-type': 'COMPOSITE',
  });
  assert.deepEqual(checksumHeaders(undefined), {});
});

test('isChecksumModeEnabled and isChecksumValueHeader read names and values', () => {
  assert(isChecksumModeEnabled(headersOf({ 'x-amz-checksum-mode': 'ENABLED' })));
  assert(!isChecksumModeEnabled(headersOf({})));
  assert(
    isChecksumValueHeader('x-amz-checksum-crc32') && isChecksumValueHeader('x-amz-checksum-x'),
  );
  assert(!isChecksumValueHeader('x-amz-checksum-mode') && !isChecksumValueHeader('x-amz-date'));
});

test('contentMd5Hex reads 16 bytes of canonical base64', () => {
  assert.equal(contentMd5Hex(headersOf({})), undefined);
  const headers = headersOf({ 'content-md5': '1B2M2Y8AsgTpgAmY7PhCfg==' });
  assert.equal(contentMd5Hex(headers), 'd41d8cd98f00b204e9800998ecf8427e');
  for (const wrong of [
    '',
    'YWJj',
    'not base64',
    '1B2M2Y8AsgTpgAmY7PhCfg',
    'd41d8cd98f00b204e9800998ecf8427e',
  ]) {
    throwsS3Error(() => contentMd5Hex(headersOf({ 'content-md5': wrong })), 'InvalidDigest', {
      'Content-MD5': wrong,
    });
  }
});

test('contentMd5Mismatch shows the expected digest in hex and ours in base64', () => {
  const error = contentMd5Mismatch('00'.repeat(16), 'd41d8cd98f00b204e9800998ecf8427e');
  assert.equal(error.code, 'BadDigest');
  assert.deepEqual(error.details, {
    ExpectedDigest: '00'.repeat(16),
    CalculatedDigest: '1B2M2Y8AsgTpgAmY7PhCfg==',
  });
});
