// UploadPart over HTTP: what is stored, what is echoed, and what changes nothing.

import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { test } from 'node:test';

import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  DeleteBucketCommand,
  GetObjectCommand,
  ListPartsCommand,
  PutObjectCommand,
  UploadPartCommand,
  type ChecksumAlgorithm,
  type S3Client,
} from '@aws-sdk/client-s3';

import { INLINE_BYTES_MAX } from '../support/in-process-server.js';
import { onEveryBackend, refusal, type Fixture } from '../support/operation-suite.js';
import { elementText, type RawReply } from '../support/raw-request.js';

const BODY = randomBytes(INLINE_BYTES_MAX * 3 + 5);
const MD5_HEX = createHash('md5').update(BODY).digest('hex');

onEveryBackend('UploadPart', (use) => {
  test('M15 UploadPart answers with the MD5 as ETag', async () => {
    const { client, bucket } = await use();
    const name = await begin(client, bucket, 'key');
    const part = await client.send(new UploadPartCommand({ ...name, PartNumber: 1, Body: BODY }));
    assert.equal(part.ETag, `"${MD5_HEX}"`);
    const { Parts: parts } = await client.send(new ListPartsCommand(name));
    assert.deepEqual(
      parts?.map(({ PartNumber, Size, ETag }) => [PartNumber, Size, ETag]),
      [[1, BODY.byteLength, `"${MD5_HEX}"`]],
    );
  });

  for (const algorithm of ['CRC32', 'CRC32C', 'CRC64NVME', 'SHA1', 'SHA256'] as const) {
    test(`M15 UploadPart echoes ${algorithm}, sent or computed`, async () => {
      const fixture = await use();
      const { client, bucket } = fixture;
      const name = await begin(client, bucket, 'key', algorithm);
      const sent = await client.send(
        new UploadPartCommand({
          ...name,
          PartNumber: 1,
          Body: BODY,
          ChecksumAlgorithm: algorithm,
        }),
      );
      const field = `Checksum${algorithm}` as const;
      assert(sent[field] !== undefined);
      // The SDK always sends a checksum, so the request without one is ours.
      const computed = await rawPart(fixture, name, 2, {});
      const header = computed.headers[`x-amz-checksum-${algorithm.toLowerCase()}`];
      assert.equal(header, sent[field]);
      const listed = await client.send(new ListPartsCommand(name));
      assert.equal(listed.ChecksumAlgorithm, algorithm);
      assert.deepEqual(
        listed.Parts?.map((part) => part[field]),
        [sent[field], sent[field]],
      );
    });
  }

  test('M15 UploadPart with another algorithm than the upload is InvalidRequest', async () => {
    const { client, bucket } = await use();
    const name = await begin(client, bucket, 'key', 'SHA256');
    const part = { ...name, PartNumber: 1, Body: BODY, ChecksumAlgorithm: 'CRC32' as const };
    assert.deepEqual(await refusal(client.send(new UploadPartCommand(part))), {
      code: 'InvalidRequest',
      status: 400,
    });
    assert.equal((await client.send(new ListPartsCommand(name))).Parts, undefined);
  });

  test('M17 UploadPart verifies any algorithm when the upload has none', async () => {
    const fixture = await use();
    const { client, bucket } = fixture;
    const name = await begin(client, bucket, 'key');
    const sha1 = createHash('sha1').update(BODY).digest('base64');
    const good = await rawPart(fixture, name, 1, { 'x-amz-checksum-sha1': sha1 });
    assert.equal(good.status, 200, good.text);
    assert.equal(good.headers['x-amz-checksum-sha1'], sha1);
    assert.equal(good.headers['x-amz-checksum-crc64nvme'], undefined);
    const wrong = createHash('sha1').update('other').digest('base64');
    const bad = await rawPart(fixture, name, 2, { 'x-amz-checksum-sha1': wrong });
    assert.deepEqual([bad.status, bad.code], [400, 'BadDigest']);
    const { Parts: parts } = await client.send(new ListPartsCommand(name));
    assert.deepEqual(
      parts?.map(({ PartNumber }) => PartNumber),
      [1],
    );
    assert.equal(parts[0]?.ChecksumSHA1, undefined, 'an upload without algorithm shows none');
  });

  test('M22 UploadPart verifies Content-MD5', async () => {
    const fixture = await use();
    const name = await begin(fixture.client, fixture.bucket, 'key');
    const md5 = Buffer.from(MD5_HEX, 'hex').toString('base64');
    const other = createHash('md5').update('other').digest('base64');
    const cases = [
      [md5, 200, ''],
      [other, 400, 'BadDigest'],
      ['short', 400, 'InvalidDigest'],
    ] as const;
    for (const [value, status, code] of cases) {
      const reply = await rawPart(fixture, name, 1, { 'content-md5': value });
      assert.deepEqual([reply.status, reply.code], [status, code], value);
    }
  });

  test('C02 UploadPart stores nothing of a body that is not what was signed', async () => {
    const fixture = await use();
    const name = await begin(fixture.client, fixture.bucket, 'key');
    const other = createHash('sha256').update('other').digest('hex');
    const reply = await rawPart(fixture, name, 1, { 'x-amz-content-sha256': other });
    assert.deepEqual([reply.status, reply.code], [400, 'XAmzContentSHA256Mismatch']);
    assert.equal((await fixture.client.send(new ListPartsCommand(name))).Parts, undefined);
  });

  test('M06 BI-159 UploadPart refuses part numbers outside 1 to 10000', async () => {
    const fixture = await use();
    const name = await begin(fixture.client, fixture.bucket, 'key');
    for (const number of ['0', '-1', '10001', 'x', '2147483648', '', '1.5', '%2B1', '1e3']) {
      const reply = await rawPart(fixture, name, number, {});
      assert.deepEqual([reply.status, reply.code], [400, 'InvalidArgument'], number);
      assert.equal(elementText(reply.text, 'ArgumentName'), 'partNumber');
    }
    for (const number of [1, 10_000]) {
      assert.equal((await rawPart(fixture, name, number, {})).status, 200);
    }
  });

  test('BI-160 BI-161 UploadPart needs both partNumber and uploadId', async () => {
    const fixture = await use();
    const { client, bucket, raw } = fixture;
    await client.send(new PutObjectCommand({ Bucket: bucket, Key: 'key', Body: 'kept' }));
    const { UploadId } = await begin(client, bucket, 'key');
    const put = (query: string) =>
      raw({ method: 'PUT', path: `/${bucket}/key`, query, body: BODY });
    const alone = await put('partNumber=1');
    assert.deepEqual([alone.status, alone.code], [400, 'InvalidArgument']);
    const without = await put(`uploadId=${UploadId}`);
    assert.deepEqual([without.status, without.code], [405, 'MethodNotAllowed']);
    assert.equal(await textOf(client, bucket, 'key'), 'kept');
  });

  test('M07 BI-162 UploadPart to an upload that is not there is NoSuchUpload', async () => {
    const fixture = await use();
    const { client, bucket } = fixture;
    const name = await begin(client, bucket, 'key');
    const aborted = await begin(client, bucket, 'key');
    await client.send(new AbortMultipartUploadCommand(aborted));
    const wrong = [
      { ...name, Key: 'other' },
      { ...name, UploadId: 'unknown' },
      { ...name, UploadId: '' },
      { ...name, UploadId: '0'.repeat(32) },
      { ...name, UploadId: 'u'.repeat(4000) },
      aborted,
    ];
    for (const upload of wrong) {
      const reply = await rawPart(fixture, upload, 1, {});
      assert.deepEqual([reply.status, reply.code], [404, 'NoSuchUpload'], upload.UploadId);
      assert.equal(elementText(reply.text, 'UploadId'), upload.UploadId);
    }
  });

  test('BI-173 UploadPart after the bucket was deleted is NoSuchBucket', async () => {
    const fixture = await use();
    const name = await begin(fixture.client, fixture.bucket, 'key');
    assert.equal((await rawPart(fixture, name, 1, {})).status, 200);
    await fixture.client.send(new DeleteBucketCommand({ Bucket: fixture.bucket }));
    const reply = await rawPart(fixture, name, 2, {});
    assert.deepEqual([reply.status, reply.code], [404, 'NoSuchBucket']);
  });

  test('BI-171 UploadPart above 5 GiB is EntityTooLarge before the body is read', async () => {
    const { client, bucket, raw } = await use();
    const { UploadId } = await begin(client, bucket, 'key');
    const reply = await raw({
      method: 'PUT',
      path: `/${bucket}/key`,
      query: `partNumber=1&uploadId=${UploadId}`,
      headers: {
        'x-amz-content-sha256': 'STREAMING-UNSIGNED-PAYLOAD-TRAILER',
        'x-amz-decoded-content-length': String(5 * 1024 ** 3 + 1),
        'x-amz-trailer': 'x-amz-checksum-crc32',
        'content-encoding': 'aws-chunked',
      },
      body: '0\r\n',
    });
    assert.deepEqual([reply.status, reply.code], [400, 'EntityTooLarge'], reply.text);
    assert.equal(elementText(reply.text, 'MaxSizeAllowed'), String(5 * 1024 ** 3));
  });

  test('M09 UploadPart of the same number replaces the part', async () => {
    const { client, bucket } = await use();
    const name = await begin(client, bucket, 'key');
    const part = { ...name, PartNumber: 1 };
    await client.send(new UploadPartCommand({ ...part, Body: 'first' }));
    const { ETag } = await client.send(new UploadPartCommand({ ...part, Body: 'second' }));
    const { Parts: parts } = await client.send(new ListPartsCommand(name));
    assert.deepEqual(
      parts?.map((listed) => [listed.PartNumber, listed.ETag]),
      [[1, ETag]],
    );
    await complete(client, name, [{ PartNumber: 1, ETag }]);
    assert.equal(await textOf(client, bucket, 'key'), 'second');
  });

  test('M09 concurrent uploads of one part leave one of them whole', async () => {
    const { client, bucket } = await use();
    const name = await begin(client, bucket, 'key');
    const bodies = Array.from({ length: 8 }, (_, index) => Buffer.alloc(50_000, index + 1));
    await Promise.all(
      bodies.map((body) =>
        client.send(new UploadPartCommand({ ...name, PartNumber: 1, Body: body })),
      ),
    );
    const { Parts: parts } = await client.send(new ListPartsCommand(name));
    assert.equal(parts?.length, 1);
    await complete(client, name, [{ PartNumber: 1, ETag: parts[0]?.ETag }]);
    const stored = await bytesOf(client, bucket, 'key');
    assert(bodies.some((body) => body.equals(stored)));
    assert.equal(`"${createHash('md5').update(stored).digest('hex')}"`, parts[0]?.ETag);
  });

  test('M11 an upload aborted while a part arrives keeps nothing of it', async () => {
    const fixture = await use();
    const { client, bucket, server } = fixture;
    const name = await begin(client, bucket, 'key');
    const stage = server.store.stagePart.bind(server.store);
    // The abort comes between the first byte and the commit of the part.
    server.store.stagePart = async (input) => {
      const staged = await stage(input);
      await server.store.abortUpload(bucket, 'key', name.UploadId);
      return staged;
    };
    const reply = await rawPart(fixture, name, 1, {});
    server.store.stagePart = stage;
    assert.deepEqual([reply.status, reply.code], [404, 'NoSuchUpload']);
    assert.equal((await refusal(client.send(new ListPartsCommand(name)))).code, 'NoSuchUpload');
    assert.equal(server.store.bucketCounters(bucket).uploadCount, 0);
  });

  test('BI-182 UploadPart refuses encryption', async () => {
    const fixture = await use();
    const name = await begin(fixture.client, fixture.bucket, 'key');
    const headers = { 'x-amz-server-side-encryption-customer-algorithm': 'AES256' };
    const reply = await rawPart(fixture, name, 1, headers);
    assert.deepEqual([reply.status, reply.code], [501, 'NotImplemented']);
  });

  test('UploadPart takes an empty part', async () => {
    const { client, bucket } = await use();
    const name = await begin(client, bucket, 'key');
    const { ETag } = await client.send(
      new UploadPartCommand({ ...name, PartNumber: 1, Body: Buffer.alloc(0) }),
    );
    await complete(client, name, [{ PartNumber: 1, ETag }]);
    assert.equal((await bytesOf(client, bucket, 'key')).byteLength, 0);
  });
});

