// RenameObject over HTTP: what moves and what stays, what is refused, and that refusals change
// nothing. Races are in test/consistency/rename-append.test.ts.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';

import {
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  GetObjectCommand,
  HeadObjectCommand,
} from '@aws-sdk/client-s3';

import { sidecarsOf, sweepAll } from '../support/blobs.js';
import {
  BODIES,
  bytesOf,
  contentsOf,
  pathOf,
  putObject,
  rename,
  renameRaw,
  textOf,
  uploadInParts,
} from '../support/objects.js';
import { onEveryBackend, refusal, type Fixture } from '../support/operation-suite.js';
import { rawRequest } from '../support/raw-request.js';
import { changesNothing } from '../support/store-state.js';

const LARGE = BODIES[1]?.[1] ?? Buffer.alloc(0);

onEveryBackend(
  'RenameObject',
  (use) => {
    for (const [placement, body] of BODIES) {
      test(`R01 RenameObject moves an ${placement} object with all that is known of it`, async () => {
        const fixture = await use();
        const more = { ContentType: 'text/x', Metadata: { a: 'b' }, CacheControl: 'no-cache' };
        await putObject(fixture, 'source', body, { ...more, ChecksumAlgorithm: 'SHA256' });
        const before = await describe(fixture, 'source');
        await rename(fixture, 'source', 'target');
        assert.deepEqual(await describe(fixture, 'target'), before);
        assert.equal(before.metadata?.['a'], 'b');
        assert.deepEqual(await bytesOf(fixture, 'target'), body);
        assert.equal((await refusal(bytesOf(fixture, 'source'))).code, 'NoSuchKey');
        assert.equal((await contentsOf(fixture)).length, 1);
        assertCounters(fixture, 1, body.byteLength);
        await assertPlaces(fixture, placement === 'plain' ? ['object target'] : []);
      });
    }

    test('R01 RenameObject moves an object of parts with its ETag, checksum and parts', async () => {
      const fixture = await use();
      const parts = [randomBytes(300_000), Buffer.from('end')];
      await uploadInParts(fixture, 'source', parts, { ChecksumAlgorithm: 'CRC32' });
      const before = await describe(fixture, 'source');
      assert.match(before.etag ?? '', /-2"$/);
      await rename(fixture, 'source', 'target');
      assert.deepEqual(await describe(fixture, 'target'), before);
      assert.deepEqual(await bytesOf(fixture, 'target'), Buffer.concat(parts));
      const { client, bucket } = fixture;
      const second = { Bucket: bucket, Key: 'target', PartNumber: 2 };
      const { Body: tail, PartsCount } = await client.send(new GetObjectCommand(second));
      assert.deepEqual([await tail?.transformToString(), PartsCount], ['end', 2]);
      await assertPlaces(fixture, ['manifest target', 'part target', 'part target']);
      assert.deepEqual(await bytesOf(fixture, 'target'), Buffer.concat(parts));
    });

    test('R04 RenameObject leaves an open reader of the old key its bytes', async () => {
      const fixture = await use();
      const { server, bucket } = fixture;
      await putObject(fixture, 'source', LARGE);
      server.store.refresh();
      const open = await server.store.openObject(bucket, 'source');
      await rename(fixture, 'source', 'target');
      await sweepAll(server);
      const pieces: Uint8Array[] = [];
      const range = { startByte: 0, endByte: LARGE.byteLength };
      for await (const piece of open.read(range) as AsyncIterable<Uint8Array>) {
        pieces.push(Uint8Array.from(piece));
      }
      open.close();
      assert.deepEqual(Buffer.concat(pieces), LARGE);
    });

    for (const [placement, body] of BODIES) {
      test(`R04 RenameObject onto a key that exists replaces an ${placement} object`, async () => {
        const fixture = await use();
        await putObject(fixture, 'source', 'new');
        await putObject(fixture, 'target', body);
        await rename(fixture, 'source', 'target');
        assert.equal(await textOf(fixture, 'target'), 'new');
        assertCounters(fixture, 1, 3);
        await assertPlaces(fixture, []);
      });
    }

    test('R02 RenameObject reads every form of the source, decoded once', async () => {
      const fixture = await use();
      const { bucket, raw } = fixture;
      const keys = ['a b', 'a+b', 'a%20b', 'a//b', 'x/../y', 'ü🙂', 'q?versionId=null', '#&='];
      const forms = ['', '/', `${bucket}/`, `/${bucket}/`];
      for (const [index, key] of keys.entries()) {
        await putObject(fixture, key, key);
        const source = `${forms[index % forms.length]}${encodeURIComponent(key)}`;
        const reply = await raw({
          ...{ method: 'PUT', path: pathOf(bucket, `to-${index}`), query: 'renameObject' },
          headers: { 'x-amz-rename-source': source },
        });
        assert.deepEqual([reply.status, reply.text], [200, ''], source);
        assert.equal(await textOf(fixture, `to-${index}`), key);
      }
      assertCounters(fixture, keys.length);
    });

    test('R02 RenameObject takes a plus in the source for a plus', async () => {
      const fixture = await use();
      await putObject(fixture, 'a+b', 'plus');
      assert.equal((await renameRaw(fixture, 'to', { source: '/a+b' })).status, 200);
      assert.equal(await textOf(fixture, 'to'), 'plus');
    });

    test('R02 RenameObject finds a key below the name of its own bucket', async () => {
      const fixture = await use();
      const key = `${fixture.bucket}/x`;
      await putObject(fixture, 'x', 'outer');
      await putObject(fixture, key, 'inner');
      const source = `/${fixture.bucket}/${key}`;
      assert.equal((await renameRaw(fixture, 'to', { source })).status, 200);
      assert.equal(await textOf(fixture, 'to'), 'inner');
      assert.equal(await textOf(fixture, 'x'), 'outer');
    });

    const malformed = ['', '/', '%zz', 'a%00b', '%FF', '../x', 'a/../../x'];
    for (const source of malformed) {
      test(`R02 BI-151 BI-152 RenameObject refuses the source "${source}"`, async () => {
        const fixture = await use();
        await putObject(fixture, 'x', 'kept');
        await changesNothing(fixture, async () => {
          const reply = await renameRaw(fixture, 'to', { source });
          assert.deepEqual([reply.status, reply.code], [400, 'InvalidArgument']);
        });
      });
    }

    test('R02 BI-151 RenameObject refuses a source of the bucket alone, a long one, and none', async () => {
      const fixture = await use();
      const { bucket, raw } = fixture;
      await changesNothing(fixture, async () => {
        const empty = await renameRaw(fixture, 'to', { source: `/${bucket}/` });
        assert.deepEqual([empty.status, empty.code], [400, 'InvalidArgument']);
        const long = await renameRaw(fixture, 'to', { source: 'k'.repeat(1025) });
        assert.deepEqual([long.status, long.code], [400, 'KeyTooLongError']);
        const none = await raw({ method: 'PUT', path: `/${bucket}/to`, query: 'renameObject' });
        assert.deepEqual([none.status, none.code], [400, 'InvalidArgument']);
      });
      const longest = 'k'.repeat(1024);
      await putObject(fixture, longest, 'long');
      assert.equal((await renameRaw(fixture, 'to', { source: longest })).status, 200);
    });

    test('R03 RenameObject of a key that is not there is NoSuchKey', async () => {
      const fixture = await use();
      await putObject(fixture, 'target', 'kept');
      await changesNothing(fixture, async () => {
        const missing = rename(fixture, 'missing', 'target');
        assert.deepEqual(await refusal(missing), { code: 'NoSuchKey', status: 404 });
        const nowhere = rename(fixture, 'missing', 'target', { Bucket: 'no-such-bucket' });
        assert.deepEqual(await refusal(nowhere), { code: 'NoSuchBucket', status: 404 });
      });
    });

    test('R02 RenameObject never reaches into another bucket', async () => {
      const fixture = await use();
      const other = `${fixture.bucket}-other`;
      await fixture.client.send(new CreateBucketCommand({ Bucket: other }));
      await putObject({ ...fixture, bucket: other }, 'source', 'other');
      await changesNothing(fixture, async () => {
        const reply = await renameRaw(fixture, 'to', { source: `/${other}/source` });
        assert.deepEqual([reply.status, reply.code], [404, 'NoSuchKey']);
      });
      assert.equal(await textOf({ ...fixture, bucket: other }, 'source'), 'other');
    });

    test('E10 R02 RenameObject by another account is AccessDenied', async () => {
      const fixture = await use();
      const { server, bucket } = fixture;
      await putObject(fixture, 'source', 'kept');
      await changesNothing(fixture, async () => {
        const reply = await rawRequest(server.stranger, {
          ...{ method: 'PUT', path: `/${bucket}/to`, query: 'renameObject' },
          headers: { 'x-amz-rename-source': '/source' },
        });
        assert.deepEqual([reply.status, reply.code], [403, 'AccessDenied']);
      });
    });

    for (const [source, target] of [
      ['key', 'key'],
      ['folder/', 'to'],
      ['key', 'to/'],
    ] as const) {
      test(`R03 RenameObject of "${source}" to "${target}" is InvalidRequest`, async () => {
        const fixture = await use();
        await putObject(fixture, source, 'kept');
        await changesNothing(fixture, async () => {
          const refused = await refusal(rename(fixture, source, target));
          assert.deepEqual(refused, { code: 'InvalidRequest', status: 400 });
        });
      });
    }

    test('E06 R02 a rename source without ?renameObject is NotImplemented, never an empty object', async () => {
      const fixture = await use();
      const { bucket, raw } = fixture;
      await putObject(fixture, 'source', 'kept');
      await changesNothing(fixture, async () => {
        const headers = { 'x-amz-rename-source': '/source' };
        const reply = await raw({ method: 'PUT', path: `/${bucket}/to`, headers, body: '' });
        assert.deepEqual([reply.status, reply.code], [501, 'NotImplemented']);
        for (const [name, value] of [
          ['x-amz-tagging', 'a=b'],
          ['x-amz-server-side-encryption', 'AES256'],
        ] as const) {
          const more = await renameRaw(fixture, 'to', { source: 'source', [name]: value });
          assert.deepEqual([more.status, more.code], [501, 'NotImplemented'], name);
        }
      });
    });

    test('R04 RenameObject makes a conditional completion for the old key conflict', async () => {
      const fixture = await use();
      const { client, bucket, raw } = fixture;
      await putObject(fixture, 'source', 'bytes');
      const name = { Bucket: bucket, Key: 'source' };
      const { UploadId } = await client.send(new CreateMultipartUploadCommand(name));
      const path = `/${bucket}/source`;
      const query = `partNumber=1&uploadId=${UploadId}`;
      const part = await raw({ method: 'PUT', path, query, body: 'part' });
      await rename(fixture, 'source', 'target');
      const listed = `<Part><PartNumber>1</PartNumber><ETag>${part.headers.etag}</ETag></Part>`;
      const reply = await raw({
        ...{ method: 'POST', path, query: `uploadId=${UploadId}` },
        headers: { 'if-none-match': '*' },
        body: `<CompleteMultipartUpload>${listed}</CompleteMultipartUpload>`,
      });
      assert.deepEqual([reply.status, reply.code], [409, 'ConditionalRequestConflict']);
    });

    test('R04 a renamed object is overwritten, copied, renamed back and deleted like any other', async () => {
      const fixture = await use();
      await uploadInParts(fixture, 'source', [randomBytes(10_000), randomBytes(5)]);
      const body = await bytesOf(fixture, 'source');
      await rename(fixture, 'source', 'there');
      await rename(fixture, 'there', 'source');
      await sweepAll(fixture.server);
      assert.deepEqual(await bytesOf(fixture, 'source'), body);
      await putObject(fixture, 'source', LARGE);
      await rename(fixture, 'source', 'there');
      await fixture.raw({ method: 'DELETE', path: `/${fixture.bucket}/there` });
      assertCounters(fixture, 0, 0);
      await assertPlaces(fixture, []);
    });
  },
  { partSizeBytesMin: 1 },
);

/** Everything that a rename leaves as it was. */
async function describe({ client, bucket }: Fixture, key: string) {
  const input = { Bucket: bucket, Key: key, ChecksumMode: 'ENABLED' } as const;
  const { $metadata: _, ...head } = await client.send(new HeadObjectCommand(input));
  const { ETag: etag, Metadata: metadata, ...others } = head;
  return { etag, metadata, others };
}

function assertCounters(
  { server, bucket }: Fixture,
  objectCount: number,
  objectBytes?: number,
): void {
  server.store.refresh();
  const counters = server.store.bucketCounters(bucket);
  assert.equal(counters.objectCount, objectCount);
  if (objectBytes !== undefined) assert.equal(counters.objectBytes, objectBytes);
}

/** After sweeping exactly these sidecars are left, each with the kind and key that it names. */
async function assertPlaces(
  { server, bucket }: Fixture,
  expected: readonly string[],
): Promise<void> {
  await sweepAll(server);
  // The memory backend keeps no files; that nothing is left over there has been seen by now.
  if (server.backend === 'memory') return;
  const found = await sidecarsOf(server, bucket);
  assert.deepEqual(found.map(({ kind, key }) => `${kind} ${key}`).sort(), [...expected].sort());
}
