// Tags of objects over HTTP: set, read, removed, and refused by the rules of S3.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import {
  CopyObjectCommand,
  DeleteObjectTaggingCommand,
  GetObjectCommand,
  GetObjectTaggingCommand,
  HeadObjectCommand,
  PutObjectTaggingCommand,
} from '@aws-sdk/client-s3';

import { BODIES, bytesOf, putObject, uploadInParts } from '../support/objects.js';
import { onEveryBackend, refusal, type Fixture } from '../support/operation-suite.js';
import { elementText, rawRequest, type RawReply } from '../support/raw-request.js';
import { changesNothing } from '../support/store-state.js';
import { manyTags, taggingXml, tagSet, tagsOf, type Pair } from '../support/tags.js';

const VERSION = 'AAAAAAAAASwAAAAAAAAAAAAAAAAAAAAA';

/** Tags that are no tags: what is wrong, the set, and the tag that is named. */
// prettier-ignore
const INVALID: readonly (readonly [what: string, pairs: readonly Pair[], named: Pair])[] = [
  ['an empty key', [['', 'value']], ['', 'value']],
  ['a key of 129 characters', [['k'.repeat(129), '']], ['k'.repeat(129), '']],
  ['a key of 65 characters that take two units each', [['\u{20000}'.repeat(65), '']], ['\u{20000}'.repeat(65), '']],
  ['a value of 257 characters', [['key', 'v'.repeat(257)]], ['key', 'v'.repeat(257)]],
  ['a key with !', [['key!', '']], ['key!', '']],
  ['a value with an ampersand', [['good', ''], ['key', 'a&b']], ['key', 'a&b']],
  ['a value with a line feed', [['key', 'a\nb']], ['key', 'a\nb']],
  ['an emoji', [['key', '\u{1F600}']], ['key', '\u{1F600}']],
  ['a repeated key', [['key', '1'], ['other', ''], ['key', '2']], ['key', '2']],
  ['a system key', [['aws:key', 'value']], ['aws:key', 'value']],
  ['a system key in other case', [['AWS:key', 'value']], ['AWS:key', 'value']],
];

/** Documents that are XML and no tags. */
// prettier-ignore
const MALFORMED: Readonly<Record<string, string>> = {
  'no TagSet': '<Tagging/>',
  'two TagSets': '<Tagging><TagSet/><TagSet/></Tagging>',
  'a tag outside of the TagSet': '<Tagging><Tag><Key>a</Key><Value>b</Value></Tag></Tagging>',
  'another element in the TagSet': '<Tagging><TagSet><Other/></TagSet></Tagging>',
  'a tag without a key': '<Tagging><TagSet><Tag><Value>b</Value></Tag></TagSet></Tagging>',
  'a tag without a value': '<Tagging><TagSet><Tag><Key>a</Key></Tag></TagSet></Tagging>',
  'a tag with two keys': '<Tagging><TagSet><Tag><Key>a</Key><Key>b</Key></Tag></TagSet></Tagging>',
  'a tag with more': '<Tagging><TagSet><Tag><Key>a</Key><Value>b</Value><More/></Tag></TagSet></Tagging>',
};

function put(fixture: Fixture, body: string, query = 'tagging='): Promise<RawReply> {
  const { raw, bucket } = fixture;
  return raw({ method: 'PUT', path: `/${bucket}/key`, query, body });
}

/** An object of each placement, by name. */
async function makeObject(fixture: Fixture, placement: string): Promise<void> {
  const body = BODIES.find(([name]) => name === placement)?.[1];
  if (body !== undefined) await putObject(fixture, 'key', body, { Metadata: { a: 'b' } });
  else await uploadInParts(fixture, 'key', [Buffer.alloc(5000, 'a'), Buffer.alloc(10, 'b')]);
}

const PLACEMENTS = [...BODIES.map(([name]) => name), 'multipart'];
const SMALL_PARTS = { partSizeBytesMin: 1 };

