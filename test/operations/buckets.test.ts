// HeadBucket, DeleteBucket, GetBucketLocation, GetBucketVersioning and ListBuckets over HTTP.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import {
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteBucketCommand,
  ListBucketsCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3';

import { contentsOf, pathOf, putObject, uploadInParts } from '../support/objects.js';
import { onEveryBackend, refusal, type Fixture } from '../support/operation-suite.js';
import { elementText, elementTexts, rawRequest } from '../support/raw-request.js';

onEveryBackend('HeadBucket', (use) => {
  test('B05 HeadBucket shows region, ARN and that this is no access point', async () => {
    const { bucket, raw } = await use();
    const reply = await raw({ method: 'HEAD', path: `/${bucket}` });
    assert.equal(reply.status, 200);
    assert.equal(reply.headers['x-amz-bucket-region'], 'us-east-1');
    assert.equal(reply.headers['x-amz-bucket-arn'], `arn:aws:s3:::${bucket}`);
    assert.equal(reply.headers['x-amz-access-point-alias'], 'false');
    assert.equal(reply.body.byteLength, 0);
    const slash = await raw({ method: 'HEAD', path: `/${bucket}/` });
    assert.equal(slash.status, 200, 'a trailing slash is no key');
  });

  test('B05 HeadBucket of a foreign bucket is 403 and shows the region', async () => {
    const { server, bucket } = await use();
    const reply = await rawRequest(server.stranger, { method: 'HEAD', path: `/${bucket}` });
    assert.equal(reply.status, 403);
    assert.equal(reply.headers['x-amz-bucket-region'], 'us-east-1');
    assert.equal(reply.headers['x-amz-bucket-arn'], undefined);
    assert.equal(reply.body.byteLength, 0);
  });

  test('BI-122 HeadBucket of a missing bucket is 404', async () => {
    const { bucket, raw } = await use();
    const reply = await raw({ method: 'HEAD', path: `/${bucket}-absent` });
    assert.equal(reply.status, 404);
    assert.equal(reply.body.byteLength, 0);
  });
});

onEveryBackend('GetBucketLocation and GetBucketVersioning', (use) => {
  test('B06 GetBucketLocation in us-east-1 is an empty element', async () => {
    const { bucket, raw } = await use();
    const reply = await raw({ method: 'GET', path: `/${bucket}`, query: 'location' });
    assert.equal(reply.status, 200);
    assert.match(
      reply.text,
      /<LocationConstraint xmlns="[^"]+doc\/2006-03-01\/"(\/>|><\/LocationConstraint>)$/,
    );
  });

  test('B07 GetBucketVersioning is an empty element: never enabled', async () => {
    const { bucket, raw } = await use();
    const reply = await raw({ method: 'GET', path: `/${bucket}`, query: 'versioning' });
    assert.equal(reply.status, 200);
    assert.match(
      reply.text,
      /<VersioningConfiguration xmlns="[^"]+"(\/>|><\/VersioningConfiguration>)$/,
    );
  });

  test('E09 BI-122 both are NoSuchBucket without a bucket', async () => {
    const { bucket, raw } = await use();
    for (const query of ['location', 'versioning']) {
      const reply = await raw({ method: 'GET', path: `/${bucket}-absent`, query });
      assert.deepEqual([reply.status, reply.code], [404, 'NoSuchBucket'], query);
    }
  });
});

