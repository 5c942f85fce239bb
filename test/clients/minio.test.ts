// The MinIO client for JavaScript: what an application does with it.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { after, before, suite, test } from 'node:test';

import { Client, CopyConditions } from 'minio';

import { openWorkbench, type Workbench } from '../support/workbench.js';
import { AWKWARD_KEYS } from './awkward-keys.js';

const MIB = 1024 * 1024;
const BUCKET = 'minio-bucket';

suite('minio', () => {
  let bench: Workbench;
  let client: Client;

  before(async () => {
    bench = await openWorkbench('minio', { processes: 2 });
    const { host: endPoint, port, accessKey, secretKey } = bench.server;
    client = new Client({ endPoint, port, accessKey, secretKey, useSSL: false });
    await client.makeBucket(BUCKET);
  });
  after(() => bench.close());

  const bytesOf = async (key: string): Promise<Buffer> =>
    collected(await client.getObject(BUCKET, key));
  const listed = async (prefix = ''): Promise<string[]> => {
    const keys: string[] = [];
    for await (const item of client.listObjectsV2(BUCKET, prefix, true)) {
      const { name } = item as { readonly name?: string };
      keys.push(name ?? '');
    }
    return keys;
  };
  const removeAll = async (): Promise<void> => {
    await client.removeObjects(BUCKET, await listed());
    assert.deepEqual(await listed(), []);
  };

  test('B01 buckets are made, found, listed and located', async () => {
    assert.equal(await client.bucketExists(BUCKET), true);
    assert.equal(await client.bucketExists('no-such-bucket'), false);
    assert((await client.listBuckets()).some(({ name }) => name === BUCKET));
    assert.equal(await client.getBucketRegionAsync(BUCKET), bench.server.region);
  });

  test('K01 K02 K05 it keeps awkward keys apart in put, get, stat, list, copy and delete', async () => {
    for (const key of AWKWARD_KEYS) {
      const metaData = { 'X-Amz-Meta-Note': 'kept' };
      const content = `content of ${key}`;
      const { etag } = await client.putObject(BUCKET, key, content, undefined, metaData);
      const stat = await client.statObject(BUCKET, key);
      assert.equal(stat.etag, etag);
      assert.equal(stat.size, Buffer.byteLength(content));
      assert.equal(stat.metaData['note'], 'kept');
    }
    const inOrder = [...AWKWARD_KEYS].sort((left, right) =>
      Buffer.compare(Buffer.from(left), Buffer.from(right)),
    );
    assert.deepEqual(await listed(), inOrder);
    for (const key of AWKWARD_KEYS) {
      assert.equal((await bytesOf(key)).toString(), `content of ${key}`);
      // It escapes the source by itself.
      const source = `/${BUCKET}/${key}`;
      await client.copyObject(BUCKET, 'copy', source, new CopyConditions());
      assert.equal((await bytesOf('copy')).toString(), `content of ${key}`);
    }
    await removeAll();
  });

  test('L01 it lists folders, and more than one page', async () => {
    const keys = Array.from(
      { length: 1100 },
      (_, index) => `page/${String(index).padStart(4, '0')}`,
    );
    for (let start = 0; start < keys.length; start += 50) {
      const some = keys.slice(start, start + 50);
      await Promise.all(some.map((key) => client.putObject(BUCKET, key, key)));
    }
    assert.deepEqual(await listed('page/'), keys);
    const top: unknown[] = [];
    for await (const item of client.listObjects(BUCKET)) top.push(item);
    assert.deepEqual(top, [{ prefix: 'page/', size: 0 }]);
    await removeAll();
  });

  test('M01 M10 it uploads a stream in parts, resumes, reads ranges and aborts', async () => {
    const body = randomBytes(17 * MIB + 3);
    const { etag } = await client.putObject(BUCKET, 'large', body, body.length);
    assert.match(etag, /^[0-9a-f]{32}(-\d+)?$/);
    const file = bench.path('large');
    writeFileSync(file, body);
    const parted = new Client({
      ...{ endPoint: bench.server.host, port: bench.server.port, useSSL: false },
      ...{ accessKey: bench.server.accessKey, secretKey: bench.server.secretKey },
      partSize: 5 * MIB,
    });
    const inParts = await parted.fPutObject(BUCKET, 'parts', file);
    assert.match(inParts.etag, /^[0-9a-f]{32}-4$/);
    assert((await bytesOf('large')).equals(body));
    assert((await bytesOf('parts')).equals(body));
    const part = await collected(await client.getPartialObject(BUCKET, 'parts', 5 * MIB - 7, 20));
    assert(part.equals(body.subarray(5 * MIB - 7, 5 * MIB + 13)));
    await client.initiateNewMultipartUpload(BUCKET, 'unfinished', {});
    assert.deepEqual(await incomplete(client), ['unfinished']);
    await client.removeIncompleteUpload(BUCKET, 'unfinished');
    assert.deepEqual(await incomplete(client), []);
    await removeAll();
  });

  test('A11 presigned URLs get, put and override headers', async () => {
    const key = 'from a browser/ü+%';
    const upload = await client.presignedPutObject(BUCKET, key, 60);
    const put = await fetch(upload, { method: 'PUT', body: 'through a URL' });
    assert.equal(put.status, 200, await put.text());
    const overrides = { 'response-content-type': 'text/plain; charset=utf-8' };
    const url = await client.presignedGetObject(BUCKET, key, 60, overrides);
    const reply = await fetch(url);
    assert.equal(reply.headers.get('content-type'), overrides['response-content-type']);
    assert.equal(await reply.text(), 'through a URL');
    await removeAll();
  });

  test('E07 what is not there is NoSuchKey', async () => {
    await assert.rejects(client.getObject(BUCKET, 'absent'), { code: 'NoSuchKey' });
    await assert.rejects(client.statObject(BUCKET, 'absent'), { code: 'NotFound' });
    await assert.rejects(client.getObject('absent-bucket', 'key'), { code: 'NoSuchBucket' });
  });

  test('B20 an empty bucket goes, one with an object stays, and no request failed', async () => {
    await client.putObject(BUCKET, 'last', '');
    await assert.rejects(client.removeBucket(BUCKET), { code: 'BucketNotEmpty' });
    await client.removeObject(BUCKET, 'last');
    await client.removeBucket(BUCKET);
    assert.equal(await client.bucketExists(BUCKET), false);
    bench.assertNothingFailed();
  });
});

async function incomplete(client: Client): Promise<string[]> {
  const keys: string[] = [];
  for await (const upload of client.listIncompleteUploads(BUCKET, '', true)) {
    keys.push((upload as { readonly key: string }).key);
  }
  return keys;
}

async function collected(stream: Readable): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of stream) pieces.push(piece as Buffer);
  return Buffer.concat(pieces);
}
