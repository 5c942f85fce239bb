// Tags under races of several processes and over kill -9: a change of tags belongs to one version,
// is never carried to another, and never brings an older one back.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';

import {
  CreateBucketCommand,
  DeleteObjectCommand,
  GetBucketTaggingCommand,
  GetObjectCommand,
  GetObjectTaggingCommand,
  PutBucketTaggingCommand,
  PutObjectCommand,
  PutObjectTaggingCommand,
  type S3Client,
} from '@aws-sdk/client-s3';

import { textOf, uploadInParts } from '../support/objects.js';
import { refusal } from '../support/operation-suite.js';
import { s3Client } from '../support/s3-client.js';
import { startServer, type TestServer } from '../support/server.js';
import { tagSet, tagsOf, type Pair } from '../support/tags.js';

const Bucket = 'tags';
const ROUNDS = 20;
const TAGGERS = 4;
/** Inline, and above the inline limit of 32 KiB. */
const SIZES = [100, 40_000];

describe('tags of 2 server processes', () => {
  let server: TestServer;
  /** Each has connections of its own, which the kernel spreads over the processes. */
  let clients: S3Client[];
  before(async () => {
    server = await startServer({
      processes: 2,
      settings: {
        log: { level: 'warn' },
        storage: { sweep_interval_secs: 1 },
        limits: { min_part_size_mb: 1 },
      },
    });
    clients = Array.from({ length: TAGGERS + 1 }, () => s3Client(server));
    await first().send(new CreateBucketCommand({ Bucket }));
  });
  after(async () => {
    for (const client of clients) client.destroy();
    await server.stop();
  });

  const first = (): S3Client => {
    const [client] = clients;
    assert(client !== undefined);
    return client;
  };
  const setTags = (client: S3Client, Key: string, pairs: readonly Pair[]) =>
    client.send(new PutObjectTaggingCommand({ Bucket, Key, Tagging: { TagSet: tagSet(pairs) } }));

  async function stateOf(Key: string) {
    const { Body, ETag } = await first().send(new GetObjectCommand({ Bucket, Key }));
    const { TagSet } = await first().send(new GetObjectTaggingCommand({ Bucket, Key }));
    const [tag, ...more] = TagSet ?? [];
    assert.equal(more.length, 0, 'sets of tags are never mixed');
    return { text: await Body?.transformToString(), ETag, tag: `${tag?.Key}=${tag?.Value}` };
  }

  test(`overwriting and changing tags at once never mix (${ROUNDS} rounds)`, async () => {
    const Key = 'raced';
    await first().send(new PutObjectCommand({ Bucket, Key, Body: 'start' }));
    for (let round = 0; round < ROUNDS; round += 1) {
      const Body = `round ${round} `.repeat((SIZES[round % SIZES.length] ?? 0) / 8);
      const put = new PutObjectCommand({ Bucket, Key, Body, Tagging: `put=${round}` });
      const [writer, ...taggers] = clients;
      const [written] = await Promise.all([
        writer?.send(put),
        ...taggers.map((client, index) => setTags(client, Key, [[`tagger${index}`, `${round}`]])),
      ]);
      const { text, ETag, tag } = await stateOf(Key);
      assert.equal(text, Body, 'the overwrite is never lost');
      assert.equal(ETag, written?.ETag);
      const possible = [`put=${round}`, ...taggers.map((_, index) => `tagger${index}=${round}`)];
      assert(possible.includes(tag), tag);
    }
  });

  test(`changing tags never brings back what is deleted (${ROUNDS} rounds)`, async () => {
    for (let round = 0; round < ROUNDS; round += 1) {
      const Key = `deleted ${round}`;
      const Body = Buffer.alloc(SIZES[round % SIZES.length] ?? 0, 'x');
      await first().send(new PutObjectCommand({ Bucket, Key, Body }));
      const [remover, ...taggers] = clients;
      await Promise.all([
        remover?.send(new DeleteObjectCommand({ Bucket, Key })),
        ...taggers.map((client) =>
          setTags(client, Key, [['a', `${round}`]]).catch((error: unknown) => {
            assert(error instanceof Error && error.name === 'NoSuchKey', String(error));
          }),
        ),
      ]);
      const get = first().send(new GetObjectCommand({ Bucket, Key }));
      assert.deepEqual(await refusal(get), { code: 'NoSuchKey', status: 404 });
    }
  });

  test('acknowledged tags survive kill -9 and a restart', async () => {
    const place = { client: first(), bucket: Bucket };
    const large = 'x'.repeat(40_000);
    await first().send(new PutObjectCommand({ Bucket, Key: 'inline', Body: 'x' }));
    await first().send(new PutObjectCommand({ Bucket, Key: 'plain', Body: large }));
    await uploadInParts(place, 'parts', [Buffer.from(large)], { Tagging: 'old=1' });
    const sent = new PutObjectCommand({ Bucket, Key: 'sent', Body: large, Tagging: 'sent=1' });
    await first().send(sent);
    const keys = ['inline', 'plain', 'parts'];
    const Tagging = { TagSet: tagSet([['bucket', '1']]) };
    await first().send(new PutBucketTaggingCommand({ Bucket, Tagging }));
    await Promise.all(keys.map((key) => setTags(first(), key, [[`tag of ${key}`, '1']])));
    await server.killAll();
    await server.restart();
    for (const key of keys) {
      assert.deepEqual((await tagsOf(place, key)).pairs, [[`tag of ${key}`, '1']]);
      assert.equal(await textOf(place, key), key === 'inline' ? 'x' : large);
    }
    assert.deepEqual((await tagsOf(place, 'sent')).pairs, [['sent', '1']]);
    const found = await first().send(new GetBucketTaggingCommand({ Bucket }));
    assert.deepEqual(found.TagSet, Tagging.TagSet);
  });
});
