// ListObjects and ListObjectsV2 over HTTP: order, pages, prefixes, encodings and bad parameters.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import {
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  ListObjectsCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  UploadPartCommand,
  type ListObjectsV2CommandOutput,
  type S3Client,
} from '@aws-sdk/client-s3';

import { ownerIdOf } from '#src/s3/owner.js';

import { onEveryBackend, type Fixture } from '../support/operation-suite.js';
import { elementText, elementTexts } from '../support/raw-request.js';

const VERSIONS = ['', '&list-type=2'] as const;
const TREE = ['a', 'a/', 'a/1', 'a/2', 'b', 'b/x/1', 'b/x/2', 'b/y', 'c', 'c!d', 'd/1'] as const;

onEveryBackend('ListObjects', (use) => {
  test('L01 ListObjects lists in UTF-8 byte order', async () => {
    const { client, bucket } = await use();
    // In UTF-16 order the emoji (D83D...) would come before U+FF5E.
    const keys = ['Z', 'a', 'a!', 'a/', 'a0', 'b', 'é', 'e\u0301', '\uff5e', '😀', '\u{10ffff}'];
    await fill(client, bucket, keys);
    const ordered = [...keys].sort((one, other) =>
      Buffer.compare(Buffer.from(one), Buffer.from(other)),
    );
    const { Contents: first } = await client.send(new ListObjectsCommand({ Bucket: bucket }));
    const { Contents: second } = await client.send(new ListObjectsV2Command({ Bucket: bucket }));
    assert.deepEqual(
      first?.map(({ Key }) => Key),
      ordered,
    );
    assert.deepEqual(
      second?.map(({ Key }) => Key),
      ordered,
    );
  });

  test('L02 ListObjectsV2 counts keys and common prefixes together', async () => {
    const { client, bucket } = await use();
    await fill(client, bucket, TREE);
    const page = await client.send(
      new ListObjectsV2Command({ Bucket: bucket, Delimiter: '/', MaxKeys: 3 }),
    );
    assert.deepEqual(namesOf(page), { keys: ['a', 'b'], prefixes: ['a/'] });
    assert.equal(page.KeyCount, 3);
    assert.equal(page.IsTruncated, true);
  });

  test('L02 L05 pages of every size put together are the whole listing, in both versions', async () => {
    const fixture = await use();
    await fill(fixture.client, fixture.bucket, TREE);
    for (const parameters of [
      {},
      { delimiter: '/' },
      { delimiter: '/', prefix: 'b/' },
      { delimiter: '/', prefix: 'a' },
      { prefix: 'b/x/' },
      { delimiter: '!' },
    ]) {
      const whole = expected(TREE, parameters);
      for (let countMax = 1; countMax <= whole.length + 1; countMax += 1) {
        const what = `${JSON.stringify(parameters)} by ${countMax}`;
        assert.deepEqual(await walk(fixture, '', parameters, countMax), whole, `v1 ${what}`);
        assert.deepEqual(await walk(fixture, '2', parameters, countMax), whole, `v2 ${what}`);
      }
    }
  });

  test('L03 ListObjectsV2 lets the token win over start-after and echoes both', async () => {
    const { client, bucket } = await use();
    await fill(client, bucket, ['a', 'b', 'c', 'd']);
    const first = await client.send(
      new ListObjectsV2Command({ Bucket: bucket, StartAfter: 'a', MaxKeys: 1 }),
    );
    assert.deepEqual(namesOf(first).keys, ['b']);
    assert.equal(first.StartAfter, 'a');
    const second = await client.send(
      new ListObjectsV2Command({
        Bucket: bucket,
        StartAfter: 'c',
        ContinuationToken: first.NextContinuationToken,
      }),
    );
    assert.deepEqual(namesOf(second).keys, ['c', 'd']);
    assert.equal(second.ContinuationToken, first.NextContinuationToken);
    assert.equal(second.StartAfter, 'c');
    assert.equal(second.NextContinuationToken, undefined);
  });

  test('L03 ListObjectsV2 starts after a key that does not exist', async () => {
    const { client, bucket } = await use();
    await fill(client, bucket, ['a', 'b', 'd']);
    const page = await client.send(new ListObjectsV2Command({ Bucket: bucket, StartAfter: 'c' }));
    assert.deepEqual(namesOf(page).keys, ['d']);
  });

  test('L03 a token survives the deletion of the key it points at', async () => {
    const { client, bucket } = await use();
    await fill(client, bucket, ['a', 'b', 'c']);
    const first = await client.send(new ListObjectsV2Command({ Bucket: bucket, MaxKeys: 2 }));
    await client.send(new DeleteObjectCommand({ Bucket: bucket, Key: 'b' }));
    const second = await client.send(
      new ListObjectsV2Command({ Bucket: bucket, ContinuationToken: first.NextContinuationToken }),
    );
    assert.deepEqual(namesOf(second).keys, ['c']);
  });

  test('L03 BI-192 a token that is none is InvalidArgument', async () => {
    const { bucket, raw } = await use();
    for (const token of ['', 'garbage', 'AAAA', 'AQ%3D%3D', 'x'.repeat(3000)]) {
      const query = `continuation-token=${token}&list-type=2`;
      const reply = await raw({ method: 'GET', path: `/${bucket}`, query });
      assert.deepEqual([reply.status, reply.code], [400, 'InvalidArgument'], token);
      assert.equal(elementText(reply.text, 'ArgumentName'), 'continuation-token');
    }
  });

  test('L04 BI-189 max-keys is capped at 1000, may be 0 and must be a number', async () => {
    const { client, bucket, raw } = await use();
    await fill(client, bucket, ['a', 'b']);
    for (const version of VERSIONS) {
      const list = (maxKeys: string) =>
        raw({ method: 'GET', path: `/${bucket}`, query: `max-keys=${maxKeys}${version}` });
      const capped = (await list('1001')).text;
      assert.equal(elementText(capped, 'MaxKeys'), '1000');
      assert.deepEqual(elementTexts(capped, 'Key'), ['a', 'b']);
      const none = (await list('0')).text;
      assert.equal(elementText(none, 'MaxKeys'), '0');
      assert.equal(elementText(none, 'IsTruncated'), 'false');
      assert.deepEqual(elementTexts(none, 'Key'), []);
      for (const bad of ['-1', 'many', '1.5', '2147483648', '99999999999999999999', '+1', '']) {
        const reply = await list(encodeURIComponent(bad));
        assert.deepEqual([reply.status, reply.code], [400, 'InvalidArgument'], `max-keys ${bad}`);
        assert.equal(elementText(reply.text, 'ArgumentName'), 'max-keys');
      }
    }
  });

  test('L04 a page of exactly all keys is not truncated', async () => {
    const { client, bucket } = await use();
    await fill(client, bucket, ['a', 'b/1', 'b/2']);
    const command = { Bucket: bucket, MaxKeys: 2, Delimiter: '/' };
    const page = await client.send(new ListObjectsV2Command(command));
    assert.equal(page.IsTruncated, false);
    assert.equal(page.NextContinuationToken, undefined);
  });

  test('L05 ListObjects gives NextMarker only with a delimiter and always echoes Marker', async () => {
    const { client, bucket } = await use();
    await fill(client, bucket, ['a', 'b', 'c']);
    const list = (more: object) =>
      client.send(new ListObjectsCommand({ Bucket: bucket, MaxKeys: 1, ...more }));
    const plain = await list({});
    assert.equal(plain.IsTruncated, true);
    assert.equal(plain.NextMarker, undefined);
    assert.equal(plain.Marker, '');
    const grouped = await list({ Delimiter: '/', Marker: 'a' });
    assert.equal(grouped.NextMarker, 'b');
    assert.equal(grouped.Marker, 'a');
    const last = await list({ Delimiter: '/', Marker: 'b' });
    assert.equal(last.IsTruncated, false);
    assert.equal(last.NextMarker, undefined);
  });

  test('L05 ListObjects after a common prefix skips the whole prefix', async () => {
    const { client, bucket } = await use();
    await fill(client, bucket, ['a', 'b/1', 'b/2', 'c']);
    const first = await client.send(
      new ListObjectsCommand({ Bucket: bucket, Delimiter: '/', MaxKeys: 2 }),
    );
    assert.equal(first.NextMarker, 'b/');
    const second = await client.send(
      new ListObjectsCommand({ Bucket: bucket, Delimiter: '/', Marker: first.NextMarker }),
    );
    assert.deepEqual(
      second.Contents?.map(({ Key }) => Key),
      ['c'],
    );
    assert.equal(second.CommonPrefixes, undefined);
  });

  test('L05 ListObjects after a key inside a common prefix still shows the prefix', async () => {
    const { client, bucket } = await use();
    await fill(client, bucket, ['a', 'b/1', 'b/2', 'c']);
    const page = await client.send(
      new ListObjectsCommand({ Bucket: bucket, Delimiter: '/', Marker: 'b/1' }),
    );
    assert.deepEqual(page.CommonPrefixes, [{ Prefix: 'b/' }]);
    assert.deepEqual(
      page.Contents?.map(({ Key }) => Key),
      ['c'],
    );
  });

  test('L05 a marker that ends in the delimiter is a key when nothing is grouped', async () => {
    const { client, bucket } = await use();
    await fill(client, bucket, ['b/', 'b/1', 'b/2']);
    const flat = await client.send(new ListObjectsCommand({ Bucket: bucket, Marker: 'b/' }));
    assert.deepEqual(
      flat.Contents?.map(({ Key }) => Key),
      ['b/1', 'b/2'],
    );
    const inside = await client.send(
      new ListObjectsCommand({ Bucket: bucket, Marker: 'b/', Prefix: 'b/', Delimiter: '/' }),
    );
    assert.deepEqual(
      inside.Contents?.map(({ Key }) => Key),
      ['b/1', 'b/2'],
    );
  });

  test('L06 ListObjects always shows the owner, ListObjectsV2 only on demand', async () => {
    const { client, bucket } = await use();
    await fill(client, bucket, ['a']);
    const owner = { ID: ownerIdOf('main') };
    const first = await client.send(new ListObjectsCommand({ Bucket: bucket }));
    assert.deepEqual(first.Contents?.[0]?.Owner, owner);
    const second = await client.send(new ListObjectsV2Command({ Bucket: bucket }));
    assert.equal(second.Contents?.[0]?.Owner, undefined);
    const asked = await client.send(new ListObjectsV2Command({ Bucket: bucket, FetchOwner: true }));
    assert.deepEqual(asked.Contents?.[0]?.Owner, owner);
  });

  test('L07 entries carry checksum, class, size and a date of whole seconds', async () => {
    const { client, bucket, raw } = await use();
    const put = { Bucket: bucket, Key: 'a', Body: 'hello', StorageClass: 'STANDARD_IA' as const };
    const { ETag: etag } = await client.send(
      new PutObjectCommand({ ...put, ChecksumAlgorithm: 'SHA256' }),
    );
    for (const version of VERSIONS) {
      const { text } = await raw({ method: 'GET', path: `/${bucket}`, query: version.slice(1) });
      assert.equal(elementText(text, 'ChecksumAlgorithm'), 'SHA256');
      assert.equal(elementText(text, 'ChecksumType'), 'FULL_OBJECT');
      assert.equal(elementText(text, 'StorageClass'), 'STANDARD_IA');
      assert.equal(elementText(text, 'Size'), '5');
      assert.equal(elementText(text, 'ETag'), etag);
      assert.match(elementText(text, 'LastModified') ?? '', /^[\d-]{10}T[\d:]{8}\.000Z$/);
    }
  });

  test('L07 a multipart object shows its composite checksum and the class STANDARD', async () => {
    const { client, bucket } = await use();
    const name = { Bucket: bucket, Key: 'parts' };
    const { UploadId } = await client.send(
      new CreateMultipartUploadCommand({ ...name, ChecksumAlgorithm: 'SHA1' }),
    );
    const part = await client.send(
      new UploadPartCommand({
        ...name,
        UploadId,
        PartNumber: 1,
        Body: 'x',
        ChecksumAlgorithm: 'SHA1',
      }),
    );
    const { ETag, ChecksumSHA1 } = part;
    const MultipartUpload = { Parts: [{ PartNumber: 1, ETag, ChecksumSHA1 }] };
    await client.send(new CompleteMultipartUploadCommand({ ...name, UploadId, MultipartUpload }));
    const { Contents: contents } = await client.send(new ListObjectsV2Command({ Bucket: bucket }));
    assert.deepEqual(contents?.[0]?.ChecksumAlgorithm, ['SHA1']);
    assert.equal(contents[0].ChecksumType, 'COMPOSITE');
    assert.equal(contents[0].StorageClass, 'STANDARD');
    assert.match(contents[0].ETag ?? '', /-1"$/);
  });

  test('L08 L09 encoding-type=url encodes names and nothing else', async () => {
    const { client, bucket, raw } = await use();
    await fill(client, bucket, ['p q/+a b', 'p q/sub dir/1', 'p q/z&<é']);
    const common = 'delimiter=%2F&encoding-type=url';
    const first = await raw({
      method: 'GET',
      path: `/${bucket}`,
      query: `${common}&marker=p%20q%2F%2B&max-keys=2&prefix=p%20q%2F`,
    });
    assert.deepEqual(elementTexts(first.text, 'Key'), ['p%20q/%2Ba%20b']);
    assert.deepEqual(elementTexts(first.text, 'Prefix'), ['p%20q/', 'p%20q/sub%20dir/']);
    assert.equal(elementText(first.text, 'Marker'), 'p%20q/%2B');
    assert.equal(elementText(first.text, 'NextMarker'), 'p%20q/sub%20dir/');
    assert.equal(elementText(first.text, 'Delimiter'), '/');
    assert.equal(elementText(first.text, 'EncodingType'), 'url');
    const second = await raw({
      method: 'GET',
      path: `/${bucket}`,
      query: `${common}&list-type=2&max-keys=2&start-after=p%20q`,
    });
    assert.equal(elementText(second.text, 'StartAfter'), 'p%20q');
    const last = await raw({
      method: 'GET',
      path: `/${bucket}`,
      query: 'encoding-type=url&list-type=2&start-after=p%20q%2Ft',
    });
    assert.deepEqual(elementTexts(last.text, 'Key'), ['p%20q/z%26%3C%C3%A9']);
  });

  test('L08 encoding-type=url encodes the delimiter, and no token', async () => {
    const { client, bucket, raw } = await use();
    await fill(client, bucket, ['a/1 x', 'a/1 y', 'a/2', 'a/3']);
    const path = `/${bucket}`;
    const query = 'delimiter=%20&list-type=2&max-keys=1';
    const plain = await raw({ method: 'GET', path, query });
    const token = elementText(plain.text, 'NextContinuationToken') ?? '';
    const encoded = query.replace('&list', '&encoding-type=url&list');
    const first = await raw({ method: 'GET', path, query: encoded });
    assert.equal(elementText(first.text, 'Delimiter'), '%20');
    assert.deepEqual(elementTexts(first.text, 'Prefix'), ['', 'a/1%20']);
    assert.equal(elementText(first.text, 'NextContinuationToken'), token);
    const next = `continuation-token=${encodeURIComponent(token)}&${encoded}`;
    const second = await raw({ method: 'GET', path, query: next });
    assert.equal(elementText(second.text, 'ContinuationToken'), token);
    assert.deepEqual(elementTexts(second.text, 'Key'), ['a/2']);
  });

  test('L08 BI-191 any other encoding-type is InvalidArgument', async () => {
    const { bucket, raw } = await use();
    for (const version of VERSIONS) {
      for (const value of ['', 'base64', 'URL']) {
        const query = `encoding-type=${value}${version}`;
        const reply = await raw({ method: 'GET', path: `/${bucket}`, query });
        assert.deepEqual([reply.status, reply.code], [400, 'InvalidArgument'], value);
        assert.equal(elementText(reply.text, 'ArgumentName'), 'encoding-type');
      }
    }
  });

  test('L10 an empty Prefix is shown, an empty Delimiter is not', async () => {
    const { bucket, raw } = await use();
    for (const version of VERSIONS) {
      const query = `delimiter=${version}`;
      const { text } = await raw({ method: 'GET', path: `/${bucket}`, query });
      assert.equal(elementText(text, 'Prefix'), '');
      assert.equal(elementText(text, 'Delimiter'), undefined);
      assert.equal(elementText(text, 'Name'), bucket);
    }
  });

  test('L11 delimiters of any text work, also when the prefix ends inside one', async () => {
    const fixture = await use();
    const keys = ['a--b--c', 'a--d', 'a-', 'a-b', 'x😀y', 'x😀z', 'per%cent', 'per%cen'];
    await fill(fixture.client, fixture.bucket, keys);
    for (const parameters of [
      { delimiter: '--' },
      { delimiter: '--', prefix: 'a-' },
      { delimiter: '--', prefix: 'a--' },
      { delimiter: '😀' },
      { delimiter: '%' },
      { delimiter: 'absent' },
    ]) {
      const whole = expected(keys, parameters);
      assert.deepEqual(await walk(fixture, '2', parameters, 1), whole, parameters.delimiter);
      assert.deepEqual(await walk(fixture, '', parameters, 1), whole, parameters.delimiter);
    }
  });

  test('E14 keys that XML cannot hold are exact with encoding-type=url and never break XML', async () => {
    const { client, bucket, raw } = await use();
    const keys = ['bell\u0007', 'cr\rlf\n', 'tab\t', '\uffff', '<a>&"', ']]>'];
    await fill(client, bucket, keys);
    const exact = await raw({ method: 'GET', path: `/${bucket}`, query: 'encoding-type=url' });
    const decoded = elementTexts(exact.text, 'Key').map((key) => decodeURIComponent(key));
    assert.deepEqual(new Set(decoded), new Set(keys));
    const plain = await raw({ method: 'GET', path: `/${bucket}` });
    assert.doesNotMatch(plain.text, /[\0-\u0008\u000b\u000c\u000e-\u001f\uffff]/);
    assert.equal(elementTexts(plain.text, 'Key').length, keys.length);
  });

  test('L16 x-amz-optional-object-attributes is accepted', async () => {
    const { client, bucket } = await use();
    await fill(client, bucket, ['a']);
    const page = await client.send(
      new ListObjectsV2Command({ Bucket: bucket, OptionalObjectAttributes: ['RestoreStatus'] }),
    );
    assert.deepEqual(namesOf(page).keys, ['a']);
  });

  test('E09 a missing bucket is NoSuchBucket', async () => {
    const { bucket, raw } = await use();
    for (const version of VERSIONS) {
      const path = `/${bucket}-absent`;
      const reply = await raw({ method: 'GET', path, query: version.slice(1) });
      assert.deepEqual([reply.status, reply.code], [404, 'NoSuchBucket']);
      assert.equal(elementText(reply.text, 'BucketName'), `${bucket}-absent`);
    }
  });

  test('ListObjects answers names longer than any key with an empty page', async () => {
    const { client, bucket, raw } = await use();
    await fill(client, bucket, ['a', 'z']);
    const long = 'b'.repeat(3000);
    for (const [query, keys] of [
      [`prefix=${long}`, []],
      [`marker=${long}`, ['z']],
      [`list-type=2&start-after=${long}`, ['z']],
      [`delimiter=${long}`, ['a', 'z']],
    ] as const) {
      const sorted = query.split('&').sort().join('&');
      const reply = await raw({ method: 'GET', path: `/${bucket}`, query: sorted });
      assert.equal(reply.status, 200, reply.text.slice(0, 300));
      assert.deepEqual(elementTexts(reply.text, 'Key'), keys, query.slice(0, 20));
    }
  });

  test('L15 a listing under concurrent writes never repeats or skips a key that stays', async () => {
    const { client, bucket } = await use();
    const stay = Array.from({ length: 60 }, (_, index) => `key-${String(index).padStart(3, '0')}`);
    await fill(client, bucket, stay);
    const listing = new AbortController();
    const churn = (async () => {
      for (let round = 0; !listing.signal.aborted; round += 1) {
        const key = `key-${String(round % 60).padStart(3, '0')}-extra`;
        await client.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: 'x' }));
        await client.send(new DeleteObjectCommand({ Bucket: bucket, Key: key }));
      }
    })();
    for (let round = 0; round < 5; round += 1) {
      const seen: string[] = [];
      let token: string | undefined;
      do {
        const page: ListObjectsV2CommandOutput = await client.send(
          new ListObjectsV2Command({ Bucket: bucket, MaxKeys: 7, ContinuationToken: token }),
        );
        seen.push(...namesOf(page).keys.filter((key) => !key.endsWith('-extra')));
        token = page.NextContinuationToken;
      } while (token !== undefined);
      assert.deepEqual(seen, stay);
    }
    listing.abort();
    await churn;
  });
});

