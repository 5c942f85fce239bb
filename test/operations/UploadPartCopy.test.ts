// UploadPartCopy over HTTP: ranges, conditions and sources, and that refusals add no part.

import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import {
  CompleteMultipartUploadCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  HeadObjectCommand,
  ListPartsCommand,
  PutObjectCommand,
  UploadPartCommand,
  UploadPartCopyCommand,
  type CreateMultipartUploadCommandInput,
  type UploadPartCopyCommandInput,
} from '@aws-sdk/client-s3';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';

import { checksumOf } from '#src/s3/checksums.js';
import { accountIdOf } from '#src/s3/owner.js';

import { startInProcessServer } from '../support/in-process-server.js';
import { BODIES, bytesOf, putObject, uploadInParts } from '../support/objects.js';
import { onEveryBackend, refusal, type Fixture } from '../support/operation-suite.js';
import { elementText, rawRequest } from '../support/raw-request.js';
import { s3Client } from '../support/s3-client.js';

const MIB = 1024 * 1024;
const LARGE = randomBytes(MIB + 4321);

onEveryBackend('UploadPartCopy', (use) => {
  for (const [placement, body] of BODIES) {
    test(`M21 UploadPartCopy of ${placement} bytes answers ETag and date and makes the part`, async () => {
      const fixture = await use();
      await putObject(fixture, 'source', body);
      const upload = await begin(fixture);
      const { CopyPartResult: result } = await copyPart(fixture, upload, { PartNumber: 7 });
      assert.equal(result?.ETag, quotedMd5(body));
      assert.equal(result.LastModified?.getMilliseconds(), 0);
      const { Parts: parts } = await fixture.client.send(new ListPartsCommand(upload));
      assert.deepEqual(
        parts?.map(({ PartNumber, ETag, Size }) => [PartNumber, ETag, Size]),
        [[7, quotedMd5(body), body.byteLength]],
      );
      await complete(fixture, upload, [[7, result.ETag]]);
      assert.deepEqual(await bytesOf(fixture, 'target'), body);
    });
  }

  test('M21 UploadPartCopy answers with a CopyPartResult and no version id', async () => {
    const fixture = await use();
    await putObject(fixture, 'source', 'bytes');
    const { UploadId } = await begin(fixture);
    const reply = await fixture.raw({
      method: 'PUT',
      path: `/${fixture.bucket}/target`,
      query: `partNumber=1&uploadId=${UploadId}`,
      headers: { 'x-amz-copy-source': `/${fixture.bucket}/source` },
    });
    assert.equal(reply.status, 200, reply.text);
    assert.match(
      reply.text,
      /<CopyPartResult xmlns="http:\/\/s3\.amazonaws\.com\/doc\/2006-03-01\/">/,
    );
    assert.equal(reply.headers['content-type'], 'application/xml');
    assert.equal(reply.headers['x-amz-copy-source-version-id'], undefined);
    assert.equal(reply.headers.etag, undefined);
  });

  test('A15 M21 UploadPartCopy takes its source from a presigned URL', async () => {
    const fixture = await use();
    await putObject(fixture, 'source', LARGE);
    const upload = await begin(fixture);
    const CopySource = `${fixture.bucket}/source`;
    const command = new UploadPartCopyCommand({ ...upload, PartNumber: 1, CopySource });
    const url = await getSignedUrl(fixture.client, command);
    assert.match(url, /x-amz-copy-source=/);
    const reply = await fetch(url, { method: 'PUT' });
    assert.equal(reply.status, 200);
    assert.equal(elementText(await reply.text(), 'ETag'), quotedMd5(LARGE));
  });

  test('M20 UploadPartCopy copies exactly the bytes of a range', async () => {
    const fixture = await use();
    await putObject(fixture, 'source', LARGE);
    const upload = await begin(fixture);
    const last = LARGE.byteLength - 1;
    for (const [first, end] of [
      [0, 0],
      [0, last],
      [1, last],
      [MIB - 1, MIB],
      [last, last],
      [1234, 999_999],
    ] as const) {
      const CopySourceRange = `bytes=${first}-${end}`;
      const { CopyPartResult: result } = await copyPart(fixture, upload, { CopySourceRange });
      assert.equal(result?.ETag, quotedMd5(LARGE.subarray(first, end + 1)), CopySourceRange);
    }
  });

  test('M20 UploadPartCopy copies a range that crosses the parts of its source', async () => {
    const fixture = await use();
    const parts = [randomBytes(5 * MIB), randomBytes(5 * MIB), randomBytes(77)];
    await uploadInParts(fixture, 'source', parts);
    const whole = Buffer.concat(parts);
    const upload = await begin(fixture);
    const [first, last] = [5 * MIB - 3, 10 * MIB + 5];
    const range = `bytes=${first}-${last}`;
    const ranged = await copyPart(fixture, upload, { CopySourceRange: range });
    const expected = quotedMd5(whole.subarray(first, last + 1));
    assert.equal(ranged.CopyPartResult?.ETag, expected);
    const all = await copyPart(fixture, upload, { PartNumber: 2 });
    assert.equal(all.CopyPartResult?.ETag, quotedMd5(whole));
    await complete(fixture, upload, [
      [1, expected],
      [2, quotedMd5(whole)],
    ]);
    const copied = await bytesOf(fixture, 'target');
    assert.ok(copied.equals(Buffer.concat([whole.subarray(first, last + 1), whole])));
  });

  test('M20 BI-156 UploadPartCopy refuses ranges that are malformed or beyond the source', async () => {
    const fixture = await use();
    await putObject(fixture, 'source', '0123456789');
    await putObject(fixture, 'empty', '');
    const upload = await begin(fixture);
    for (const [range, code] of [
      ['0-4', 'InvalidArgument'],
      ['bytes=0-', 'InvalidArgument'],
      ['bytes=-4', 'InvalidArgument'],
      ['bytes=4-2', 'InvalidArgument'],
      ['bytes=0-1,3-4', 'InvalidArgument'],
      ['bytes=a-b', 'InvalidArgument'],
      ['', 'InvalidArgument'],
      ['bytes=0-10', 'InvalidArgument'],
      ['bytes=0-99999999999999999999', 'InvalidArgument'],
      ['bytes=10-10', 'InvalidRequest'],
      ['bytes=99999999999999999998-99999999999999999999', 'InvalidRequest'],
    ] as const) {
      const reply = await rawCopy(fixture, upload, { 'x-amz-copy-source-range': range });
      assert.deepEqual([reply.status, reply.code], [400, code], `range ${range}`);
    }
    const empty = copyPart(fixture, upload, {
      CopySource: `${fixture.bucket}/empty`,
      CopySourceRange: 'bytes=0-0',
    });
    assert.equal((await refusal(empty)).code, 'InvalidRequest');
    assert.deepEqual(await partsOf(fixture, upload), []);
  });

  test('M21 W11 UploadPartCopy copies only while the conditions on its source hold', async () => {
    const fixture = await use();
    await putObject(fixture, 'source', 'bytes');
    const upload = await begin(fixture);
    const etag = quotedMd5(Buffer.from('bytes'));
    const past = new Date(Date.now() - 86_400_000).toUTCString();
    const future = new Date(Date.now() + 86_400_000).toUTCString();
    for (const [condition, value, isMet] of [
      ['if-match', etag, true],
      ['if-match', '"other"', false],
      ['if-none-match', '"other"', true],
      ['if-none-match', etag, false],
      ['if-unmodified-since', future, true],
      ['if-unmodified-since', past, false],
      ['if-modified-since', past, true],
      ['if-modified-since', new Date().toUTCString(), false],
    ] as const) {
      const name = `x-amz-copy-source-${condition}`;
      const partNumber = isMet ? 1 : 2;
      const reply = await rawCopy(fixture, upload, { [name]: value }, partNumber);
      if (isMet) {
        assert.equal(reply.status, 200, `${name}: ${value}`);
        continue;
      }
      assert.deepEqual([reply.status, reply.code], [412, 'PreconditionFailed'], name);
      assert.equal(elementText(reply.text, 'Condition')?.toLowerCase(), name);
    }
    assert.deepEqual(await partsOf(fixture, upload), [1]);
  });

  test('X01 UploadPartCopy decodes the source once, and takes its version id', async () => {
    const fixture = await use();
    const upload = await begin(fixture);
    for (const [index, key] of ['a b', 'a+b', 'a%20b', 'ü🙂', 'q?versionId=null'].entries()) {
      await putObject(fixture, key, `content ${index}`);
      const source = `${index % 2 === 0 ? '/' : ''}${fixture.bucket}/${encodeURIComponent(key)}`;
      const expected = quotedMd5(Buffer.from(`content ${index}`));
      for (const suffix of ['', '?versionId=null']) {
        const headers = { 'x-amz-copy-source': `${source}${suffix}` };
        const reply = await rawCopy(fixture, upload, headers);
        assert.equal(reply.status, 200, reply.text);
        assert.equal(elementText(reply.text, 'ETag'), expected, key);
      }
    }
  });

  test('X01 X05 BI-151 BI-154 UploadPartCopy refuses a malformed or missing source', async () => {
    const fixture = await use();
    const { bucket } = fixture;
    await putObject(fixture, 'source', 'bytes');
    const upload = await begin(fixture);
    const otherVersion = 'A'.repeat(32);
    for (const [source, status, code] of [
      [bucket, 400, 'InvalidArgument'],
      [`${bucket}/`, 400, 'InvalidArgument'],
      [`${bucket}/%zz`, 400, 'InvalidArgument'],
      [`${bucket}/../x`, 400, 'InvalidArgument'],
      [`${bucket}/source?versionId=!`, 400, 'InvalidArgument'],
      [`${bucket}/missing`, 404, 'NoSuchKey'],
      [`${bucket}/source?versionId=${otherVersion}`, 404, 'NoSuchVersion'],
      ['no-such-bucket/source', 404, 'NoSuchBucket'],
    ] as const) {
      const reply = await rawCopy(fixture, upload, { 'x-amz-copy-source': source });
      assert.deepEqual([reply.status, reply.code], [status, code], source);
    }
    assert.deepEqual(await partsOf(fixture, upload), []);
  });

  test('X01 UploadPartCopy does not read a bucket of another account', async () => {
    const fixture = await use();
    const { server, bucket } = fixture;
    await putObject(fixture, 'source', 'bytes');
    const { stranger } = server;
    const own = `${bucket}-stranger`;
    await rawRequest(stranger, { method: 'PUT', path: `/${own}` });
    const path = `/${own}/target`;
    const begun = await rawRequest(stranger, { method: 'POST', path, query: 'uploads' });
    const query = `partNumber=1&uploadId=${elementText(begun.text, 'UploadId')}`;
    for (const source of [`${bucket}/source`, `${bucket}/missing`]) {
      const headers = { 'x-amz-copy-source': source };
      const reply = await rawRequest(stranger, { method: 'PUT', path, query, headers });
      assert.deepEqual([reply.status, reply.code], [403, 'AccessDenied'], source);
    }
  });

  test('B12 UploadPartCopy checks the expected owner of the source', async () => {
    const fixture = await use();
    await putObject(fixture, 'source', 'bytes');
    const upload = await begin(fixture);
    const name = 'x-amz-source-expected-bucket-owner';
    for (const [owner, status] of [
      [accountIdOf('main'), 200],
      [accountIdOf('stranger'), 403],
      ['me', 400],
    ] as const) {
      assert.equal((await rawCopy(fixture, upload, { [name]: owner })).status, status, owner);
    }
  });

  test('M06 M07 BI-159 UploadPartCopy refuses part numbers and uploads that do not exist', async () => {
    const fixture = await use();
    await putObject(fixture, 'source', 'bytes');
    const upload = await begin(fixture);
    for (const number of ['0', '-1', '10001', 'x', '']) {
      const reply = await rawCopy(fixture, upload, {}, number);
      assert.deepEqual([reply.status, reply.code], [400, 'InvalidArgument'], number);
    }
    for (const UploadId of ['x', '0'.repeat(32)]) {
      const reply = await rawCopy(fixture, { ...upload, UploadId });
      assert.deepEqual([reply.status, reply.code], [404, 'NoSuchUpload'], UploadId);
    }
    const other = await rawCopy(fixture, { ...upload, Key: 'other' });
    assert.deepEqual([other.status, other.code], [404, 'NoSuchUpload']);
  });

  test('G18 UploadPartCopy does not read an archived source', async () => {
    const fixture = await use();
    await putObject(fixture, 'source', 'bytes', { StorageClass: 'GLACIER' });
    const upload = await begin(fixture);
    const { code, status } = await refusal(copyPart(fixture, upload));
    assert.deepEqual([status, code], [403, 'InvalidObjectState']);
  });

  for (const [chosen, uploaded] of [
    [undefined, undefined],
    [undefined, 'SHA256'],
    ['SHA256', 'SHA256'],
    ['CRC32', 'SHA256'],
  ] as const) {
    test(`M15 M21 UploadPartCopy computes the upload's checksum: ${chosen ?? 'none'} from ${uploaded ?? 'the default'}`, async () => {
      const fixture = await use();
      const checksum = uploaded === undefined ? {} : { ChecksumAlgorithm: uploaded };
      await putObject(fixture, 'source', LARGE, checksum);
      const wanted = chosen === undefined ? {} : { ChecksumAlgorithm: chosen };
      const upload = await begin(fixture, wanted);
      const { CopyPartResult: result } = await copyPart(fixture, upload);
      const shown = {
        ChecksumCRC32: result?.ChecksumCRC32,
        ChecksumSHA256: result?.ChecksumSHA256,
      };
      assert.deepEqual(shown, {
        ChecksumCRC32: chosen === 'CRC32' ? checksumOf('CRC32', LARGE) : undefined,
        ChecksumSHA256: chosen === 'SHA256' ? checksumOf('SHA256', LARGE) : undefined,
      });
      const sums = Object.fromEntries(Object.entries(shown).filter(([, sum]) => sum !== undefined));
      await complete(fixture, upload, [[1, result?.ETag]], sums);
      const head = await fixture.client.send(
        new HeadObjectCommand({ Bucket: fixture.bucket, Key: 'target', ChecksumMode: 'ENABLED' }),
      );
      const full = chosen === undefined ? checksumOf('CRC64NVME', LARGE) : undefined;
      assert.equal(head.ChecksumCRC64NVME, full);
    });
  }

  test('M09 UploadPartCopy replaces a part of the same number, and is replaced by one', async () => {
    const fixture = await use();
    await putObject(fixture, 'source', LARGE);
    const upload = await begin(fixture);
    const { client } = fixture;
    await client.send(new UploadPartCommand({ ...upload, PartNumber: 1, Body: 'first' }));
    await copyPart(fixture, upload);
    await copyPart(fixture, upload, { PartNumber: 2 });
    const { ETag } = await client.send(
      new UploadPartCommand({ ...upload, PartNumber: 2, Body: 'last' }),
    );
    const { Parts: parts } = await client.send(new ListPartsCommand(upload));
    const etags = parts?.map((part) => part.ETag);
    assert.deepEqual(etags, [quotedMd5(LARGE), ETag]);
  });

  test('M21 a part outlives the source it was copied from', async () => {
    const fixture = await use();
    await putObject(fixture, 'source', LARGE);
    const upload = await begin(fixture);
    const { CopyPartResult: result } = await copyPart(fixture, upload);
    await putObject(fixture, 'source', 'other');
    await fixture.server.store.reclaimer.reclaimGarbage(() => true);
    await complete(fixture, upload, [[1, result?.ETag]]);
    assert.deepEqual(await bytesOf(fixture, 'target'), LARGE);
  });

  test('M21 UploadPartCopy copies from another bucket', async () => {
    const fixture = await use();
    const other = `${fixture.bucket}-other`;
    await fixture.client.send(new CreateBucketCommand({ Bucket: other }));
    await fixture.client.send(new PutObjectCommand({ Bucket: other, Key: 'k', Body: LARGE }));
    const upload = await begin(fixture);
    const { CopyPartResult: result } = await copyPart(fixture, upload, {
      CopySource: `${other}/k`,
    });
    assert.equal(result?.ETag, quotedMd5(LARGE));
  });
});