onEveryBackend(
  'ObjectTagging',
  (use) => {
    for (const placement of PLACEMENTS) {
      test(`B10 B14 tags of an object (${placement}) are put, replaced and deleted, and nothing else changes`, async () => {
        const fixture = await use();
        const { client, bucket } = fixture;
        const name = { Bucket: bucket, Key: 'key' };
        await makeObject(fixture, placement);
        const described = async () => {
          const head = new HeadObjectCommand({ ...name, ChecksumMode: 'ENABLED' });
          const { $metadata: _metadata, TagCount: _count, ...rest } = await client.send(head);
          return { ...rest, bytes: (await bytesOf(fixture, 'key')).toString('hex') };
        };
        const before = await described();
        assert.deepEqual(await tagsOf(fixture, 'key'), { pairs: [], count: undefined });

        const first: Pair[] = [
          ['näme 1', 'a b+c/d:e@f=g_h.i-j'],
          ['empty', ''],
        ];
        for (const pairs of [first, manyTags(10), first.slice(1)]) {
          const Tagging = { TagSet: tagSet(pairs) };
          const reply = await client.send(new PutObjectTaggingCommand({ ...name, Tagging }));
          assert.equal(reply.$metadata.httpStatusCode, 200);
          assert.deepEqual(await tagsOf(fixture, 'key'), { pairs, count: pairs.length });
          assert.deepEqual(await described(), before);
        }

        const gone = await client.send(new DeleteObjectTaggingCommand(name));
        assert.equal(gone.$metadata.httpStatusCode, 204);
        assert.deepEqual(await tagsOf(fixture, 'key'), { pairs: [], count: undefined });
        assert.deepEqual(await described(), before);
      });

      test(`X04 B14 a tagged object (${placement}) is copied with its tags, and overwriting drops them`, async () => {
        const fixture = await use();
        const { client, bucket } = fixture;
        await makeObject(fixture, placement);
        assert.equal((await put(fixture, taggingXml([['a', '1']]))).status, 200);
        const bytes = await bytesOf(fixture, 'key');
        const copy = { Bucket: bucket, Key: 'copy', CopySource: `${bucket}/key` };
        await client.send(new CopyObjectCommand(copy));
        await putObject(fixture, 'key', 'new');
        assert.deepEqual(await tagsOf(fixture, 'key'), { pairs: [], count: undefined });
        assert.deepEqual(await tagsOf(fixture, 'copy'), { pairs: [['a', '1']], count: 1 });
        assert(bytes.equals(await bytesOf(fixture, 'copy')));
      });
    }

    test('RenameObject takes the tags along, an append keeps them and takes no others', async () => {
      const fixture = await use();
      const { raw, bucket } = fixture;
      await putObject(fixture, 'source', Buffer.alloc(10_000), { Tagging: 'a=1' });
      const path = `/${bucket}/key`;
      const rename = { method: 'PUT', path, query: 'renameObject' };
      const headers = { 'x-amz-rename-source': '/source' };
      assert.equal((await raw({ ...rename, headers })).status, 200);
      const pairs = [['a', '1']];
      assert.deepEqual((await tagsOf(fixture, 'key')).pairs, pairs);

      const offset = { 'x-amz-write-offset-bytes': '10000' };
      await changesNothing(fixture, async () => {
        const tagged = { ...offset, 'x-amz-tagging': 'b=2' };
        const refused = await raw({ method: 'PUT', path, headers: tagged, body: 'more' });
        assert.deepEqual([refused.status, refused.code], [400, 'InvalidRequest']);
      });
      const appended = await raw({ method: 'PUT', path, headers: offset, body: 'more' });
      assert.equal(appended.status, 200, appended.text);
      assert.deepEqual((await tagsOf(fixture, 'key')).pairs, pairs);
      assert.equal((await put(fixture, taggingXml([['c', '3']]))).status, 200);
      assert.deepEqual((await tagsOf(fixture, 'key')).pairs, [['c', '3']]);
      assert.equal((await bytesOf(fixture, 'key')).subarray(10_000).toString(), 'more');

      const first = { 'x-amz-write-offset-bytes': '0', 'x-amz-tagging': 'd=4' };
      const created = { method: 'PUT', path: `/${bucket}/created`, headers: first, body: 'x' };
      assert.equal((await raw(created)).status, 200);
      assert.deepEqual((await tagsOf(fixture, 'created')).pairs, [['d', '4']]);
    });

    test('G19 GET tells the number of tags when there are any, also of a range', async () => {
      const fixture = await use();
      const { client, bucket } = fixture;
      const name = { Bucket: bucket, Key: 'key' };
      await putObject(fixture, 'key', 'bytes', { Tagging: 'a=1&b=2' });
      await putObject(fixture, 'untagged', 'bytes');
      for (const Range of [undefined, 'bytes=1-2']) {
        const found = await client.send(new GetObjectCommand({ ...name, Range }));
        assert.equal(found.TagCount, 2);
      }
      const { raw } = fixture;
      const bare = await raw({ method: 'GET', path: `/${bucket}/untagged` });
      assert.equal(bare.headers['x-amz-tagging-count'], undefined);
    });

    test('B13 the longest tags, in every script, are accepted', async () => {
      const fixture = await use();
      await putObject(fixture, 'key', 'bytes');
      const pairs: Pair[] = [
        ['k'.repeat(128), 'v'.repeat(256)],
        ['\u{20000}'.repeat(64), '\u{20000}'.repeat(128)],
        ['ключ', '値\u3000٣'],
        [' ', ' '],
        ['not-aws:key', 'aws:value'],
      ];
      const reply = await put(fixture, taggingXml(pairs));
      assert.equal(reply.status, 200, reply.text);
      assert.deepEqual((await tagsOf(fixture, 'key')).pairs, pairs);
    });

    test('B14 an empty set removes the tags', async () => {
      const fixture = await use();
      await putObject(fixture, 'key', 'bytes', { Tagging: 'a=1' });
      assert.equal((await put(fixture, taggingXml([]))).status, 200);
      assert.deepEqual(await tagsOf(fixture, 'key'), { pairs: [], count: undefined });
    });

    for (const [what, pairs, [key, value]] of INVALID) {
      test(`B13 BI-177 PutObjectTagging with ${what} is InvalidTag and names it`, async () => {
        const fixture = await use();
        await putObject(fixture, 'key', 'bytes', { Tagging: 'kept=1' });
        await changesNothing(fixture, async () => {
          const reply = await put(fixture, taggingXml(pairs));
          assert.deepEqual([reply.status, reply.code], [400, 'InvalidTag'], reply.text);
          assert.equal(elementText(reply.text, 'TagKey'), key);
          assert.equal(elementText(reply.text, 'TagValue'), value);
        });
      });
    }

    test('B13 BI-175 PutObjectTagging with 11 tags is BadRequest', async () => {
      const fixture = await use();
      await putObject(fixture, 'key', 'bytes', { Tagging: 'kept=1' });
      await changesNothing(fixture, async () => {
        const reply = await put(fixture, taggingXml(manyTags(11)));
        assert.deepEqual([reply.status, reply.code], [400, 'BadRequest']);
      });
    });

    for (const [what, document] of Object.entries(MALFORMED)) {
      test(`E12 PutObjectTagging with ${what} is MalformedXML`, async () => {
        const fixture = await use();
        await putObject(fixture, 'key', 'bytes', { Tagging: 'kept=1' });
        await changesNothing(fixture, async () => {
          const reply = await put(fixture, document);
          assert.deepEqual([reply.status, reply.code], [400, 'MalformedXML']);
        });
      });
    }

    test('B14 the null version is the object, any other does not exist', async () => {
      const fixture = await use();
      const { raw, bucket } = fixture;
      await putObject(fixture, 'key', 'bytes', { Tagging: 'a=1' });
      const path = `/${bucket}/key`;
      await changesNothing(fixture, async () => {
        for (const [versionId, status, code] of [
          [VERSION, 404, 'NoSuchVersion'],
          ['no-version', 400, 'InvalidArgument'],
        ] as const) {
          const query = `tagging=&versionId=${versionId}`;
          for (const request of [
            { method: 'GET' },
            { method: 'PUT', body: taggingXml([['b', '2']]) },
            { method: 'DELETE' },
          ]) {
            const reply = await raw({ ...request, path, query });
            assert.deepEqual([reply.status, reply.code], [status, code], request.method);
          }
        }
      });
      const query = 'tagging=&versionId=null';
      assert.equal((await put(fixture, taggingXml([['b', '2']]), query)).status, 200);
      const found = await raw({ method: 'GET', path, query });
      assert.equal(elementText(found.text, 'Key'), 'b');
      assert.equal((await raw({ method: 'DELETE', path, query })).status, 204);
      assert.deepEqual((await tagsOf(fixture, 'key')).pairs, []);
    });

    test('E09 tags of a missing object and of a stranger are refused', async () => {
      const fixture = await use();
      const { client, bucket, server } = fixture;
      await putObject(fixture, 'key', 'bytes', { Tagging: 'a=1' });
      const missing = { Bucket: bucket, Key: 'missing' };
      const Tagging = { TagSet: tagSet([['a', '1']]) };
      await changesNothing(fixture, async () => {
        for (const call of [
          () => client.send(new GetObjectTaggingCommand(missing)),
          () => client.send(new PutObjectTaggingCommand({ ...missing, Tagging })),
          () => client.send(new DeleteObjectTaggingCommand(missing)),
        ]) {
          assert.deepEqual(await refusal(call()), { code: 'NoSuchKey', status: 404 });
        }
        for (const method of ['GET', 'PUT', 'DELETE']) {
          const body = method === 'PUT' ? { body: taggingXml([]) } : {};
          const request = { method, path: `/${bucket}/key`, query: 'tagging=', ...body };
          const reply = await rawRequest(server.stranger, request);
          assert.deepEqual([reply.status, reply.code], [403, 'AccessDenied']);
        }
      });
    });
  },
  SMALL_PARTS,
);
