// ListObjectVersions over HTTP on buckets without versioning: every object is its only version.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import {
  DeleteObjectsCommand,
  ListObjectVersionsCommand,
  type ListObjectVersionsCommandOutput,
} from '@aws-sdk/client-s3';

import { ownerIdOf } from '#src/s3/owner.js';

import { putObject } from '../support/objects.js';
import { onEveryBackend, type Fixture } from '../support/operation-suite.js';
import { elementText, elementTexts, rawRequest } from '../support/raw-request.js';

const TREE = ['a', 'a/', 'a/1', 'a/2', 'b', 'b/x/1', 'b/x/2', 'b/y', 'c', 'c!d', 'd/1'] as const;

onEveryBackend('ListObjectVersions', (use) => {
  test('L12 ListObjectVersions shows each object as its latest version, null', async () => {
    const fixture = await use();
    const { client, bucket } = fixture;
    await putObject(fixture, 'b', 'hello', { ChecksumAlgorithm: 'SHA256' });
    await putObject(fixture, 'a', 'old');
    await putObject(fixture, 'a', '', { StorageClass: 'STANDARD_IA' });
    const page = await client.send(new ListObjectVersionsCommand({ Bucket: bucket }));
    assert.equal(page.Name, bucket);
    assert.equal(page.Prefix, '');
    assert.equal(page.KeyMarker, '');
    assert.equal(page.VersionIdMarker, '');
    assert.equal(page.MaxKeys, 1000);
    assert.equal(page.IsTruncated, false);
    assert.equal(page.NextKeyMarker, undefined);
    assert.equal(page.NextVersionIdMarker, undefined);
    assert.equal(page.DeleteMarkers, undefined);
    const [first, second] = page.Versions ?? [];
    assert.equal(page.Versions?.length, 2);
    assert.deepEqual([first?.Key, first?.Size, first?.StorageClass], ['a', 0, 'STANDARD_IA']);
    assert.equal(second?.Key, 'b');
    assert.equal(second.VersionId, 'null');
    assert.equal(second.IsLatest, true);
    assert.equal(second.ETag, '"5d41402abc4b2a76b9719d911017c592"');
    assert.equal(second.Size, 5);
    assert.equal(second.StorageClass, 'STANDARD');
    assert.deepEqual(second.Owner, { ID: ownerIdOf('main') });
    assert.deepEqual(second.ChecksumAlgorithm, ['SHA256']);
    assert.equal(second.ChecksumType, 'FULL_OBJECT');
    assert.equal(second.LastModified?.getMilliseconds(), 0);
  });

  test('L12 what ListObjectVersions shows can be deleted by its version ids', async () => {
    const fixture = await use();
    const { client, bucket } = fixture;
    await fill(fixture, TREE);
    const { Versions: versions } = await client.send(
      new ListObjectVersionsCommand({ Bucket: bucket }),
    );
    const Objects = versions?.map(({ Key, VersionId }) => ({ Key, VersionId })) ?? [];
    const deleted = await client.send(
      new DeleteObjectsCommand({ Bucket: bucket, Delete: { Objects } }),
    );
    assert.equal(deleted.Errors, undefined);
    const after = await client.send(new ListObjectVersionsCommand({ Bucket: bucket }));
    assert.equal(after.Versions, undefined);
  });

  test('L12 L13 pages of every size put together are the whole listing', async () => {
    const fixture = await use();
    await fill(fixture, TREE);
    for (const [listing, whole] of [
      [{}, TREE],
      [{ Delimiter: '/' }, ['a', '(a/)', 'b', '(b/)', 'c', 'c!d', '(d/)']],
      [{ Delimiter: '/', Prefix: 'b/' }, ['(b/x/)', 'b/y']],
      [{ Delimiter: '/', Prefix: 'a' }, ['a', '(a/)']],
      [{ Prefix: 'b/x/' }, ['b/x/1', 'b/x/2']],
      [{ Delimiter: '!' }, [...TREE.slice(0, 9), '(c!)', 'd/1']],
      [{ Prefix: 'x' }, []],
    ] as const) {
      for (let countMax = 1; countMax <= whole.length + 1; countMax += 1) {
        const walked = await walk(fixture, listing, countMax);
        assert.deepEqual(walked, whole, `${JSON.stringify(listing)} by ${countMax}`);
      }
    }
  });

  test('L13 the next markers name the last key and its version, or the last prefix alone', async () => {
    const fixture = await use();
    const { client, bucket } = fixture;
    await fill(fixture, TREE);
    const listing = { Bucket: bucket, Delimiter: '/' };
    const keys = await client.send(new ListObjectVersionsCommand({ ...listing, MaxKeys: 1 }));
    assert.deepEqual([keys.NextKeyMarker, keys.NextVersionIdMarker], ['a', 'null']);
    const prefixes = await client.send(new ListObjectVersionsCommand({ ...listing, MaxKeys: 2 }));
    assert.equal(prefixes.IsTruncated, true);
    assert.deepEqual([prefixes.NextKeyMarker, prefixes.NextVersionIdMarker], ['a/', undefined]);
  });

  test('L12 ListObjectVersions goes on after a key, with and without its version', async () => {
    const fixture = await use();
    await fill(fixture, ['a', 'b', 'c']);
    for (const [query, keys] of [
      ['key-marker=a', ['b', 'c']],
      ['key-marker=a&version-id-marker=null', ['b', 'c']],
      ['key-marker=', ['a', 'b', 'c']],
      ['key-marker=aa', ['b', 'c']],
      ['key-marker=b&prefix=c', ['c']],
      ['key-marker=z', []],
    ] as const) {
      const reply = await list(fixture, query);
      assert.equal(reply.status, 200, reply.text);
      assert.deepEqual(elementTexts(reply.text, 'Key'), keys, query);
      const marker = new URLSearchParams(query).get('version-id-marker') ?? '';
      assert.equal(elementText(reply.text, 'VersionIdMarker'), marker);
    }
  });

  test('L12 BI-192 ListObjectVersions refuses a version marker without key, empty or malformed', async () => {
    const fixture = await use();
    for (const [query, value] of [
      ['version-id-marker=null', 'null'],
      ['key-marker=&version-id-marker=null', 'null'],
      ['key-marker=a&version-id-marker=', ''],
      ['version-id-marker=', ''],
      ['key-marker=a&version-id-marker=bad', 'bad'],
    ] as const) {
      const reply = await list(fixture, query);
      assert.deepEqual([reply.status, reply.code], [400, 'InvalidArgument'], query);
      assert.equal(elementText(reply.text, 'ArgumentName'), 'version-id-marker');
      assert.equal(elementText(reply.text, 'ArgumentValue'), value);
    }
  });

  test('L04 BI-189 ListObjectVersions caps max-keys and refuses what is no count', async () => {
    const fixture = await use();
    await fill(fixture, ['a', 'b']);
    const none = await list(fixture, 'max-keys=0');
    assert.equal(elementText(none.text, 'IsTruncated'), 'false');
    assert.deepEqual(elementTexts(none.text, 'Key'), []);
    const many = await list(fixture, 'max-keys=5000');
    assert.equal(elementText(many.text, 'MaxKeys'), '1000');
    for (const value of ['-1', 'x', '1.5', '', '99999999999']) {
      const reply = await list(fixture, `max-keys=${value}`);
      assert.deepEqual([reply.status, reply.code], [400, 'InvalidArgument'], value);
      assert.equal(elementText(reply.text, 'ArgumentName'), 'max-keys');
    }
  });

  test('L08 E14 ListObjectVersions percent-encodes names when asked to', async () => {
    const fixture = await use();
    await fill(fixture, ['a +\u0001/x', 'a +\u0001/y', 'b&<']);
    const query = 'delimiter=%2F&encoding-type=url&key-marker=a%20&max-keys=1&prefix=a%20';
    const reply = await list(fixture, query);
    assert.equal(elementText(reply.text, 'EncodingType'), 'url');
    assert.equal(elementText(reply.text, 'KeyMarker'), 'a%20');
    assert.deepEqual(elementTexts(reply.text, 'Prefix'), ['a%20', 'a%20%2B%01/']);
    const plain = await list(fixture, 'prefix=b');
    assert.deepEqual(elementTexts(plain.text, 'Key'), ['b&<']);
    const other = await list(fixture, 'encoding-type=xml');
    assert.deepEqual([other.status, other.code], [400, 'InvalidArgument']);
  });

  test('L12 ListObjectVersions is refused to other accounts and for missing buckets', async () => {
    const fixture = await use();
    const { server, bucket, raw } = fixture;
    const request = { method: 'GET', path: `/${bucket}`, query: 'versions' };
    const reply = await rawRequest(server.stranger, request);
    assert.deepEqual([reply.status, reply.code], [403, 'AccessDenied']);
    const missing = await raw({ ...request, path: '/no-such-bucket' });
    assert.deepEqual([missing.status, missing.code], [404, 'NoSuchBucket']);
  });
});

