// What a change of tags leaves on disk: the sidecar of a living blob always has the current tags,
// and nothing else of the object is written, lost or left behind.

import assert from 'node:assert/strict';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import filePromises from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';

import {
  CopyObjectCommand,
  CreateBucketCommand,
  DeleteObjectTaggingCommand,
  PutObjectTaggingCommand,
  type S3Client,
} from '@aws-sdk/client-s3';

import type { Tags } from '#src/s3/tags.js';
import { readSidecar } from '#src/store/sidecar.js';

import { startInProcessServer, type InProcessServer } from '../support/in-process-server.js';
import { bytesOf, putObject, uploadInParts } from '../support/objects.js';
import { s3Client } from '../support/s3-client.js';
import { tagSet, tagsOf, type Pair } from '../support/tags.js';

const LARGE = Buffer.alloc(300_000, 'large ');

describe('tags on disk', () => {
  let server: InProcessServer;
  let client: S3Client;
  let place: { readonly client: S3Client; readonly bucket: string };
  let bucketCount = 0;
  before(async () => {
    server = await startInProcessServer({ backend: 'file', limits: { partSizeBytesMin: 1 } });
    client = s3Client(server);
  });
  after(async () => {
    client.destroy();
    await server.stop();
    assert.deepEqual(server.faults, [], 'no request ends in a fault');
  });

  async function newBucket(): Promise<void> {
    bucketCount += 1;
    place = { client, bucket: `bucket-${bucketCount}` };
    await client.send(new CreateBucketCommand({ Bucket: place.bucket }));
  }

  async function setTags(pairs: readonly Pair[], key = 'key'): Promise<void> {
    const Tagging = { TagSet: tagSet(pairs) };
    await client.send(new PutObjectTaggingCommand({ Bucket: place.bucket, Key: key, Tagging }));
  }

  /** Sidecars of all blobs of the bucket, those of garbage too unless it is reclaimed first. */
  function sidecars() {
    const directory = join(server.basePath, place.bucket);
    return readdirSync(directory, { recursive: true })
      .map(String)
      .filter((name) => name.endsWith('metadata.json'))
      .map((name) => ({
        ...readSidecar(readFileSync(join(directory, name), 'utf8')),
        inode: statSync(join(directory, name, '..', 'data')).ino,
      }));
  }

  async function livingSidecars(kind: 'object' | 'manifest' | 'part') {
    const left = await server.store.reclaimer.reclaimGarbage(() => true);
    assert.equal(left.waitingCount, 0);
    assert.equal(await server.store.reclaimer.sweepOrphans(-1), 0, 'no blob is an orphan');
    return sidecars().filter(({ sidecar }) => sidecar.kind === kind);
  }

  function tagsIn({ sidecar }: { readonly sidecar: object }): Tags | undefined {
    return 'tags' in sidecar ? (sidecar.tags as Tags) : undefined;
  }

  const NEW: Tags = [{ key: 'new', value: '2' }];

  test('the sidecar of a plain blob follows the tags and shares its bytes', async () => {
    await newBucket();
    await putObject(place, 'key', LARGE, { Tagging: 'old=1', Metadata: { a: 'b' } });
    const [first] = await livingSidecars('object');
    assert.deepEqual(first && tagsIn(first), [{ key: 'old', value: '1' }]);
    for (const tags of [NEW, []]) {
      const pairs = tags.map(({ key, value }): Pair => [key, value]);
      if (pairs.length > 0) await setTags(pairs);
      else {
        const name = { Bucket: place.bucket, Key: 'key' };
        await client.send(new DeleteObjectTaggingCommand(name));
      }
      const [now, ...others] = await livingSidecars('object');
      assert(first !== undefined && now !== undefined && others.length === 0);
      assert.notEqual(now.sidecar.blobId, first.sidecar.blobId);
      const { blobId } = now.sidecar;
      assert.deepEqual(now, {
        ...{ inode: first.inode, layout: first.layout, isChecked: true },
        sidecar: { ...first.sidecar, blobId, tags },
      });
    }
    assert(LARGE.equals(await bytesOf(place, 'key')));
  });

  test('the sidecar of a manifest follows the tags, and the parts stay where they are', async () => {
    await newBucket();
    await uploadInParts(place, 'key', [LARGE, Buffer.from('end')], { Tagging: 'old=1' });
    const [first] = await livingSidecars('manifest');
    const parts = await livingSidecars('part');
    assert.deepEqual(first && tagsIn(first), [{ key: 'old', value: '1' }]);
    await setTags([['new', '2']]);
    const [now, ...others] = await livingSidecars('manifest');
    assert(first !== undefined && now !== undefined && others.length === 0);
    const { blobId } = now.sidecar;
    assert.notEqual(blobId, first.sidecar.blobId);
    assert.deepEqual(now.sidecar, { ...first.sidecar, blobId, tags: NEW });
    assert.deepEqual(await livingSidecars('part'), parts);
    assert((await bytesOf(place, 'key')).equals(Buffer.concat([LARGE, Buffer.from('end')])));
    await putObject(place, 'key', 'over');
    assert.deepEqual(
      [...(await livingSidecars('part')), ...(await livingSidecars('manifest'))],
      [],
    );
  });

  test('the sidecar of a copy has the tags of the copy', async () => {
    await newBucket();
    await putObject(place, 'source', LARGE, { Tagging: 'new=2' });
    const copy = { Bucket: place.bucket, Key: 'key', CopySource: `${place.bucket}/source` };
    await client.send(new CopyObjectCommand(copy));
    assert.deepEqual((await livingSidecars('object')).map(tagsIn), [NEW, NEW]);
  });

  test('a change to the tags that are there already writes nothing', async () => {
    await newBucket();
    await putObject(place, 'key', LARGE, { Tagging: 'new=2' });
    const before = sidecars();
    await setTags([['new', '2']]);
    assert.deepEqual(sidecars(), before);
  });

  test('a reader goes on undisturbed while the tags change and the old blob goes', async () => {
    await newBucket();
    await putObject(place, 'plain', LARGE);
    await uploadInParts(place, 'parts', [LARGE, LARGE]);
    for (const [key, bytes] of [
      ['plain', LARGE],
      ['parts', Buffer.concat([LARGE, LARGE])],
    ] as const) {
      server.store.refresh();
      const open = await server.store.openObject(place.bucket, key);
      const body = open.read({ startByte: 0, endByte: bytes.length });
      await setTags([['new', '2']], key);
      await livingSidecars('object');
      const pieces: Buffer[] = [];
      assert(!(body instanceof Uint8Array));
      for await (const piece of body) pieces.push(Buffer.from(piece));
      open.close();
      assert(Buffer.concat(pieces).equals(bytes), key);
    }
  });

  test('where the file system refuses another link, the bytes are copied', async (context) => {
    await newBucket();
    await putObject(place, 'key', LARGE, { Tagging: 'old=1' });
    const [first] = await livingSidecars('object');
    const { link } = filePromises;
    context.after(() => {
      filePromises.link = link;
      syncBuiltinESMExports();
    });
    let refusedCount = 0;
    filePromises.link = async () => {
      refusedCount += 1;
      throw Object.assign(new Error('EMLINK: too many links'), { code: 'EMLINK' });
    };
    syncBuiltinESMExports();
    await setTags([['new', '2']]);
    assert.equal(refusedCount, 1);
    const [now, ...others] = await livingSidecars('object');
    assert(first !== undefined && now !== undefined && others.length === 0);
    assert.notEqual(now.inode, first.inode);
    const { blobId } = now.sidecar;
    assert.deepEqual(now.sidecar, { ...first.sidecar, blobId, tags: NEW });
    assert.deepEqual(now.layout, first.layout);
    assert(LARGE.equals(await bytesOf(place, 'key')));
    assert.deepEqual((await tagsOf(place, 'key')).pairs, [['new', '2']]);
  });
});
