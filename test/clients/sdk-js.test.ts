// The AWS SDK for JavaScript v3, as an application configures it: retries, checksums and all.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { after, before, suite, test } from 'node:test';

import {
  CopyObjectCommand,
  CreateBucketCommand,
  DeleteBucketCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadObjectCommand,
  paginateListObjectsV2,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';

import { openWorkbench, type Workbench } from '../support/workbench.js';
import { AWKWARD_KEYS } from './awkward-keys.js';

const MIB = 1024 * 1024;
const BUCKET = 'sdk-bucket';

suite('AWS SDK for JavaScript v3', () => {
  let bench: Workbench;
  let client: S3Client;

  before(async () => {
    bench = await openWorkbench('AWS SDK for JavaScript', { processes: 2 });
    const { endpoint, region, accessKey, secretKey } = bench.server;
    client = new S3Client({
      endpoint,
      region,
      forcePathStyle: true,
      credentials: { accessKeyId: accessKey, secretAccessKey: secretKey },
    });
    await client.send(new CreateBucketCommand({ Bucket: BUCKET }));
  });
  after(async () => {
    client.destroy();
    await bench.close();
  });

  const textOf = async (key: string): Promise<string | undefined> => {
    const { Body: body } = await client.send(new GetObjectCommand({ Bucket: BUCKET, Key: key }));
    return body?.transformToString();
  };
  const listed = async (pageSize: number): Promise<(string | undefined)[]> => {
    const keys: (string | undefined)[] = [];
    for await (const page of paginateListObjectsV2({ client, pageSize }, { Bucket: BUCKET })) {
      keys.push(...(page.Contents ?? []).map(({ Key: key }) => key));
    }
    return keys;
  };

  test('K01 K02 K05 it keeps awkward keys apart in put, get, list, copy, presigned URLs and delete', async () => {
    for (const key of AWKWARD_KEYS) {
      await client.send(
        new PutObjectCommand({ Bucket: BUCKET, Key: key, Body: `content of ${key}` }),
      );
    }
    const inOrder = [...AWKWARD_KEYS].sort((left, right) =>
      Buffer.compare(Buffer.from(left), Buffer.from(right)),
    );
    assert.deepEqual(await listed(1000), inOrder);
    assert.deepEqual(await listed(2), inOrder);
    for (const key of AWKWARD_KEYS) {
      const content = `content of ${key}`;
      assert.equal(await textOf(key), content);
      const place = { Bucket: BUCKET, Key: key };
      const url = await getSignedUrl(client, new GetObjectCommand(place), { expiresIn: 60 });
      assert.equal(await (await fetch(url)).text(), content);
      const source = `${BUCKET}/${encodeURIComponent(key)}`;
      await client.send(new CopyObjectCommand({ Bucket: BUCKET, Key: 'copy', CopySource: source }));
      assert.equal(await textOf('copy'), content);
    }
    const everything = [...AWKWARD_KEYS, 'copy'].map((key) => ({ Key: key }));
    const { Deleted: deleted, Errors: errors } = await client.send(
      new DeleteObjectsCommand({ Bucket: BUCKET, Delete: { Objects: everything } }),
    );
    assert.equal(deleted?.length, everything.length);
    assert.equal(errors, undefined);
    assert.deepEqual(await listed(1000), []);
  });

  test('M01 C01 lib-storage uploads a stream of unknown length in parts', async () => {
    const body = randomBytes(17 * MIB + 3);
    const place = { Bucket: BUCKET, Key: 'large' };
    const pieces = Readable.from(cut(body, 100_000));
    await new Upload({ client, partSize: 5 * MIB, params: { ...place, Body: pieces } }).done();
    const { ETag: etag = '' } = await client.send(new HeadObjectCommand(place));
    assert.match(etag, /^"[0-9a-f]{32}-4"$/);
    const { Body: answer } = await client.send(new GetObjectCommand(place));
    assert(Buffer.from((await answer?.transformToByteArray()) ?? []).equals(body));
    await client.send(new DeleteObjectsCommand({ Bucket: BUCKET, Delete: { Objects: [place] } }));
  });

  test('A07 a presigned PUT stores what is sent to it', async () => {
    const place = { Bucket: BUCKET, Key: 'from a browser' };
    const url = await getSignedUrl(client, new PutObjectCommand(place), { expiresIn: 60 });
    const reply = await fetch(url, { method: 'PUT', body: 'through a URL' });
    assert.equal(reply.status, 200, await reply.text());
    assert.equal(await textOf(place.Key), 'through a URL');
    await client.send(new DeleteObjectsCommand({ Bucket: BUCKET, Delete: { Objects: [place] } }));
  });

  test('an empty bucket goes, one with an object stays', async () => {
    const gone = new DeleteBucketCommand({ Bucket: BUCKET });
    await client.send(new PutObjectCommand({ Bucket: BUCKET, Key: 'last', Body: '' }));
    await assert.rejects(client.send(gone), { name: 'BucketNotEmpty' });
    const objects = { Objects: [{ Key: 'last' }] };
    await client.send(new DeleteObjectsCommand({ Bucket: BUCKET, Delete: objects }));
    assert.equal((await client.send(gone)).$metadata.httpStatusCode, 204);
  });
});

function* cut(bytes: Buffer, pieceBytes: number): Generator<Buffer> {
  for (let start = 0; start < bytes.length; start += pieceBytes) {
    yield bytes.subarray(start, start + pieceBytes);
  }
}