test('M21 UploadPartCopy links a whole blob and rewrites everything else', async () => {
  const server = await startInProcessServer({ backend: 'file' });
  const client = s3Client(server);
  try {
    const bucket = 'links';
    await client.send(new CreateBucketCommand({ Bucket: bucket }));
    const fixture = { server, client, bucket };
    await putObject(fixture, 'source', LARGE);
    const upload = await begin(fixture);
    for (const [more, links] of [
      [{}, 2],
      [{ CopySourceRange: `bytes=0-${LARGE.byteLength - 1}` }, 2],
      [{ CopySourceRange: 'bytes=1-9' }, 1],
      [{}, 2],
    ] as const) {
      await copyPart(fixture, upload, more);
      await server.store.reclaimer.reclaimGarbage(() => true);
      const counts = payloadLinkCounts(join(server.basePath, bucket));
      assert.deepEqual(counts, [links, links], JSON.stringify(more));
    }
    const other = await begin(fixture, { ChecksumAlgorithm: 'SHA256' });
    await copyPart(fixture, other);
    assert.deepEqual(payloadLinkCounts(join(server.basePath, bucket)), [3, 3, 3]);
  } finally {
    client.destroy();
    await server.stop();
  }
  assert.deepEqual(server.faults, []);
});

/** Hard links of every payload file of a bucket. */
function payloadLinkCounts(path: string): readonly number[] {
  const names = readdirSync(path, { recursive: true }).map(String);
  const payloads = names.filter((name) => name.endsWith('/data'));
  return payloads.map((name) => statSync(join(path, name)).nlink);
}