interface Parameters {
  readonly prefix?: string;
  readonly delimiter?: string;
}

/** What a listing should be: keys and, in brackets, common prefixes. */
function expected(keys: readonly string[], { prefix = '', delimiter = '' }: Parameters): string[] {
  const names = new Set<string>();
  for (const key of keys) {
    if (!key.startsWith(prefix)) continue;
    const index = delimiter === '' ? -1 : key.indexOf(delimiter, prefix.length);
    names.add(index < 0 ? key : `(${key.slice(0, index + delimiter.length)})`);
  }
  const bytesOf = (name: string) => Buffer.from(name.replace(/^\((.*)\)$/s, '$1'));
  return [...names].sort((one, other) => Buffer.compare(bytesOf(one), bytesOf(other)));
}

/** All pages of a listing put together the way clients do it. */
async function walk(
  { client, bucket }: Fixture,
  version: '' | '2',
  { prefix, delimiter }: Parameters,
  countMax: number,
): Promise<string[]> {
  const names: string[] = [];
  const input = { Bucket: bucket, Prefix: prefix, Delimiter: delimiter, MaxKeys: countMax };
  let position: string | undefined;
  for (;;) {
    const page =
      version === '2'
        ? await client.send(new ListObjectsV2Command({ ...input, ContinuationToken: position }))
        : await client.send(new ListObjectsCommand({ ...input, Marker: position }));
    const keys = page.Contents?.map(({ Key = '' }) => Key) ?? [];
    const prefixes = page.CommonPrefixes?.map(({ Prefix = '' }) => Prefix) ?? [];
    assert(keys.length + prefixes.length <= countMax);
    const bytesOf = (name: string) => Buffer.from(name);
    const entries = [...keys, ...prefixes].sort((one, other) =>
      Buffer.compare(bytesOf(one), bytesOf(other)),
    );
    names.push(...entries.map((name) => (prefixes.includes(name) ? `(${name})` : name)));
    if (page.IsTruncated !== true) return names;
    assert(entries.length > 0, 'a truncated page is not empty');
    position =
      'NextContinuationToken' in page
        ? page.NextContinuationToken
        : ((page as { NextMarker?: string }).NextMarker ?? keys.at(-1));
    assert(position !== undefined, 'a truncated page says where to go on');
  }
}

function namesOf(page: ListObjectsV2CommandOutput): { keys: string[]; prefixes: string[] } {
  return {
    keys: page.Contents?.map(({ Key = '' }) => Key) ?? [],
    prefixes: page.CommonPrefixes?.map(({ Prefix = '' }) => Prefix) ?? [],
  };
}

async function fill(client: S3Client, bucket: string, keys: readonly string[]): Promise<void> {
  await Promise.all(
    keys.map((key) => client.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: key }))),
  );
}