function list({ raw, bucket }: Fixture, query: string) {
  const sorted = [...query.split('&'), 'versions'].sort().join('&');
  return raw({ method: 'GET', path: `/${bucket}`, query: sorted });
}

/** All pages put together the way clients do it; common prefixes in brackets. */
async function walk(
  { client, bucket }: Fixture,
  listing: { readonly Delimiter?: string; readonly Prefix?: string },
  MaxKeys: number,
): Promise<string[]> {
  const names: string[] = [];
  let position: Record<string, string | undefined> = {};
  for (;;) {
    const page: ListObjectVersionsCommandOutput = await client.send(
      new ListObjectVersionsCommand({ Bucket: bucket, ...listing, MaxKeys, ...position }),
    );
    const keys = page.Versions?.map(({ Key = '' }) => ({ name: Key, shown: Key })) ?? [];
    const prefixes = (page.CommonPrefixes ?? []).map(({ Prefix = '' }) => ({
      name: Prefix,
      shown: `(${Prefix})`,
    }));
    const entries = [...keys, ...prefixes].sort((one, other) => (one.name < other.name ? -1 : 1));
    assert(entries.length <= MaxKeys);
    names.push(...entries.map(({ shown }) => shown));
    if (page.IsTruncated !== true) return names;
    assert.equal(page.NextKeyMarker, entries.at(-1)?.name);
    position = { KeyMarker: page.NextKeyMarker, VersionIdMarker: page.NextVersionIdMarker };
  }
}

async function fill(fixture: Fixture, keys: readonly string[]): Promise<void> {
  await Promise.all(keys.map((key) => putObject(fixture, key, key)));
}