onEveryBackend('DeleteBucket', (use) => {
  test('D08 DeleteBucket removes an empty bucket, whose name is free again', async () => {
    const { server, bucket, raw } = await use();
    const path = `/${bucket}`;
    const reply = await raw({ method: 'DELETE', path });
    assert.equal(reply.status, 204);
    assert.equal(reply.body.byteLength, 0);
    assert.equal((await raw({ method: 'HEAD', path })).status, 404);
    assert.equal((await raw({ method: 'DELETE', path })).code, 'NoSuchBucket');
    assert.equal((await rawRequest(server.stranger, { method: 'PUT', path })).status, 200);
    assert.equal((await raw({ method: 'HEAD', path })).status, 403);
  });

  test('D08 BI-121 DeleteBucket with an object of any kind is BucketNotEmpty', async () => {
    const fixture = await use();
    const { bucket, raw } = fixture;
    const makers: readonly (() => Promise<unknown>)[] = [
      () => putObject(fixture, 'key', 'inline'),
      () => putObject(fixture, 'key', ''),
      () => putObject(fixture, 'a/', ''),
      () => putObject(fixture, '\u{10ffff}', Buffer.alloc(100_000)),
      () => uploadInParts(fixture, 'key', [Buffer.from('part')]),
    ];
    for (const make of makers) {
      await make();
      const before = await contentsOf(fixture);
      const reply = await raw({ method: 'DELETE', path: `/${bucket}` });
      assert.deepEqual([reply.status, reply.code], [409, 'BucketNotEmpty']);
      assert.equal(elementText(reply.text, 'BucketName'), bucket);
      assert.deepEqual(await contentsOf(fixture), before);
      const [key = ''] = (before[0] ?? '').split(' ');
      await raw({ method: 'DELETE', path: pathOf(bucket, key) });
    }
    assert.equal((await raw({ method: 'DELETE', path: `/${bucket}` })).status, 204);
  });

  test('D08 BI-121 DeleteBucket discards uploads in progress', async () => {
    const { client, bucket, raw } = await use();
    const name = { Bucket: bucket, Key: 'key' };
    const { UploadId } = await client.send(new CreateMultipartUploadCommand(name));
    const part = new UploadPartCommand({ ...name, UploadId, PartNumber: 1, Body: 'part' });
    await client.send(part);
    await client.send(new DeleteBucketCommand({ Bucket: bucket }));
    await client.send(new CreateBucketCommand({ Bucket: bucket }));
    const list = await raw({ method: 'GET', path: `/${bucket}`, query: 'uploads' });
    assert.doesNotMatch(list.text, /<Upload>/, 'a new bucket of that name has none of them');
    assert.deepEqual(await refusal(client.send(part)), { code: 'NoSuchUpload', status: 404 });
  });

  test('D08 objects of a deleted bucket cannot be reached through a new one of its name', async () => {
    const fixture = await use();
    const { client, bucket, raw } = fixture;
    await putObject(fixture, 'key', Buffer.alloc(50_000));
    await raw({ method: 'DELETE', path: `/${bucket}/key` });
    await client.send(new DeleteBucketCommand({ Bucket: bucket }));
    await client.send(new CreateBucketCommand({ Bucket: bucket }));
    assert.deepEqual(await contentsOf(fixture), []);
    const counters = fixture.server.store.bucketCounters(bucket);
    assert.deepEqual(counters, { objectCount: 0, objectBytes: 0, uploadCount: 0 });
  });

  test('D08 a write that races DeleteBucket is either refused or keeps the bucket', async () => {
    const fixture = await use();
    const path = `/${fixture.bucket}`;
    for (let round = 0; round < 20; round += 1) {
      await fixture.raw({ method: 'PUT', path });
      const body = Buffer.alloc(round % 2 === 0 ? 10 : 20_000);
      const [removed, written] = await Promise.all([
        fixture.raw({ method: 'DELETE', path }),
        fixture.raw({ method: 'PUT', path: `${path}/key`, body }),
      ]);
      if (written.status === 200) {
        assert.equal(removed.code, 'BucketNotEmpty');
        await fixture.raw({ method: 'DELETE', path: `${path}/key` });
      } else {
        assert.deepEqual([removed.status, written.code], [204, 'NoSuchBucket']);
      }
    }
  });
});

