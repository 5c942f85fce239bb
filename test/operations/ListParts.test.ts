// ListParts and ListMultipartUploads over HTTP: pages, markers, order and bad parameters.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';

import {
  AbortMultipartUploadCommand,
  CreateMultipartUploadCommand,
  ListMultipartUploadsCommand,
  ListPartsCommand,
  UploadPartCommand,
  type ListMultipartUploadsCommandOutput,
  type S3Client,
} from '@aws-sdk/client-s3';

import { ownerIdOf } from '#src/s3/owner.js';

import { onEveryBackend, type Fixture } from '../support/operation-suite.js';
import { elementText, elementTexts } from '../support/raw-request.js';

onEveryBackend('ListParts', (use) => {
  test('M12 ListParts shows owner, class, markers and every part', async () => {
    const { client, bucket } = await use();
    const name = { Bucket: bucket, Key: 'a key+' };
    const { UploadId } = await client.send(
      new CreateMultipartUploadCommand({ ...name, StorageClass: 'STANDARD_IA' }),
    );
    const upload = { ...name, UploadId };
    const { ETag } = await client.send(
      new UploadPartCommand({ ...upload, PartNumber: 3, Body: 'three' }),
    );
    const page = await client.send(new ListPartsCommand(upload));
    assert.equal(page.Bucket, bucket);
    assert.equal(page.Key, 'a key+');
    assert.equal(page.UploadId, UploadId);
    assert.equal(page.MaxParts, 1000);
    assert.equal(page.IsTruncated, false);
    assert.equal(page.PartNumberMarker, '0');
    assert.equal(page.NextPartNumberMarker, '3');
    assert.equal(page.StorageClass, 'STANDARD_IA');
    assert.deepEqual(page.Owner, { ID: ownerIdOf('main') });
    assert.deepEqual(page.Initiator, { ID: ownerIdOf('main') });
    assert.equal(page.ChecksumAlgorithm, undefined);
    const [part] = page.Parts ?? [];
    assert.deepEqual([part?.PartNumber, part?.Size, part?.ETag], [3, 5, ETag]);
    assert.equal(part?.LastModified?.getMilliseconds(), 0);
  });

  test('M12 ListParts pages through parts in the order of their numbers', async () => {
    const { client, bucket } = await use();
    const upload = await begin(client, bucket, 'key');
    const numbers = [300, 2, 10_000, 7, 1, 256];
    for (const PartNumber of numbers) {
      await client.send(new UploadPartCommand({ ...upload, PartNumber, Body: 'x' }));
    }
    const ordered = [...numbers].sort((one, other) => one - other);
    for (let countMax = 1; countMax <= numbers.length; countMax += 1) {
      const seen: (number | undefined)[] = [];
      let marker: string | undefined;
      for (;;) {
        const page = await client.send(
          new ListPartsCommand({ ...upload, MaxParts: countMax, PartNumberMarker: marker }),
        );
        const found = page.Parts?.map(({ PartNumber }) => PartNumber) ?? [];
        assert(found.length <= countMax);
        seen.push(...found);
        assert.equal(page.NextPartNumberMarker, String(found.at(-1)));
        assert.equal(page.PartNumberMarker, marker ?? '0');
        if (page.IsTruncated !== true) break;
        marker = page.NextPartNumberMarker;
      }
      assert.deepEqual(seen, ordered, `by ${countMax}`);
    }
  });

  test('M12 ListParts takes an empty, zero or distant marker', async () => {
    const { client, bucket, raw } = await use();
    const { UploadId } = await begin(client, bucket, 'key');
    const upload = { Bucket: bucket, Key: 'key', UploadId };
    await client.send(new UploadPartCommand({ ...upload, PartNumber: 10_000, Body: 'x' }));
    for (const [marker, numbers] of [
      ['', ['10000']],
      ['0', ['10000']],
      ['9999', ['10000']],
      ['10000', []],
      ['65535', []],
      ['2147483647', []],
    ] as const) {
      const query = `part-number-marker=${marker}&uploadId=${UploadId}`;
      const reply = await raw({ method: 'GET', path: `/${bucket}/key`, query });
      assert.equal(reply.status, 200, reply.text);
      assert.deepEqual(elementTexts(reply.text, 'PartNumber'), numbers, marker);
    }
  });

  test('BI-190 ListParts refuses counts and markers that are no numbers', async () => {
    const { client, bucket, raw } = await use();
    const { UploadId } = await begin(client, bucket, 'key');
    for (const parameter of ['max-parts', 'part-number-marker']) {
      for (const value of ['-1', 'x', '1.5', '99999999999']) {
        const query = `${parameter}=${value}&uploadId=${UploadId}`;
        const reply = await raw({ method: 'GET', path: `/${bucket}/key`, query });
        assert.deepEqual([reply.status, reply.code], [400, 'InvalidArgument'], query);
        assert.equal(elementText(reply.text, 'ArgumentName'), parameter);
      }
    }
    const capped = `max-parts=5000&uploadId=${UploadId}`;
    const reply = await raw({ method: 'GET', path: `/${bucket}/key`, query: capped });
    assert.equal(elementText(reply.text, 'MaxParts'), '1000');
  });
});

