// Checksums of uploads in parts, from their choice at creation to the value at completion.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';

import {
  CreateMultipartUploadCommand,
  HeadObjectCommand,
  UploadPartCommand,
  type CompletedPart,
} from '@aws-sdk/client-s3';

import { checksumOf } from '#src/s3/checksums.js';

import { onEveryBackend, type Fixture } from '../support/operation-suite.js';
import { elementText } from '../support/raw-request.js';
import { begin, uploaded, complete, rawComplete, partsDocument } from '../support/uploads.js';

/** Smallest part in most of these tests, to keep them quick; the real minimum has its own. */
const PART_SIZE_BYTES_MIN = 100_000;
const FIRST = randomBytes(PART_SIZE_BYTES_MIN);
const LAST = randomBytes(70_001);
const WHOLE = Buffer.concat([FIRST, LAST]);

onEveryBackend('checksums of uploads', suite, { partSizeBytesMin: PART_SIZE_BYTES_MIN });

function suite(use: () => Promise<Fixture>): void {
  test('M14 BI-170 CreateMultipartUpload refuses types that do not fit the algorithm', async () => {
    const { bucket, raw } = await use();
    const create = (headers: Record<string, string>) =>
      raw({ method: 'POST', path: `/${bucket}/key`, query: 'uploads=', headers });
    const cases: readonly [string | undefined, string][] = [
      [undefined, 'COMPOSITE'],
      ['CRC64NVME', 'COMPOSITE'],
      ['SHA1', 'FULL_OBJECT'],
      ['SHA256', 'FULL_OBJECT'],
      ['CRC32', 'PARTIAL'],
      ['ADLER32', 'COMPOSITE'],
    ];
    for (const [algorithm, type] of cases) {
      const headers: Record<string, string> = { 'x-amz-checksum-type': type };
      if (algorithm !== undefined) headers['x-amz-checksum-algorithm'] = algorithm;
      const reply = await create(headers);
      assert.deepEqual([reply.status, reply.code], [400, 'InvalidRequest'], `${algorithm} ${type}`);
    }
  });

  test('M15 CreateMultipartUpload echoes algorithm and type', async () => {
    const { client, bucket } = await use();
    const expected = [
      ['CRC32', undefined, 'COMPOSITE'],
      ['CRC32C', 'FULL_OBJECT', 'FULL_OBJECT'],
      ['CRC64NVME', undefined, 'FULL_OBJECT'],
      ['SHA1', 'COMPOSITE', 'COMPOSITE'],
      ['SHA256', undefined, 'COMPOSITE'],
    ] as const;
    for (const [algorithm, type, answered] of expected) {
      const created = await client.send(
        new CreateMultipartUploadCommand({
          Bucket: bucket,
          Key: 'key',
          ChecksumAlgorithm: algorithm,
          ChecksumType: type,
        }),
      );
      assert.equal(created.ChecksumAlgorithm, algorithm);
      assert.equal(created.ChecksumType, answered);
      assert.equal(created.Bucket, bucket);
      assert.equal(created.Key, 'key');
    }
  });

  for (const algorithm of ['CRC32', 'CRC32C', 'SHA1', 'SHA256'] as const) {
    test(`M16 a composite ${algorithm} is the checksum of the part digests with a count`, async () => {
      const { client, bucket } = await use();
      const options = { ChecksumAlgorithm: algorithm, ChecksumType: 'COMPOSITE' } as const;
      const { name, parts } = await uploaded(client, bucket, 'key', [FIRST, LAST], [1, 2], options);
      const field = `Checksum${algorithm}` as const;
      const digests = parts.map((part) => Buffer.from(part[field] ?? '', 'base64'));
      const value = `${checksumOf(algorithm, Buffer.concat(digests))}-2`;
      const done = await complete(client, name, parts);
      assert.equal(done[field], value);
      assert.equal(done.ChecksumType, 'COMPOSITE');
      const head = await client.send(
        new HeadObjectCommand({ Bucket: bucket, Key: 'key', ChecksumMode: 'ENABLED' }),
      );
      assert.equal(head[field], value);
      assert.equal(head.ChecksumType, 'COMPOSITE');
      const part = await client.send(
        new HeadObjectCommand({
          Bucket: bucket,
          Key: 'key',
          ChecksumMode: 'ENABLED',
          PartNumber: 2,
        }),
      );
      assert.equal(part[field], parts[1]?.[field]);
    });
  }

  for (const algorithm of ['CRC32', 'CRC32C', 'CRC64NVME'] as const) {
    test(`M16 a full-object ${algorithm} is that of all bytes`, async () => {
      const { client, bucket } = await use();
      const options = { ChecksumAlgorithm: algorithm, ChecksumType: 'FULL_OBJECT' } as const;
      const { name, parts } = await uploaded(client, bucket, 'key', [FIRST, LAST], [1, 2], options);
      const done = await complete(client, name, parts);
      assert.equal(done[`Checksum${algorithm}`], checksumOf(algorithm, WHOLE));
      assert.equal(done.ChecksumType, 'FULL_OBJECT');
    });
  }

  test('M17 an upload without algorithm ends with CRC64NVME, whatever the parts sent', async () => {
    const { client, bucket } = await use();
    const name = await begin(client, bucket, 'key');
    const parts: CompletedPart[] = [];
    for (const [index, body] of [FIRST, LAST].entries()) {
      const PartNumber = index + 1;
      const ChecksumAlgorithm = index === 0 ? 'SHA256' : 'CRC32';
      const part = { ...name, PartNumber, Body: body, ChecksumAlgorithm } as const;
      const { ETag } = await client.send(new UploadPartCommand(part));
      parts.push({ PartNumber, ETag });
    }
    const done = await complete(client, name, parts);
    assert.equal(done.ChecksumCRC64NVME, checksumOf('CRC64NVME', WHOLE));
    assert.equal(done.ChecksumType, 'FULL_OBJECT');
  });

  test('M17 an upload without algorithm takes no checksums of parts at the end', async () => {
    const fixture = await use();
    const { name, parts } = await uploaded(fixture.client, fixture.bucket, 'key', [LAST]);
    const ChecksumCRC32 = checksumOf('CRC32', LAST);
    const listed = partsDocument(parts.map((part) => ({ ...part, ChecksumCRC32 })));
    const reply = await rawComplete(fixture, name, listed);
    assert.deepEqual([reply.status, reply.code], [400, 'InvalidPart']);
  });

  test('M18 BI-170 parts listed with a wrong or missing checksum are refused', async () => {
    const fixture = await use();
    const { client, bucket } = fixture;
    const options = { ChecksumAlgorithm: 'SHA256' } as const;
    const { name, parts } = await uploaded(client, bucket, 'key', [LAST], [1], options);
    const wrong = parts.map((part) => ({ ...part, ChecksumSHA256: checksumOf('SHA256', FIRST) }));
    const bad = await rawComplete(fixture, name, partsDocument(wrong));
    assert.deepEqual([bad.status, bad.code], [400, 'InvalidPart']);
    const bare = parts.map(({ PartNumber, ETag }) => ({ PartNumber, ETag }));
    const missing = await rawComplete(fixture, name, partsDocument(bare));
    assert.deepEqual([missing.status, missing.code], [400, 'InvalidRequest']);
    assert.match(missing.text, /missing for part 1/);
    assert.equal((await rawComplete(fixture, name, partsDocument(parts))).status, 200);
  });

  test('M18 an expected checksum and type must be those of the object', async () => {
    const fixture = await use();
    const { client, bucket } = fixture;
    const options = { ChecksumAlgorithm: 'CRC32', ChecksumType: 'FULL_OBJECT' } as const;
    const { name, parts } = await uploaded(client, bucket, 'key', [FIRST, LAST], [1, 2], options);
    const attempt = (headers: Record<string, string>) =>
      rawComplete(fixture, name, partsDocument(parts), headers);
    const value = checksumOf('CRC32', WHOLE);
    const cases: readonly [Record<string, string>, string][] = [
      [{ 'x-amz-checksum-crc32': checksumOf('CRC32', LAST) }, 'BadDigest'],
      [{ 'x-amz-checksum-crc32': 'nonsense' }, 'InvalidRequest'],
      [{ 'x-amz-checksum-type': 'COMPOSITE' }, 'InvalidRequest'],
      [{ 'x-amz-checksum-crc32': value, 'x-amz-checksum-crc32c': value }, 'InvalidRequest'],
    ];
    for (const [headers, code] of cases) {
      const reply = await attempt(headers);
      assert.deepEqual([reply.status, reply.code], [400, code], JSON.stringify(headers));
    }
    const good = { 'x-amz-checksum-crc32': value, 'x-amz-checksum-type': 'FULL_OBJECT' };
    const reply = await attempt(good);
    assert.equal(reply.status, 200, reply.text);
    assert.equal(elementText(reply.text, 'ChecksumCRC32'), value);
  });

  test('M18 an expected composite checksum may end in the count of parts', async () => {
    const fixture = await use();
    const { client, bucket } = fixture;
    const options = { ChecksumAlgorithm: 'SHA1' } as const;
    const { name, parts } = await uploaded(client, bucket, 'key', [FIRST, LAST], [1, 2], options);
    const digests = parts.map((part) => Buffer.from(part.ChecksumSHA1 ?? '', 'base64'));
    const value = checksumOf('SHA1', Buffer.concat(digests));
    const attempt = (text: string) =>
      rawComplete(fixture, name, partsDocument(parts), { 'x-amz-checksum-sha1': text });
    assert.equal((await attempt(`${value}-3`)).code, 'BadDigest');
    assert.equal((await attempt(`${value}-2`)).status, 200);
  });

  test('M19 BI-169 x-amz-mp-object-size must be the size of the object', async () => {
    const fixture = await use();
    const { name, parts } = await uploaded(fixture.client, fixture.bucket, 'key', [FIRST, LAST]);
    const attempt = (size: string) =>
      rawComplete(fixture, name, partsDocument(parts), { 'x-amz-mp-object-size': size });
    for (const size of [String(WHOLE.byteLength + 1), '-1', 'x', '', '1e9']) {
      const reply = await attempt(size);
      assert.deepEqual([reply.status, reply.code], [400, 'InvalidRequest'], size);
    }
    assert.equal((await attempt(String(WHOLE.byteLength))).status, 200);
  });
}
