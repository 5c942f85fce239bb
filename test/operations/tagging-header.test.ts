// `x-amz-tagging` over HTTP: tags that come with the object, on every operation that writes one.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import {
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  PutObjectCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3';

import { putObject } from '../support/objects.js';
import { onEveryBackend } from '../support/operation-suite.js';
import { elementText } from '../support/raw-request.js';
import { querySigned, sendHead } from '../support/signed-request.js';
import { changesNothing } from '../support/store-state.js';
import { manyTags, tagsOf, type Pair } from '../support/tags.js';

const ELEVEN = manyTags(11).map(([key, value]) => `${encodeURIComponent(key)}=${value}`);

/** What the header may say, and the tags it means. */
// prettier-ignore
const ACCEPTED: readonly (readonly [what: string, header: string, pairs: readonly Pair[]])[] = [
  ['one tag', 'a=1', [['a', '1']]],
  ['several, in order', 'b=2&a=1', [['b', '2'], ['a', '1']]],
  ['ten', ELEVEN.slice(0, 10).join('&'), manyTags(10)],
  ['escapes', 'n%C3%A4me%201=a%2Bb%3Dc%2F', [['näme 1', 'a+b=c/']]],
  ['a plus for a space', 'a+b=c+d', [['a b', 'c d']]],
  ['a key alone', 'a=1&b', [['a', '1'], ['b', '']]],
  ['an empty value', 'a=', [['a', '']]],
  ['nothing', '', []],
];

// prettier-ignore
const REFUSED: readonly (readonly [id: string, what: string, header: string, code: string])[] = [
  ['BI-178', 'a repeated key', 'a=1&b=2&a=3', 'InvalidArgument'],
  ['BI-178', 'a repeated key in another spelling', 'a=1&%61=3', 'InvalidArgument'],
  ['BI-178', 'a bad escape', 'a=%zz', 'InvalidArgument'],
  ['BI-178', 'an escape that ends early', 'a=1%', 'InvalidArgument'],
  ['BI-178', 'bytes that are not UTF-8', 'a=%FF', 'InvalidArgument'],
  ['BI-178', 'text that is not escaped', 'näme=1', 'InvalidArgument'],
  ['BI-178', 'an escaped NUL', 'a=%00', 'InvalidArgument'],
  ['BI-175', '11 tags', ELEVEN.join('&'), 'BadRequest'],
  ['BI-177', 'an empty key', '=1', 'InvalidTag'],
  ['BI-177', 'a key of 129 characters', `${'k'.repeat(129)}=1`, 'InvalidTag'],
  ['BI-177', 'a value of 257 characters', `a=${'v'.repeat(257)}`, 'InvalidTag'],
  ['BI-177', 'a forbidden character', 'a=%3Cb%3E', 'InvalidTag'],
  ['BI-177', 'a system key', 'aws%3Aa=1', 'InvalidTag'],
];

const WRITES = [
  ['PutObject', 'PUT', ''],
  ['CopyObject', 'PUT', ''],
  ['CreateMultipartUpload', 'POST', 'uploads='],
] as const;