interface UploadName {
  readonly Bucket: string;
  readonly Key: string;
  readonly UploadId: string;
}

async function begin(
  client: S3Client,
  bucket: string,
  key: string,
  algorithm?: ChecksumAlgorithm,
): Promise<UploadName> {
  const name = { Bucket: bucket, Key: key };
  const { UploadId = '' } = await client.send(
    new CreateMultipartUploadCommand({ ...name, ChecksumAlgorithm: algorithm }),
  );
  return { ...name, UploadId };
}

function rawPart(
  fixture: Fixture,
  name: UploadName,
  partNumber: number | string,
  headers: Readonly<Record<string, string>>,
): Promise<RawReply> {
  return fixture.raw({
    method: 'PUT',
    path: `/${name.Bucket}/${name.Key}`,
    query: `partNumber=${partNumber}&uploadId=${name.UploadId}`,
    headers,
    body: BODY,
  });
}

function complete(
  client: S3Client,
  name: UploadName,
  parts: { PartNumber: number; ETag: string | undefined }[],
) {
  return client.send(
    new CompleteMultipartUploadCommand({ ...name, MultipartUpload: { Parts: parts } }),
  );
}

async function bytesOf(client: S3Client, bucket: string, key: string): Promise<Buffer> {
  const { Body: body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
  return Buffer.from((await body?.transformToByteArray()) ?? []);
}

async function textOf(client: S3Client, bucket: string, key: string): Promise<string> {
  return (await bytesOf(client, bucket, key)).toString();
}
