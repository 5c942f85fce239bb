// CopyObject over HTTP: what is taken along, what is refused, and that refusals change nothing.

import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { test } from 'node:test';

import {
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  GetObjectCommand,
  HeadObjectCommand,
  PutObjectCommand,
  UploadPartCommand,
  type S3Client,
} from '@aws-sdk/client-s3';

import { accountIdOf } from '#src/s3/owner.js';

import { INLINE_BYTES_MAX } from '../support/in-process-server.js';
import { onEveryBackend, refusal } from '../support/operation-suite.js';
import { elementText, rawRequest } from '../support/raw-request.js';

const SMALL = Buffer.from('hello world');
const LARGE = randomBytes(INLINE_BYTES_MAX * 40 + 17);
const MIB = 1024 * 1024;

onEveryBackend('CopyObject', (use) => {
  test('X01 CopyObject decodes the source once, with and without a leading slash', async () => {
    const { client, bucket, raw } = await use();
    const keys = ['a b', 'a+b', 'a%20b', 'a//b', 'x/../y', 'ü🙂', 'q?versionId=null', '#&='];
    for (const [index, key] of keys.entries()) {
      const body = `content ${index}`;
      await client.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: body }));
      const slash = index % 2 === 0 ? '/' : '';
      const source = `${slash}${bucket}/${encodeURIComponent(key)}`;
      const reply = await raw({
        method: 'PUT',
        path: `/${bucket}/copy-${index}`,
        headers: { 'x-amz-copy-source': source },
      });
      assert.equal(reply.status, 200, `${key}: ${reply.text}`);
      assert.equal(await textOf(client, bucket, `copy-${index}`), body);
    }
  });

  test('X01 CopyObject takes a plus in the source for a plus', async () => {
    const { client, bucket, raw } = await use();
    await client.send(new PutObjectCommand({ Bucket: bucket, Key: 'a+b', Body: 'plus' }));
    const headers = { 'x-amz-copy-source': `/${bucket}/a+b` };
    const reply = await raw({ method: 'PUT', path: `/${bucket}/copy`, headers });
    assert.equal(reply.status, 200, reply.text);
    assert.equal(await textOf(client, bucket, 'copy'), 'plus');
  });

  test('X01 CopyObject by version id null copies the only version', async () => {
    const { client, bucket } = await use();
    await put(client, bucket, 'source', SMALL);
    await client.send(
      new CopyObjectCommand({
        Bucket: bucket,
        Key: 'copy',
        CopySource: `${bucket}/source?versionId=null`,
      }),
    );
    assert.equal(await textOf(client, bucket, 'copy'), 'hello world');
  });

  test('BI-151 BI-152 CopyObject refuses a malformed source with InvalidArgument', async () => {
    const { bucket, raw } = await use();
    const sources = ['', '/', bucket, `/${bucket}`, `${bucket}/`, `${bucket}/%zz`, 'UPPER/key'];
    sources.push(`${bucket}/../x`, `${bucket}/a%00b`, `${bucket}/%FF`, `${bucket}/k?versionId=!`);
    for (const source of sources) {
      const reply = await raw({
        method: 'PUT',
        path: `/${bucket}/copy`,
        headers: { 'x-amz-copy-source': source },
      });
      assert.deepEqual([reply.status, reply.code], [400, 'InvalidArgument'], `source ${source}`);
    }
  });

  for (const [size, body] of [
    ['an inline', SMALL],
    ['a plain', LARGE],
    ['an empty', Buffer.alloc(0)],
  ] as const) {
    test(`X07 CopyObject of ${size} object answers with ETag, date and checksum`, async () => {
      const { client, bucket } = await use();
      const source = await client.send(
        new PutObjectCommand({
          Bucket: bucket,
          Key: 'source',
          Body: body,
          ChecksumAlgorithm: 'SHA256',
        }),
      );
      const { CopyObjectResult: result } = await client.send(
        new CopyObjectCommand({ Bucket: bucket, Key: 'copy', CopySource: `${bucket}/source` }),
      );
      assert.equal(result?.ETag, `"${createHash('md5').update(body).digest('hex')}"`);
      assert.equal(result.ChecksumSHA256, source.ChecksumSHA256);
      assert.equal(result.ChecksumType, 'FULL_OBJECT');
      assert.equal(result.LastModified?.getMilliseconds(), 0);
      assert.deepEqual(await bytesOf(client, bucket, 'copy'), body);
    });
  }

  test('X07 CopyObject leaves a copy that outlives the source', async () => {
    const { client, bucket } = await use();
    await put(client, bucket, 'source', LARGE);
    await copy(client, bucket, 'source', 'copy');
    await put(client, bucket, 'source', SMALL);
    assert.deepEqual(await bytesOf(client, bucket, 'copy'), LARGE);
    await copy(client, bucket, 'copy', 'source');
    assert.deepEqual(await bytesOf(client, bucket, 'source'), LARGE);
  });

  test('X07 CopyObject across buckets answers to PATCH as well', async () => {
    const { client, bucket, raw } = await use();
    const other = `${bucket}-other`;
    await client.send(new CreateBucketCommand({ Bucket: other }));
    await put(client, bucket, 'source', LARGE);
    const reply = await raw({
      method: 'PATCH',
      path: `/${other}/copy`,
      headers: { 'x-amz-copy-source': `/${bucket}/source` },
    });
    assert.equal(reply.status, 200, reply.text);
    assert.match(reply.text, /<CopyObjectResult xmlns=/);
    assert.equal(reply.headers['content-type'], 'application/xml');
    assert.deepEqual(await bytesOf(client, other, 'copy'), LARGE);
  });

  test('X02 BI-153 CopyObject onto itself without change is InvalidRequest', async () => {
    const { client, bucket } = await use();
    await put(client, bucket, 'key', SMALL);
    assert.deepEqual(await refusal(copy(client, bucket, 'key', 'key')), {
      code: 'InvalidRequest',
      status: 400,
    });
  });

  test('X02 CopyObject onto itself may replace metadata, class or redirect', async () => {
    const { client, bucket } = await use();
    await put(client, bucket, 'key', LARGE);
    await copy(client, bucket, 'key', 'key', {
      MetadataDirective: 'REPLACE',
      Metadata: { colour: 'red' },
    });
    await copy(client, bucket, 'key', 'key', { WebsiteRedirectLocation: '/elsewhere' });
    await copy(client, bucket, 'key', 'key', { StorageClass: 'STANDARD_IA' });
    const head = await client.send(new HeadObjectCommand({ Bucket: bucket, Key: 'key' }));
    assert.deepEqual(head.Metadata, { colour: 'red' });
    assert.equal(head.StorageClass, 'STANDARD_IA');
    assert.equal(head.WebsiteRedirectLocation, undefined, 'a redirect is never copied');
    assert.deepEqual(await bytesOf(client, bucket, 'key'), LARGE);
  });

  test('X03 CopyObject with COPY ignores the metadata of the request', async () => {
    const { client, bucket } = await use();
    await putDescribed(client, bucket, 'source');
    await copy(client, bucket, 'source', 'copy', {
      Metadata: { other: 'value' },
      ContentType: 'text/css',
      CacheControl: 'no-store',
    });
    const head = await client.send(new HeadObjectCommand({ Bucket: bucket, Key: 'copy' }));
    assert.deepEqual(head.Metadata, { colour: 'blue' });
    assert.equal(head.ContentType, 'text/plain');
    assert.equal(head.CacheControl, 'max-age=60');
    assert.equal(head.ContentLanguage, 'de');
    assert.equal(head.StorageClass, undefined, 'the class comes from the request');
    assert.equal(head.WebsiteRedirectLocation, undefined);
  });

  test('X03 CopyObject with REPLACE drops all metadata of the source', async () => {
    const { client, bucket } = await use();
    await putDescribed(client, bucket, 'source');
    await copy(client, bucket, 'source', 'copy', {
      MetadataDirective: 'REPLACE',
      Metadata: { other: 'value' },
      WebsiteRedirectLocation: '/new',
    });
    const head = await client.send(new HeadObjectCommand({ Bucket: bucket, Key: 'copy' }));
    assert.deepEqual(head.Metadata, { other: 'value' });
    assert.equal(head.ContentType, 'binary/octet-stream');
    assert.equal(head.CacheControl, undefined);
    assert.equal(head.ContentLanguage, undefined);
    assert.equal(head.WebsiteRedirectLocation, '/new');
  });

  test('X03 X04 BI-158 CopyObject refuses unknown directives', async () => {
    const { client, bucket, raw } = await use();
    await put(client, bucket, 'source', SMALL);
    for (const name of ['x-amz-metadata-directive', 'x-amz-tagging-directive']) {
      const reply = await raw({
        method: 'PUT',
        path: `/${bucket}/copy`,
        headers: { 'x-amz-copy-source': `${bucket}/source`, [name]: 'MERGE' },
      });
      assert.deepEqual([reply.status, reply.code], [400, 'InvalidArgument'], name);
      assert.equal(elementText(reply.text, 'ArgumentName'), name);
    }
    assert.equal((await refusal(head(client, bucket, 'copy'))).status, 404);
  });

  test('X05 BI-154 CopyObject of a missing key or bucket is 404', async () => {
    const { client, bucket } = await use();
    assert.deepEqual(await refusal(copy(client, bucket, 'absent', 'copy')), {
      code: 'NoSuchKey',
      status: 404,
    });
    const elsewhere = new CopyObjectCommand({
      Bucket: bucket,
      Key: 'copy',
      CopySource: `${bucket}-absent/key`,
    });
    assert.deepEqual(await refusal(client.send(elsewhere)), { code: 'NoSuchBucket', status: 404 });
    assert.equal((await refusal(head(client, bucket, 'copy'))).status, 404);
  });

  test('X05 CopyObject of an unknown version is NoSuchVersion', async () => {
    const { client, bucket } = await use();
    await put(client, bucket, 'source', SMALL);
    const command = new CopyObjectCommand({
      Bucket: bucket,
      Key: 'copy',
      CopySource: `${bucket}/source?versionId=${'a'.repeat(32)}`,
    });
    assert.deepEqual(await refusal(client.send(command)), { code: 'NoSuchVersion', status: 404 });
  });

  test('W11 CopyObject checks the conditions on its source', async () => {
    const { client, bucket, raw } = await use();
    const { ETag: etag = '' } = await put(client, bucket, 'source', SMALL);
    const past = 'Sat, 01 Jan 2000 00:00:00 GMT';
    const future = new Date(Date.now() + 3_600_000).toUTCString();
    const prefix = 'x-amz-copy-source-if-';
    const refused: readonly [Record<string, string>, string][] = [
      [{ match: '"other"' }, 'If-Match'],
      [{ 'none-match': etag }, 'If-None-Match'],
      [{ 'unmodified-since': past }, 'If-Unmodified-Since'],
      [{ 'modified-since': new Date().toUTCString() }, 'If-Modified-Since'],
      [{ 'none-match': etag, 'modified-since': past }, 'If-None-Match'],
    ];
    for (const [conditions, failed] of refused) {
      const reply = await conditional(conditions);
      assert.deepEqual([reply.status, reply.code], [412, 'PreconditionFailed'], failed);
      assert.equal(elementText(reply.text, 'Condition'), `x-amz-copy-source-${failed}`);
    }
    const accepted: readonly Record<string, string>[] = [
      { match: etag },
      { 'none-match': '"other"' },
      { 'unmodified-since': future },
      { 'modified-since': past },
      { match: etag, 'unmodified-since': past },
      { 'none-match': '"other"', 'modified-since': future },
    ];
    for (const conditions of accepted) {
      const reply = await conditional(conditions);
      assert.equal(reply.status, 200, `${JSON.stringify(conditions)} ${reply.text}`);
    }
    function conditional(conditions: Record<string, string>) {
      const headers: Record<string, string> = { 'x-amz-copy-source': `${bucket}/source` };
      for (const [name, value] of Object.entries(conditions)) headers[prefix + name] = value;
      return raw({ method: 'PUT', path: `/${bucket}/copy`, headers });
    }
  });

  test('W10 CopyObject checks the conditions on its destination', async () => {
    const { client, bucket, raw } = await use();
    await put(client, bucket, 'source', SMALL);
    const { ETag: etag = '' } = await put(client, bucket, 'taken', LARGE);
    const attempt = (key: string, conditions: Record<string, string>) =>
      raw({
        method: 'PUT',
        path: `/${bucket}/${key}`,
        headers: { 'x-amz-copy-source': `${bucket}/source`, ...conditions },
      });
    const both = { 'if-match': etag, 'if-none-match': '*' };
    type Case = readonly [key: string, conditions: Record<string, string>, ...wanted: Wanted];
    type Wanted = readonly [status: number, code: string, element: string, text: string];
    const cases: readonly Case[] = [
      ['taken', { 'if-none-match': '*' }, 412, 'PreconditionFailed', 'Condition', 'If-None-Match'],
      ['taken', { 'if-match': '"other"' }, 412, 'PreconditionFailed', 'Condition', 'If-Match'],
      ['absent', { 'if-match': etag }, 404, 'NoSuchKey', 'Key', 'absent'],
      ['taken', { 'if-none-match': etag }, 501, 'NotImplemented', 'Header', 'If-None-Match'],
      ['taken', { 'if-match': '*' }, 501, 'NotImplemented', 'Header', 'If-Match'],
      ['taken', both, 501, 'NotImplemented', 'Header', 'If-Match,If-None-Match'],
    ];
    for (const [key, conditions, status, code, element, text] of cases) {
      const reply = await attempt(key, conditions);
      assert.deepEqual([reply.status, reply.code], [status, code], JSON.stringify(conditions));
      assert.equal(elementText(reply.text, element), text, JSON.stringify(conditions));
    }
    assert.deepEqual(await bytesOf(client, bucket, 'taken'), LARGE, 'refusals change nothing');
    assert.equal((await attempt('new', { 'if-none-match': '*' })).status, 200);
    const bare = etag.replaceAll('"', '');
    assert.equal((await attempt('taken', { 'if-match': bare })).status, 200);
    assert.equal(await textOf(client, bucket, 'taken'), 'hello world');
  });

  test('C21 CopyObject keeps the algorithm of the source and computes another on demand', async () => {
    const { client, bucket } = await use();
    for (const body of [SMALL, LARGE]) {
      await client.send(
        new PutObjectCommand({
          Bucket: bucket,
          Key: 'source',
          Body: body,
          ChecksumAlgorithm: 'CRC32',
        }),
      );
      const kept = await copy(client, bucket, 'source', 'kept');
      assert.match(kept.CopyObjectResult?.ChecksumCRC32 ?? '', /^[\w+/]{6}==$/);
      const changed = await copy(client, bucket, 'source', 'changed', {
        ChecksumAlgorithm: 'SHA1',
      });
      const sha1 = createHash('sha1').update(body).digest('base64');
      assert.equal(changed.CopyObjectResult?.ChecksumSHA1, sha1);
      assert.equal(changed.CopyObjectResult.ChecksumCRC32, undefined);
      const shown = await client.send(
        new HeadObjectCommand({ Bucket: bucket, Key: 'changed', ChecksumMode: 'ENABLED' }),
      );
      assert.equal(shown.ChecksumSHA1, sha1);
    }
  });

  test('C24 CopyObject refuses an unknown algorithm', async () => {
    const { client, bucket, raw } = await use();
    await put(client, bucket, 'source', SMALL);
    const reply = await raw({
      method: 'PUT',
      path: `/${bucket}/copy`,
      headers: { 'x-amz-copy-source': `${bucket}/source`, 'x-amz-checksum-algorithm': 'ADLER32' },
    });
    assert.deepEqual([reply.status, reply.code], [400, 'InvalidRequest']);
  });

  test('C22 CopyObject of a multipart object becomes an object of one part', async () => {
    const { client, bucket } = await use();
    const parts = [randomBytes(5 * MIB), randomBytes(1000)];
    await uploadInParts(client, bucket, 'source', parts);
    const whole = Buffer.concat(parts);
    const { CopyObjectResult: result } = await copy(client, bucket, 'source', 'copy');
    assert.equal(result?.ETag, `"${createHash('md5').update(whole).digest('hex')}"`);
    assert.equal(result.ChecksumType, 'FULL_OBJECT');
    assert.deepEqual(await bytesOf(client, bucket, 'copy'), whole);
    const first = await client.send(
      new HeadObjectCommand({ Bucket: bucket, Key: 'copy', PartNumber: 1 }),
    );
    assert.equal(first.PartsCount, undefined);
    assert.equal(first.ContentLength, whole.byteLength);
  });

  test('X06 BI-155 CopyObject refuses a source above 5 GiB', async () => {
    const { server, client, bucket, raw } = await use();
    await put(client, bucket, 'source', SMALL);
    const real = server.store.headObject.bind(server.store);
    // An object of that size would take minutes to make; only its record matters here.
    server.store.headObject = (...name) => ({ ...real(...name), sizeBytes: 5 * 1024 ** 3 + 1 });
    const headers = { 'x-amz-copy-source': `${bucket}/source` };
    const reply = await raw({ method: 'PUT', path: `/${bucket}/copy`, headers });
    server.store.headObject = real;
    assert.deepEqual([reply.status, reply.code], [400, 'InvalidRequest'], reply.text);
    assert.match(reply.text, /5368709120/);
  });

  test('X11 CopyObject refuses an unknown storage class and copies out of no archive', async () => {
    const { client, bucket, raw } = await use();
    await client.send(
      new PutObjectCommand({ Bucket: bucket, Key: 'ice', Body: SMALL, StorageClass: 'GLACIER' }),
    );
    const headers = { 'x-amz-copy-source': `${bucket}/ice`, 'x-amz-storage-class': 'CHEAP' };
    const unknown = await raw({ method: 'PUT', path: `/${bucket}/copy`, headers });
    assert.deepEqual([unknown.status, unknown.code], [400, 'InvalidStorageClass']);
    assert.equal(elementText(unknown.text, 'StorageClassRequested'), 'CHEAP');
    assert.deepEqual(await refusal(copy(client, bucket, 'ice', 'copy')), {
      code: 'InvalidObjectState',
      status: 403,
    });
  });

  test('BI-182 CopyObject refuses encryption on either side', async () => {
    const { client, bucket, raw } = await use();
    await put(client, bucket, 'source', SMALL);
    for (const name of [
      'x-amz-server-side-encryption',
      'x-amz-copy-source-server-side-encryption-customer-algorithm',
    ]) {
      const headers = { 'x-amz-copy-source': `${bucket}/source`, [name]: 'AES256' };
      const reply = await raw({ method: 'PUT', path: `/${bucket}/copy`, headers });
      assert.deepEqual([reply.status, reply.code], [501, 'NotImplemented'], name);
    }
    assert.equal((await refusal(head(client, bucket, 'copy'))).status, 404);
  });

  test('E10 CopyObject reveals nothing about a bucket of another account', async () => {
    const { server, client, bucket } = await use();
    await put(client, bucket, 'source', SMALL);
    const own = `${bucket}-stranger`;
    const made = await rawRequest(server.stranger, { method: 'PUT', path: `/${own}` });
    assert.equal(made.status, 200, made.text);
    for (const key of ['source', 'absent']) {
      const reply = await rawRequest(server.stranger, {
        method: 'PUT',
        path: `/${own}/copy`,
        headers: { 'x-amz-copy-source': `${bucket}/${key}` },
      });
      assert.deepEqual([reply.status, reply.code], [403, 'AccessDenied'], key);
      const into = await rawRequest(server.stranger, {
        method: 'PUT',
        path: `/${bucket}/copy`,
        headers: { 'x-amz-copy-source': `${own}/${key}` },
      });
      assert.deepEqual([into.status, into.code], [403, 'AccessDenied'], key);
    }
  });

  test('B12 CopyObject checks the expected owner of the source', async () => {
    const { client, bucket, raw } = await use();
    await put(client, bucket, 'source', SMALL);
    const attempt = (owner: string) =>
      raw({
        method: 'PUT',
        path: `/${bucket}/copy`,
        headers: {
          'x-amz-copy-source': `${bucket}/source`,
          'x-amz-source-expected-bucket-owner': owner,
        },
      });
    assert.equal((await attempt('000000000000')).code, 'AccessDenied');
    assert.equal((await attempt('me')).code, 'InvalidBucketOwnerAWSAccountID');
    assert.equal((await attempt(accountIdOf('main'))).status, 200);
  });

  test('BI-157 x-amz-copy-source on operations that do not copy is InvalidArgument', async () => {
    const { client, bucket, raw } = await use();
    await put(client, bucket, 'source', SMALL);
    const headers = { 'x-amz-copy-source': `${bucket}/source` };
    for (const [method, query] of [
      ['GET', undefined],
      ['DELETE', undefined],
      ['POST', 'uploads'],
    ] as const) {
      const request = { method, path: `/${bucket}/source`, headers };
      const reply = await raw(query === undefined ? request : { ...request, query });
      assert.deepEqual([reply.status, reply.code], [400, 'InvalidArgument'], method);
    }
    assert.equal(await textOf(client, bucket, 'source'), 'hello world');
  });

  test('K01 CopyObject keeps unusual keys apart, to and from', async () => {
    const { client, bucket } = await use();
    const keys = [
      'a//b',
      '/a',
      'a/',
      '.',
      'a/../b',
      '%',
      '%2F',
      'a+b',
      'a b',
      '"<>\\',
      'é',
      'e\u0301',
    ];
    keys.push('k'.repeat(1024), 'data', 'metadata.json', '\uffff', '😀');
    for (const [index, key] of keys.entries()) {
      await client.send(new PutObjectCommand({ Bucket: bucket, Key: 'from', Body: `${index}` }));
      await copy(client, bucket, 'from', key);
    }
    for (const [index, key] of keys.entries()) {
      await copy(client, bucket, key, 'to');
      assert.equal(await textOf(client, bucket, 'to'), `${index}`, key);
    }
  });
});