type Place = Pick<Fixture, 'client' | 'bucket'>;

interface UploadName {
  readonly Bucket: string;
  readonly Key: string;
  readonly UploadId: string | undefined;
}

async function begin(
  { client, bucket }: Place,
  more: Partial<CreateMultipartUploadCommandInput> = {},
): Promise<UploadName> {
  const name = { Bucket: bucket, Key: 'target' };
  const { UploadId } = await client.send(new CreateMultipartUploadCommand({ ...name, ...more }));
  return { ...name, UploadId };
}

function copyPart(
  { client, bucket }: Place,
  upload: UploadName,
  more: Partial<UploadPartCopyCommandInput> = {},
) {
  const source = { CopySource: `${bucket}/source`, PartNumber: 1 };
  return client.send(new UploadPartCopyCommand({ ...upload, ...source, ...more }));
}

function rawCopy(
  { raw, bucket }: Fixture,
  { Key, UploadId }: UploadName,
  headers: Readonly<Record<string, string>> = {},
  partNumber: number | string = 1,
) {
  return raw({
    method: 'PUT',
    path: `/${bucket}/${Key}`,
    query: `partNumber=${partNumber}&uploadId=${UploadId}`,
    headers: { 'x-amz-copy-source': `/${bucket}/source`, ...headers },
  });
}

async function complete(
  { client }: Fixture,
  upload: UploadName,
  parts: readonly (readonly [partNumber: number, etag: string | undefined])[],
  checksums: Readonly<Record<string, string | undefined>> = {},
): Promise<void> {
  const Parts = parts.map(([PartNumber, ETag]) => ({ PartNumber, ETag, ...checksums }));
  await client.send(new CompleteMultipartUploadCommand({ ...upload, MultipartUpload: { Parts } }));
}

async function partsOf({ client }: Fixture, upload: UploadName) {
  const { Parts: parts } = await client.send(new ListPartsCommand(upload));
  return (parts ?? []).map(({ PartNumber }) => PartNumber);
}

function quotedMd5(bytes: Uint8Array): string {
  return `"${createHash('md5').update(bytes).digest('hex')}"`;
}