onEveryBackend('ListBuckets', (use) => {
  test('L14 ListBuckets sorts by name and shows date, region and ARN', async () => {
    const { client, bucket } = await use();
    for (const suffix of ['z', 'a', 'a.b', 'a-b', '0']) {
      await client.send(new CreateBucketCommand({ Bucket: `${bucket}-${suffix}` }));
    }
    const Prefix = bucket;
    const { Buckets = [], Prefix: echoed } = await client.send(new ListBucketsCommand({ Prefix }));
    const names = ['', '-0', '-a', '-a-b', '-a.b', '-z'].map((suffix) => bucket + suffix);
    assert.deepEqual(
      Buckets.map(({ Name }) => Name),
      names,
    );
    assert.equal(echoed, Prefix);
    for (const shown of Buckets) {
      assert.equal(shown.BucketRegion, 'us-east-1');
      assert.equal(shown.BucketArn, `arn:aws:s3:::${shown.Name}`);
      assert.equal(shown.CreationDate?.getMilliseconds(), 0);
    }
  });

  test('L14 pages of every size put together are the whole listing', async () => {
    const { client, bucket } = await use();
    for (let index = 0; index < 5; index += 1) {
      await client.send(new CreateBucketCommand({ Bucket: `${bucket}-${index}` }));
    }
    const Prefix = `${bucket}-`;
    for (let size = 1; size <= 6; size += 1) {
      const names: (string | undefined)[] = [];
      let ContinuationToken: string | undefined;
      do {
        const input = { Prefix, MaxBuckets: size };
        const page = await client.send(
          new ListBucketsCommand(ContinuationToken ? { ...input, ContinuationToken } : input),
        );
        assert.ok((page.Buckets?.length ?? 0) <= size);
        names.push(...(page.Buckets ?? []).map(({ Name }) => Name));
        ({ ContinuationToken } = page);
      } while (ContinuationToken !== undefined);
      assert.deepEqual(
        names,
        [0, 1, 2, 3, 4].map((index) => `${bucket}-${index}`),
      );
    }
  });

  test('L14 the prefix is case-sensitive', async () => {
    const { bucket, raw } = await use();
    const query = `prefix=${bucket.toUpperCase()}`;
    const reply = await raw({ method: 'GET', path: '/', query });
    assert.deepEqual([reply.status, elementTexts(reply.text, 'Name')], [200, []]);
  });

  test('L14 bucket-region selects by region and must be one', async () => {
    const { bucket, raw } = await use();
    const listOf = (region: string) =>
      raw({ method: 'GET', path: '/', query: `bucket-region=${region}&prefix=${bucket}` });
    assert.deepEqual(elementTexts((await listOf('us-east-1')).text, 'Name'), [bucket]);
    assert.deepEqual(elementTexts((await listOf('eu-west-1')).text, 'Name'), []);
    for (const region of ['moon', 'us-east', 'US-EAST-1', '1']) {
      const reply = await listOf(region);
      assert.deepEqual([reply.status, reply.code], [400, 'InvalidArgument'], region);
      assert.equal(elementText(reply.text, 'ArgumentName'), 'bucket-region');
    }
  });

  test('L14 BI-190 max-buckets must be 1 to 10000', async () => {
    const { raw } = await use();
    for (const count of ['0', '-1', '10001', 'x', '', '1.5', '99999999999']) {
      const reply = await raw({ method: 'GET', path: '/', query: `max-buckets=${count}` });
      assert.deepEqual([reply.status, reply.code], [400, 'InvalidArgument'], count);
      assert.equal(elementText(reply.text, 'ArgumentName'), 'max-buckets');
      assert.equal(elementText(reply.text, 'ArgumentValue'), count);
    }
    for (const count of ['1', '10000']) {
      const reply = await raw({ method: 'GET', path: '/', query: `max-buckets=${count}` });
      assert.equal(reply.status, 200, count);
    }
  });

  test('L14 BI-192 a token that is none is InvalidArgument', async () => {
    const { raw } = await use();
    for (const token of ['x', '!', 'a'.repeat(2000)]) {
      const query = `continuation-token=${pathOf('', token).slice(2)}`;
      const reply = await raw({ method: 'GET', path: '/', query });
      assert.deepEqual([reply.status, reply.code], [400, 'InvalidArgument'], token);
    }
    const empty = await raw({ method: 'GET', path: '/', query: 'continuation-token=' });
    assert.equal(empty.status, 200);
  });
});

onEveryBackend('Addressing', (use) => {
  test('B27 a bucket may be called like the first segment of a key', async () => {
    const fixture = await use();
    const other = await otherBucket(fixture);
    await putObject(fixture, `${other}/key`, 'here');
    await putObject({ ...fixture, bucket: other }, 'key', 'there');
    const read = (path: string) => fixture.raw({ method: 'GET', path });
    assert.equal((await read(`/${fixture.bucket}/${other}/key`)).text, 'here');
    assert.equal((await read(`/${other}/key`)).text, 'there');
  });
});

async function otherBucket({ client, bucket }: Fixture): Promise<string> {
  await client.send(new CreateBucketCommand({ Bucket: `${bucket}-other` }));
  return `${bucket}-other`;
}
