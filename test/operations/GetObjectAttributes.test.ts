// GetObjectAttributes over HTTP: each attribute, pages of parts, and requests that ask for none.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';

import {
  GetObjectAttributesCommand,
  HeadObjectCommand,
  type GetObjectAttributesCommandInput,
  type ObjectAttributes,
} from '@aws-sdk/client-s3';

import { checksumOf } from '#src/s3/checksums.js';

import { BODIES, putObject, uploadInParts } from '../support/objects.js';
import { onEveryBackend, refusal, type Fixture } from '../support/operation-suite.js';
import { elementText, rawRequest } from '../support/raw-request.js';

const ALL = ['ETag', 'Checksum', 'ObjectParts', 'StorageClass', 'ObjectSize'] as const;
const PARTS = ['one', 'two and', 'three', 'four', 'five!'].map((text) => Buffer.from(text));

onEveryBackend(
  'GetObjectAttributes',
  (use) => {
    for (const [placement, body] of BODIES) {
      test(`G23 E16 GetObjectAttributes tells all of ${placement} bytes, the ETag without quotes`, async () => {
        const fixture = await use();
        await putObject(fixture, 'key', body, { ChecksumAlgorithm: 'SHA256' });
        const found = await attributesOf(fixture, ALL);
        assert.equal(found.ETag, createHash('md5').update(body).digest('hex'));
        assert.deepEqual(found.Checksum, {
          ChecksumSHA256: checksumOf('SHA256', body),
          ChecksumType: 'FULL_OBJECT',
        });
        assert.equal(found.StorageClass, 'STANDARD');
        assert.equal(found.ObjectSize, body.byteLength);
        assert.equal(found.ObjectParts, undefined);
        const head = await fixture.client.send(
          new HeadObjectCommand({ Bucket: fixture.bucket, Key: 'key' }),
        );
        assert.deepEqual(found.LastModified, head.LastModified);
        assert.equal(found.VersionId, undefined);
      });
    }

    test('G23 GetObjectAttributes tells what was asked for and nothing else', async () => {
      const fixture = await use();
      await putObject(fixture, 'key', 'bytes', { StorageClass: 'GLACIER' });
      for (const name of ALL) {
        const { text } = await rawAttributes(fixture, { 'x-amz-object-attributes': name });
        const told = ALL.filter((other) => text.includes(`<${other}>`));
        assert.deepEqual(told, name === 'ObjectParts' ? [] : [name]);
      }
      const { StorageClass, ETag } = await attributesOf(fixture, ['StorageClass', 'ETag']);
      assert.equal(StorageClass, 'GLACIER');
      assert.equal(ETag?.length, 32);
      const name = { 'x-amz-object-attributes': ' ETag ,ObjectSize,ETag' };
      const spaced = await rawAttributes(fixture, name);
      assert.equal(spaced.status, 200);
      assert.equal(spaced.headers['content-type'], 'application/xml');
      assert.match(
        spaced.text,
        /<GetObjectAttributesResponse xmlns="[^"]+"><ETag>\w{32}<\/ETag><ObjectSize>5<\/ObjectSize><\/Get/,
      );
    });

    test('G23 GetObjectAttributes refuses to tell nothing, and what it does not know', async () => {
      const fixture = await use();
      await putObject(fixture, 'key', 'bytes');
      for (const headers of [{}, { 'x-amz-object-attributes': '' }]) {
        const reply = await rawAttributes(fixture, headers);
        assert.deepEqual([reply.status, reply.code], [400, 'InvalidRequest']);
      }
      for (const value of ['Owner', 'etag', 'ETag,', 'ETag,Size', 'ETag;ObjectSize']) {
        const reply = await rawAttributes(fixture, { 'x-amz-object-attributes': value });
        assert.deepEqual([reply.status, reply.code], [400, 'InvalidArgument'], value);
        assert.equal(elementText(reply.text, 'ArgumentName'), 'x-amz-object-attributes');
        assert.equal(elementText(reply.text, 'ArgumentValue'), value);
      }
    });

    test('G23 GetObjectAttributes lists the parts with their checksums', async () => {
      const fixture = await use();
      await uploadInParts(fixture, 'key', PARTS, { ChecksumAlgorithm: 'SHA256' });
      const found = await attributesOf(fixture, ALL);
      assert.match(found.ETag ?? '', /^[0-9a-f]{32}-5$/);
      assert.equal(found.ObjectSize, Buffer.concat(PARTS).byteLength);
      const digests = PARTS.map((part) => Buffer.from(checksumOf('SHA256', part), 'base64'));
      assert.deepEqual(found.Checksum, {
        ChecksumSHA256: checksumOf('SHA256', Buffer.concat(digests)),
        ChecksumType: 'COMPOSITE',
      });
      assert.deepEqual(found.ObjectParts, {
        TotalPartsCount: 5,
        PartNumberMarker: '0',
        NextPartNumberMarker: '5',
        MaxParts: 1000,
        IsTruncated: false,
        Parts: PARTS.map((part, index) => ({
          PartNumber: index + 1,
          Size: part.byteLength,
          ChecksumSHA256: checksumOf('SHA256', part),
        })),
      });
    });

    test('G23 GetObjectAttributes only counts the parts of an upload without checksums', async () => {
      const fixture = await use();
      await uploadInParts(fixture, 'key', PARTS);
      const found = await attributesOf(fixture, ALL);
      assert.deepEqual(found.ObjectParts, { TotalPartsCount: 5 });
      assert.deepEqual(found.Checksum, {
        ChecksumCRC64NVME: checksumOf('CRC64NVME', Buffer.concat(PARTS)),
        ChecksumType: 'FULL_OBJECT',
      });
    });

    test('G23 GetObjectAttributes pages through the parts', async () => {
      const fixture = await use();
      await uploadInParts(fixture, 'key', PARTS, { ChecksumAlgorithm: 'CRC32' });
      for (let countMax = 1; countMax <= PARTS.length; countMax += 1) {
        const seen: (number | undefined)[] = [];
        let marker: string | undefined;
        for (;;) {
          const page = { MaxParts: countMax, PartNumberMarker: marker };
          const { ObjectParts: parts } = await attributesOf(fixture, ['ObjectParts'], page);
          assert.equal(parts?.TotalPartsCount, 5);
          assert.equal(parts.MaxParts, countMax);
          assert.equal(parts.PartNumberMarker, marker ?? '0');
          seen.push(...(parts.Parts ?? []).map(({ PartNumber }) => PartNumber));
          assert.equal(parts.NextPartNumberMarker, String(seen.at(-1)));
          if (parts.IsTruncated !== true) break;
          assert.equal(parts.Parts?.length, countMax);
          marker = parts.NextPartNumberMarker;
        }
        assert.deepEqual(seen, [1, 2, 3, 4, 5], `by ${countMax}`);
      }
      const none = await attributesOf(fixture, ['ObjectParts'], { MaxParts: 0 });
      assert.deepEqual(
        [none.ObjectParts?.Parts, none.ObjectParts?.IsTruncated],
        [undefined, false],
      );
      const behind = await attributesOf(fixture, ['ObjectParts'], { PartNumberMarker: '99999' });
      assert.equal(behind.ObjectParts?.Parts, undefined);
    });

    test('G23 BI-190 GetObjectAttributes refuses counts and markers that are no numbers', async () => {
      const fixture = await use();
      await putObject(fixture, 'key', 'bytes');
      for (const name of ['x-amz-max-parts', 'x-amz-part-number-marker']) {
        for (const value of ['-1', 'x', '1.5', '99999999999']) {
          const headers = { 'x-amz-object-attributes': 'ObjectParts', [name]: value };
          const reply = await rawAttributes(fixture, headers);
          assert.deepEqual([reply.status, reply.code], [400, 'InvalidArgument'], value);
          assert.equal(elementText(reply.text, 'ArgumentName'), name);
        }
      }
      const headers = { 'x-amz-object-attributes': 'ObjectParts', 'x-amz-max-parts': '2147483647' };
      assert.equal((await rawAttributes(fixture, headers)).status, 200);
    });

    test('G15 GetObjectAttributes takes the version id null and no other', async () => {
      const fixture = await use();
      await putObject(fixture, 'key', 'bytes');
      const { ObjectSize } = await attributesOf(fixture, ['ObjectSize'], { VersionId: 'null' });
      assert.equal(ObjectSize, 5);
      for (const [more, code] of [
        [{ VersionId: 'A'.repeat(32) }, 'NoSuchVersion'],
        [{ VersionId: 'x' }, 'InvalidArgument'],
        [{ Key: 'missing' }, 'NoSuchKey'],
        [{ Bucket: 'no-such-bucket' }, 'NoSuchBucket'],
      ] as const) {
        assert.equal((await refusal(attributesOf(fixture, ['ETag'], more))).code, code);
      }
      const query = 'attributes';
      const request = { method: 'GET', path: `/${fixture.bucket}/key`, query };
      const headers = { 'x-amz-object-attributes': 'ETag' };
      const reply = await rawRequest(fixture.server.stranger, { ...request, headers });
      assert.deepEqual([reply.status, reply.code], [403, 'AccessDenied']);
    });
  },
  { partSizeBytesMin: 1 },
);

function attributesOf(
  { client, bucket }: Fixture,
  requested: readonly ObjectAttributes[],
  more: Partial<GetObjectAttributesCommandInput> = {},
) {
  const input = { Bucket: bucket, Key: 'key', ObjectAttributes: [...requested], ...more };
  return client.send(new GetObjectAttributesCommand(input));
}

function rawAttributes({ raw, bucket }: Fixture, headers: Readonly<Record<string, string>>) {
  return raw({ method: 'GET', path: `/${bucket}/key`, query: 'attributes', headers });
}
