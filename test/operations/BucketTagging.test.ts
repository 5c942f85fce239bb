// Tags of buckets over HTTP.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import {
  CreateBucketCommand,
  DeleteBucketCommand,
  DeleteBucketTaggingCommand,
  GetBucketTaggingCommand,
  PutBucketTaggingCommand,
} from '@aws-sdk/client-s3';

import { onEveryBackend, refusal, type Fixture } from '../support/operation-suite.js';
import { elementText } from '../support/raw-request.js';
import { changesNothing } from '../support/store-state.js';
import { manyTags, taggingXml, tagSet, type Pair } from '../support/tags.js';

const ABSENT = { code: 'NoSuchTagSet', status: 404 };

async function putTags({ client, bucket }: Fixture, pairs: readonly Pair[]): Promise<void> {
  const command = new PutBucketTaggingCommand({
    ...{ Bucket: bucket, Tagging: { TagSet: tagSet(pairs) } },
  });
  const { $metadata } = await client.send(command);
  assert.equal($metadata.httpStatusCode, 204);
}

async function tagsOfBucket({ client, bucket }: Fixture): Promise<unknown> {
  return (await client.send(new GetBucketTaggingCommand({ Bucket: bucket }))).TagSet;
}

onEveryBackend('BucketTagging', (use) => {
  test('B09 B10 tags of a bucket are put, replaced and deleted', async () => {
    const fixture = await use();
    const { client, bucket } = fixture;
    assert.deepEqual(await refusal(tagsOfBucket(fixture)), ABSENT);
    for (const pairs of [
      [
        ['näme', 'a b+c'],
        ['empty', ''],
      ] as const,
      manyTags(50),
    ]) {
      await putTags(fixture, pairs);
      assert.deepEqual(await tagsOfBucket(fixture), tagSet(pairs));
    }
    for (const _time of ['first', 'again']) {
      const gone = await client.send(new DeleteBucketTaggingCommand({ Bucket: bucket }));
      assert.equal(gone.$metadata.httpStatusCode, 204);
      assert.deepEqual(await refusal(tagsOfBucket(fixture)), ABSENT);
    }
  });

  test('B09 an empty set removes the tags', async () => {
    const fixture = await use();
    await putTags(fixture, [['a', '1']]);
    await putTags(fixture, []);
    assert.deepEqual(await refusal(tagsOfBucket(fixture)), ABSENT);
  });

  for (const [id, what, pairs, code] of [
    ['BI-176', '51 tags', manyTags(51), 'BadRequest'],
    ['BI-177', 'an empty key', [['', '1']], 'InvalidTag'],
    ['BI-177', 'a key of 129 characters', [['k'.repeat(129), '1']], 'InvalidTag'],
    ['BI-177', 'a value of 257 characters', [['a', 'v'.repeat(257)]], 'InvalidTag'],
    ['BI-177', 'a forbidden character', [['a', '<b>']], 'InvalidTag'],
    [
      ...(['BI-177', 'a repeated key'] as const),
      [
        ['a', '1'],
        ['a', '2'],
      ],
      'InvalidTag',
    ],
    ['BI-177', 'a system key', [['aws:a', '1']], 'InvalidTag'],
  ] as const) {
    test(`B13 ${id} PutBucketTagging with ${what} is ${code}`, async () => {
      const fixture = await use();
      const { raw, bucket } = fixture;
      await putTags(fixture, [['kept', '1']]);
      await changesNothing(fixture, async () => {
        const body = taggingXml(pairs);
        const reply = await raw({ method: 'PUT', path: `/${bucket}`, query: 'tagging=', body });
        assert.deepEqual([reply.status, reply.code], [400, code], reply.text);
        const named = elementText(reply.text, 'TagKey');
        assert.equal(named, code === 'InvalidTag' ? pairs.at(-1)?.[0] : undefined);
      });
    });
  }

  test('E12 PutBucketTagging without a TagSet is MalformedXML', async () => {
    const fixture = await use();
    const { raw, bucket } = fixture;
    await putTags(fixture, [['kept', '1']]);
    await changesNothing(fixture, async () => {
      const body = '<Tagging/>';
      const reply = await raw({ method: 'PUT', path: `/${bucket}`, query: 'tagging=', body });
      assert.deepEqual([reply.status, reply.code], [400, 'MalformedXML']);
    });
  });

  test('B04 a bucket is created with the tags of its document, or with none', async () => {
    const { client, bucket, raw } = await use();
    const tagged = `${bucket}-tagged`;
    const Tags = tagSet([
      ['a', '1'],
      ['b', ''],
    ]);
    const CreateBucketConfiguration = { Tags };
    await client.send(new CreateBucketCommand({ Bucket: tagged, CreateBucketConfiguration }));
    const found = await client.send(new GetBucketTaggingCommand({ Bucket: tagged }));
    assert.deepEqual(found.TagSet, Tags);

    const body = '<CreateBucketConfiguration><Tags/></CreateBucketConfiguration>';
    const created = await raw({ method: 'PUT', path: `/${bucket}-untagged`, body });
    assert.equal(created.status, 200, created.text);
    const untagged = new GetBucketTaggingCommand({ Bucket: `${bucket}-untagged` });
    assert.deepEqual(await refusal(client.send(untagged)), ABSENT);
  });

  test('B01 B04 creating an own bucket again leaves its tags', async () => {
    const fixture = await use();
    const { client, bucket } = fixture;
    await putTags(fixture, [['kept', '1']]);
    await changesNothing(fixture, async () => {
      const CreateBucketConfiguration = { Tags: tagSet([['other', '2']]) };
      await client.send(new CreateBucketCommand({ Bucket: bucket, CreateBucketConfiguration }));
    });
  });

  test('B04 B13 a bucket with tags that are none is not created', async () => {
    const fixture = await use();
    const { raw, bucket } = fixture;
    await changesNothing(fixture, async () => {
      for (const [pairs, code] of [
        [[['aws:a', '1']], 'InvalidTag'],
        [manyTags(51), 'BadRequest'],
      ] as const) {
        const tags = taggingXml(pairs).replaceAll(/<\/?Tagging>/g, '');
        const body = `<CreateBucketConfiguration>${tags.replaceAll('TagSet', 'Tags')}</CreateBucketConfiguration>`;
        const reply = await raw({ method: 'PUT', path: `/${bucket}-new`, body });
        assert.deepEqual([reply.status, reply.code], [400, code]);
      }
    });
  });

  test('B09 a bucket that is created again does not have the tags of its namesake', async () => {
    const fixture = await use();
    const { client, bucket } = fixture;
    await putTags(fixture, [['a', '1']]);
    await client.send(new DeleteBucketCommand({ Bucket: bucket }));
    const code = 'NoSuchBucket';
    assert.deepEqual(await refusal(tagsOfBucket(fixture)), { code, status: 404 });
    await client.send(new CreateBucketCommand({ Bucket: bucket }));
    assert.deepEqual(await refusal(tagsOfBucket(fixture)), ABSENT);
  });
});