function put(client: S3Client, bucket: string, key: string, body: Uint8Array) {
  return client.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: body }));
}

function putDescribed(client: S3Client, bucket: string, key: string) {
  return client.send(
    new PutObjectCommand({
      Bucket: bucket,
      Key: key,
      Body: SMALL,
      ContentType: 'text/plain',
      CacheControl: 'max-age=60',
      ContentLanguage: 'de',
      Metadata: { colour: 'blue' },
      StorageClass: 'STANDARD_IA',
      WebsiteRedirectLocation: '/old',
    }),
  );
}

function copy(
  client: S3Client,
  bucket: string,
  from: string,
  to: string,
  more: Partial<ConstructorParameters<typeof CopyObjectCommand>[0]> = {},
) {
  const source = `${bucket}/${encodeURIComponent(from)}`;
  return client.send(
    new CopyObjectCommand({ Bucket: bucket, Key: to, CopySource: source, ...more }),
  );
}

function head(client: S3Client, bucket: string, key: string) {
  return client.send(new HeadObjectCommand({ Bucket: bucket, Key: key }));
}

async function bytesOf(client: S3Client, bucket: string, key: string): Promise<Buffer> {
  const { Body: body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
  return Buffer.from((await body?.transformToByteArray()) ?? []);
}

async function textOf(client: S3Client, bucket: string, key: string): Promise<string> {
  return (await bytesOf(client, bucket, key)).toString();
}

async function uploadInParts(
  client: S3Client,
  bucket: string,
  key: string,
  parts: readonly Uint8Array[],
): Promise<void> {
  const name = { Bucket: bucket, Key: key };
  const { UploadId } = await client.send(new CreateMultipartUploadCommand(name));
  const listed = [];
  for (const [index, body] of parts.entries()) {
    const PartNumber = index + 1;
    const { ETag } = await client.send(
      new UploadPartCommand({ ...name, UploadId, PartNumber, Body: body }),
    );
    listed.push({ PartNumber, ETag });
  }
  await client.send(
    new CompleteMultipartUploadCommand({ ...name, UploadId, MultipartUpload: { Parts: listed } }),
  );
}