onEveryBackend('ListMultipartUploads', (use) => {
  test('M13 ListMultipartUploads sorts by key, then by initiation', async () => {
    const { client, bucket } = await use();
    const made: string[] = [];
    for (const key of ['b', 'a', 'a/b', 'b', 'é', 'a']) {
      const { UploadId } = await begin(client, bucket, key);
      made.push(`${key} ${UploadId}`);
      // Ids of one millisecond have no order among themselves.
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    const page = await client.send(new ListMultipartUploadsCommand({ Bucket: bucket }));
    const ordered = [1, 5, 2, 0, 3, 4].map((index) => made[index]);
    assert.deepEqual(entriesOf(page), ordered);
    assert.equal(page.IsTruncated, false);
    const [first] = page.Uploads ?? [];
    assert.deepEqual(first?.Owner, { ID: ownerIdOf('main') });
    assert.deepEqual(first.Initiator, { ID: ownerIdOf('main') });
    assert.equal(first.StorageClass, 'STANDARD');
    assert(Math.abs((first.Initiated?.getTime() ?? 0) - Date.now()) < 60_000);
  });

  test('M13 ListMultipartUploads shows markers also when they are empty', async () => {
    const { bucket, raw } = await use();
    const { text } = await raw({ method: 'GET', path: `/${bucket}`, query: 'uploads=' });
    for (const name of [
      'KeyMarker',
      'UploadIdMarker',
      'NextKeyMarker',
      'NextUploadIdMarker',
      'Prefix',
    ]) {
      assert.equal(elementText(text, name), '', name);
    }
    assert.equal(elementText(text, 'MaxUploads'), '1000');
    assert.equal(elementText(text, 'Bucket'), bucket);
  });

  test('M13 pages of every size put together are the whole listing', async () => {
    const fixture = await use();
    const { client, bucket } = fixture;
    for (const key of ['a', 'a', 'a', 'a/1', 'a/2', 'b/x/1', 'b/y', 'b/y', 'c', 'd/1']) {
      await begin(client, bucket, key);
    }
    for (const parameters of [
      {},
      { Delimiter: '/' },
      { Delimiter: '/', Prefix: 'b/' },
      { Delimiter: '/', Prefix: 'a' },
      { Prefix: 'a' },
    ]) {
      const whole = await walk(fixture, parameters, 1000);
      assert(whole.length >= 3);
      for (let countMax = 1; countMax <= whole.length; countMax += 1) {
        const what = `${JSON.stringify(parameters)} by ${countMax}`;
        assert.deepEqual(await walk(fixture, parameters, countMax), whole, what);
      }
    }
    const grouped = await walk(fixture, { Delimiter: '/' }, 1000);
    const keys = grouped.map((entry) => entry.split(' ')[0]);
    assert.deepEqual(keys, ['a', 'a', 'a', 'c', '(a/)', '(b/)', '(d/)']);
  });

  test('M13 upload-id-marker is ignored without key-marker', async () => {
    const { client, bucket, raw } = await use();
    const { UploadId } = await begin(client, bucket, 'a');
    for (const marker of [UploadId, 'garbage']) {
      const query = `upload-id-marker=${marker}&uploads=`;
      const reply = await raw({ method: 'GET', path: `/${bucket}`, query });
      assert.deepEqual(elementTexts(reply.text, 'UploadId'), [UploadId]);
    }
  });

  test('M13 a key-marker without upload-id-marker skips every upload of the key', async () => {
    const { client, bucket } = await use();
    for (const key of ['a', 'a', 'a!', 'b']) await begin(client, bucket, key);
    const page = await client.send(
      new ListMultipartUploadsCommand({ Bucket: bucket, KeyMarker: 'a' }),
    );
    assert.deepEqual(
      page.Uploads?.map(({ Key }) => Key),
      ['a!', 'b'],
    );
    assert.equal(page.KeyMarker, 'a');
  });

  test('M13 a key-marker inside a common prefix still shows the prefix', async () => {
    const { client, bucket } = await use();
    for (const key of ['a/1', 'a/2', 'b']) await begin(client, bucket, key);
    const list = (KeyMarker: string) =>
      client.send(new ListMultipartUploadsCommand({ Bucket: bucket, Delimiter: '/', KeyMarker }));
    const inside = await list('a/1');
    assert.deepEqual(inside.CommonPrefixes, [{ Prefix: 'a/' }]);
    const after = await list('a/');
    assert.equal(after.CommonPrefixes, undefined);
    assert.deepEqual(
      after.Uploads?.map(({ Key }) => Key),
      ['b'],
    );
  });

  test('M13 a position survives the abortion of the upload it points at', async () => {
    const { client, bucket } = await use();
    for (const key of ['a', 'b', 'c']) await begin(client, bucket, key);
    const first = await client.send(
      new ListMultipartUploadsCommand({ Bucket: bucket, MaxUploads: 2 }),
    );
    const last = first.Uploads?.at(-1);
    await client.send(
      new AbortMultipartUploadCommand({ Bucket: bucket, Key: last?.Key, UploadId: last?.UploadId }),
    );
    const second = await client.send(
      new ListMultipartUploadsCommand({
        Bucket: bucket,
        KeyMarker: first.NextKeyMarker,
        UploadIdMarker: first.NextUploadIdMarker,
      }),
    );
    assert.deepEqual(
      second.Uploads?.map(({ Key }) => Key),
      ['c'],
    );
  });

  test('L08 encoding-type=url encodes keys, prefixes and markers', async () => {
    const { client, bucket, raw } = await use();
    await begin(client, bucket, 'p q/a+b');
    await begin(client, bucket, 'p q/z d/1');
    const query =
      'delimiter=%2F&encoding-type=url&key-marker=p%20q%2FA&max-uploads=1&prefix=p%20q%2F&uploads=';
    const { text } = await raw({ method: 'GET', path: `/${bucket}`, query });
    assert.deepEqual(elementTexts(text, 'Key'), ['p%20q/a%2Bb']);
    assert.equal(elementText(text, 'KeyMarker'), 'p%20q/A');
    assert.equal(elementText(text, 'NextKeyMarker'), 'p%20q/a%2Bb');
    assert.equal(elementText(text, 'Prefix'), 'p%20q/');
    assert.equal(elementText(text, 'EncodingType'), 'url');
    const next = query.replace('key-marker=p%20q%2FA', 'key-marker=p%20q%2Fb');
    const second = await raw({ method: 'GET', path: `/${bucket}`, query: next });
    assert.deepEqual(elementTexts(second.text, 'Prefix'), ['p%20q/', 'p%20q/z%20d/']);
  });

  test('BI-190 BI-191 BI-192 bad parameters are InvalidArgument', async () => {
    const { bucket, raw } = await use();
    for (const [parameters, argument] of [
      ['max-uploads=-1', 'max-uploads'],
      ['max-uploads=x', 'max-uploads'],
      ['encoding-type=hex', 'encoding-type'],
      ['key-marker=a&upload-id-marker=garbage', 'upload-id-marker'],
      [`key-marker=a&upload-id-marker=${'x'.repeat(3000)}`, 'upload-id-marker'],
    ] as const) {
      const query = `${parameters}&uploads=`;
      const reply = await raw({ method: 'GET', path: `/${bucket}`, query });
      assert.deepEqual([reply.status, reply.code], [400, 'InvalidArgument'], parameters);
      assert.equal(elementText(reply.text, 'ArgumentName'), argument);
    }
  });

  test('ListMultipartUploads answers names longer than any key with an empty page', async () => {
    const { client, bucket, raw } = await use();
    await begin(client, bucket, 'a');
    const long = 'b'.repeat(3000);
    for (const parameter of ['prefix', 'key-marker']) {
      const query = `${parameter}=${long}&uploads=`;
      const reply = await raw({ method: 'GET', path: `/${bucket}`, query });
      assert.equal(reply.status, 200, reply.text.slice(0, 300));
      assert.deepEqual(elementTexts(reply.text, 'Key'), []);
    }
  });

  test('BI-188 uploads with a key on GET is refused', async () => {
    const { client, bucket, raw } = await use();
    await begin(client, bucket, randomUUID());
    const reply = await raw({ method: 'GET', path: `/${bucket}/key`, query: 'uploads=' });
    assert.deepEqual([reply.status, reply.code], [400, 'InvalidRequest']);
  });
});

async function begin(client: S3Client, bucket: string, key: string) {
  const name = { Bucket: bucket, Key: key };
  const { UploadId = '' } = await client.send(new CreateMultipartUploadCommand(name));
  return { ...name, UploadId };
}

/** Uploads and, in brackets, common prefixes, as clients put pages together. */
async function walk(
  { client, bucket }: Fixture,
  parameters: { readonly Prefix?: string; readonly Delimiter?: string },
  countMax: number,
): Promise<string[]> {
  const uploads: string[] = [];
  const prefixes: string[] = [];
  let markers = {};
  for (;;) {
    const page: ListMultipartUploadsCommandOutput = await client.send(
      new ListMultipartUploadsCommand({
        Bucket: bucket,
        MaxUploads: countMax,
        ...parameters,
        ...markers,
      }),
    );
    const found = entriesOf(page);
    const grouped = page.CommonPrefixes?.map(({ Prefix }) => `(${Prefix})`) ?? [];
    assert(found.length + grouped.length <= countMax);
    uploads.push(...found);
    prefixes.push(...grouped);
    if (page.IsTruncated !== true) return [...uploads, ...prefixes];
    markers = { KeyMarker: page.NextKeyMarker, UploadIdMarker: page.NextUploadIdMarker };
  }
}

function entriesOf(page: ListMultipartUploadsCommandOutput): string[] {
  return page.Uploads?.map(({ Key, UploadId }) => `${Key} ${UploadId}`) ?? [];
}