onEveryBackend('x-amz-tagging', (use) => {
  for (const [what, header, pairs] of ACCEPTED) {
    test(`B13 PutObject with ${what} in x-amz-tagging`, async () => {
      const fixture = await use();
      const { raw, bucket } = fixture;
      const headers = { 'x-amz-tagging': header };
      const reply = await raw({ method: 'PUT', path: `/${bucket}/key`, headers, body: 'bytes' });
      assert.equal(reply.status, 200, reply.text);
      const count = pairs.length === 0 ? undefined : pairs.length;
      assert.deepEqual(await tagsOf(fixture, 'key'), { pairs, count });
    });
  }

  for (const [operation, method, query] of WRITES) {
    for (const [id, what, header, code] of REFUSED) {
      test(`B13 ${id} ${operation} with ${what} in x-amz-tagging is ${code}`, async () => {
        const fixture = await use();
        const { raw, bucket } = fixture;
        await putObject(fixture, 'key', 'bytes', { Tagging: 'kept=1' });
        const copy = {
          'x-amz-copy-source': `${bucket}/key`,
          'x-amz-metadata-directive': 'REPLACE',
          'x-amz-tagging-directive': 'REPLACE',
        };
        const sent = operation === 'CopyObject' ? copy : {};
        const headers = { ...sent, 'x-amz-tagging': header };
        await changesNothing(fixture, async () => {
          const request = { method, path: `/${bucket}/key`, query, headers, body: '' };
          const reply = await raw(request);
          assert.deepEqual([reply.status, reply.code], [400, code], reply.text);
          const named = elementText(reply.text, 'ArgumentName');
          assert.equal(named, code === 'InvalidArgument' ? 'x-amz-tagging' : undefined);
        });
      });
    }
  }

  test('A15 a presigned URL carries the tags of its object', async () => {
    const fixture = await use();
    const { server, bucket } = fixture;
    const rawQuery = 'x-amz-tagging=a%3D1%26b%3D%252B';
    const head = querySigned(server, { method: 'PUT', rawPath: `/${bucket}/key`, rawQuery });
    assert.equal((await sendHead(server, head, 'bytes')).status, 200);
    const pairs = [
      ['a', '1'],
      ['b', '+'],
    ];
    assert.deepEqual(await tagsOf(fixture, 'key'), { pairs, count: 2 });
  });

  for (const sizeBytes of [10, 10_000]) {
    test(`X04 a copy of ${sizeBytes} bytes keeps the tags, or takes those of the request`, async () => {
      const fixture = await use();
      const { client, bucket } = fixture;
      await putObject(fixture, 'source', Buffer.alloc(sizeBytes), { Tagging: 'a=1&b=2' });
      const copy = { Bucket: bucket, Key: 'copy', CopySource: `${bucket}/source` };
      const kept = [
        ['a', '1'],
        ['b', '2'],
      ];
      const cases = [
        [{}, kept],
        [{ TaggingDirective: 'COPY' }, kept],
        // Ignored, as metadata of the request are.
        [{ TaggingDirective: 'COPY', Tagging: 'c=3' }, kept],
        [{ Tagging: 'c=3' }, kept],
        [{ MetadataDirective: 'REPLACE' }, kept],
        [{ TaggingDirective: 'REPLACE', Tagging: 'c=3' }, [['c', '3']]],
        [{ TaggingDirective: 'REPLACE' }, []],
      ] as const;
      for (const [more, pairs] of cases) {
        await client.send(new CopyObjectCommand({ ...copy, ...more }));
        assert.deepEqual((await tagsOf(fixture, 'copy')).pairs, pairs, JSON.stringify(more));
      }
      assert.deepEqual((await tagsOf(fixture, 'source')).pairs, kept);
    });
  }

  test('BI-158 an unknown tagging directive is InvalidArgument', async () => {
    const fixture = await use();
    const { raw, bucket } = fixture;
    await putObject(fixture, 'key', 'bytes', { Tagging: 'kept=1' });
    await changesNothing(fixture, async () => {
      for (const directive of ['MERGE', 'replace', '']) {
        const headers = {
          'x-amz-copy-source': `${bucket}/key`,
          'x-amz-tagging-directive': directive,
        };
        const reply = await raw({ method: 'PUT', path: `/${bucket}/copy`, headers });
        assert.deepEqual([reply.status, reply.code], [400, 'InvalidArgument'], directive);
        assert.equal(elementText(reply.text, 'ArgumentName'), 'x-amz-tagging-directive');
      }
    });
  });

  test('X02 tags alone are no change that makes a copy onto itself legal', async () => {
    const fixture = await use();
    const { raw, bucket } = fixture;
    await putObject(fixture, 'key', 'bytes', { Tagging: 'kept=1' });
    await changesNothing(fixture, async () => {
      const headers = {
        'x-amz-copy-source': `${bucket}/key`,
        'x-amz-tagging-directive': 'REPLACE',
        'x-amz-tagging': 'a=1',
      };
      const reply = await raw({ method: 'PUT', path: `/${bucket}/key`, headers });
      assert.deepEqual([reply.status, reply.code], [400, 'InvalidRequest']);
    });
  });

  test('M22 tags given at the creation of an upload are those of its object', async () => {
    const fixture = await use();
    const { client, bucket } = fixture;
    const name = { Bucket: bucket, Key: 'key' };
    // What is there meanwhile has tags of its own.
    await client.send(new PutObjectCommand({ ...name, Body: 'old', Tagging: 'old=1' }));
    const create = new CreateMultipartUploadCommand({ ...name, Tagging: 'a=1&b=%20' });
    const { UploadId } = await client.send(create);
    const upload = { ...name, UploadId };
    const part = new UploadPartCommand({ ...upload, PartNumber: 1, Body: 'part' });
    const { ETag } = await client.send(part);
    assert.deepEqual((await tagsOf(fixture, 'key')).pairs, [['old', '1']]);
    const MultipartUpload = { Parts: [{ PartNumber: 1, ETag }] };
    await client.send(new CompleteMultipartUploadCommand({ ...upload, MultipartUpload }));
    const pairs = [
      ['a', '1'],
      ['b', ' '],
    ];
    assert.deepEqual(await tagsOf(fixture, 'key'), { pairs, count: 2 });
  });
});
