// CreateMultipartUpload, CompleteMultipartUpload and AbortMultipartUpload over HTTP.

import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { test } from 'node:test';

import {
  AbortMultipartUploadCommand,
  CreateBucketCommand,
  DeleteBucketCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListPartsCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3';

import { checksumOf } from '#src/s3/checksums.js';

import { bytesOf } from '../support/objects.js';
import { onEveryBackend, refusal, type Fixture } from '../support/operation-suite.js';
import { elementText, rawRequest } from '../support/raw-request.js';
import { begin, uploaded, complete, rawComplete, partsDocument } from '../support/uploads.js';

const MIB = 1024 * 1024;
/** Smallest part in most of these tests, to keep them quick; the real minimum has its own. */
const PART_SIZE_BYTES_MIN = 100_000;
const FIRST = randomBytes(PART_SIZE_BYTES_MIN);
const LAST = randomBytes(70_001);
const WHOLE = Buffer.concat([FIRST, LAST]);

onEveryBackend('CompleteMultipartUpload', suite, { partSizeBytesMin: PART_SIZE_BYTES_MIN });

onEveryBackend('CompleteMultipartUpload with the limits of S3', (use) => {
  test('M04 BI-168 a part below 5 MiB that is not the last is EntityTooSmall', async () => {
    const fixture = await use();
    const { client, bucket } = fixture;
    const small = randomBytes(5 * MIB - 1);
    const { name, parts } = await uploaded(client, bucket, 'key', [small, LAST]);
    const reply = await rawComplete(fixture, name, partsDocument(parts));
    assert.deepEqual([reply.status, reply.code], [400, 'EntityTooSmall']);
    assert.equal(elementText(reply.text, 'ProposedSize'), String(small.byteLength));
    assert.equal(elementText(reply.text, 'MinSizeAllowed'), String(5 * MIB));
    assert.equal(elementText(reply.text, 'PartNumber'), '1');
    assert.equal(elementText(reply.text, 'ETag'), parts[0]?.ETag?.replaceAll('"', ''));
    await complete(client, name, parts.slice(0, 1));
    assert.equal((await bytesOf({ client, bucket }, 'key')).byteLength, small.byteLength);
  });
});

function suite(use: () => Promise<Fixture>): void {
  test('M01 the ETag is the MD5 of the part MD5s with their count', async () => {
    const { client, bucket } = await use();
    const { name, parts } = await uploaded(client, bucket, 'key', [FIRST, LAST]);
    const done = await complete(client, name, parts);
    const digests = [FIRST, LAST].map((part) => createHash('md5').update(part).digest());
    const etag = `"${createHash('md5').update(Buffer.concat(digests)).digest('hex')}-2"`;
    assert.equal(done.ETag, etag);
    const got = await client.send(new GetObjectCommand({ Bucket: bucket, Key: 'key' }));
    assert.equal(got.ETag, etag);
    assert.deepEqual(Buffer.from((await got.Body?.transformToByteArray()) ?? []), WHOLE);
  });

  test('M02 BI-166 part numbers may have gaps but must ascend', async () => {
    const fixture = await use();
    const { client, bucket } = fixture;
    const { name, parts } = await uploaded(client, bucket, 'key', [FIRST, FIRST, LAST], [3, 7, 20]);
    const [one = {}, two = {}, three = {}] = parts;
    for (const listed of [
      [two, one, three],
      [one, one, two],
    ]) {
      const reply = await rawComplete(fixture, name, partsDocument(listed));
      assert.deepEqual([reply.status, reply.code], [400, 'InvalidPartOrder']);
      assert.equal(elementText(reply.text, 'UploadId'), name.UploadId);
    }
    await complete(client, name, [one, three]);
    assert.deepEqual(await bytesOf({ client, bucket }, 'key'), WHOLE);
    const head = await client.send(
      new HeadObjectCommand({ Bucket: bucket, Key: 'key', PartNumber: 2 }),
    );
    assert.equal(head.ContentLength, LAST.byteLength);
    assert.equal(head.PartsCount, 2);
  });

  test('M03 BI-167 an unknown part or a wrong ETag is InvalidPart', async () => {
    const fixture = await use();
    const { name, parts } = await uploaded(fixture.client, fixture.bucket, 'key', [LAST]);
    const etag = parts[0]?.ETag ?? '';
    for (const listed of [
      { PartNumber: 2, ETag: etag },
      { PartNumber: 1, ETag: '"0123456789abcdef0123456789abcdef"' },
      { PartNumber: 1, ETag: '' },
    ]) {
      const reply = await rawComplete(fixture, name, partsDocument([listed]));
      assert.deepEqual([reply.status, reply.code], [400, 'InvalidPart']);
      assert.equal(elementText(reply.text, 'UploadId'), name.UploadId);
      assert.equal(elementText(reply.text, 'PartNumber'), String(listed.PartNumber));
      assert.equal(elementText(reply.text, 'ETag'), listed.ETag.replaceAll('"', ''));
    }
    const unquoted = [{ PartNumber: 1, ETag: etag.replaceAll('"', '') }];
    assert.equal((await rawComplete(fixture, name, partsDocument(unquoted))).status, 200);
  });

  test('M05 BI-163 a completion without body or without parts is refused', async () => {
    const fixture = await use();
    const { name } = await uploaded(fixture.client, fixture.bucket, 'key', [LAST]);
    const empty = await rawComplete(fixture, name, '');
    assert.deepEqual([empty.status, empty.code], [400, 'InvalidRequest']);
    const none = await rawComplete(fixture, name, partsDocument([]));
    assert.deepEqual([none.status, none.code], [400, 'MalformedXML']);
  });

  test('BI-099 BI-164 BI-165 malformed lists are refused and leave the upload alone', async () => {
    const fixture = await use();
    const { client, bucket } = fixture;
    const { name, parts } = await uploaded(client, bucket, 'key', [LAST]);
    const etag = parts[0]?.ETag ?? '';
    const wrap = (text: string) => `<CompleteMultipartUpload>${text}</CompleteMultipartUpload>`;
    const cases: readonly [string, string][] = [
      ['<CompleteMultipartUpload>', 'MalformedXML'],
      ['not xml', 'MalformedXML'],
      ['<Other></Other>', 'MalformedXML'],
      [`<!DOCTYPE x>${wrap('')}`, 'MalformedXML'],
      [wrap('<Part><PartNumber>1</PartNumber></Part>'), 'MalformedXML'],
      [wrap(`<Part><ETag>${etag}</ETag></Part>`), 'MalformedXML'],
      [wrap(`<Part><PartNumber>x</PartNumber><ETag>${etag}</ETag></Part>`), 'MalformedXML'],
      [wrap(`<Part><PartNumber>0</PartNumber><ETag>${etag}</ETag></Part>`), 'InvalidArgument'],
      [wrap(`<Part><PartNumber>-1</PartNumber><ETag>${etag}</ETag></Part>`), 'InvalidArgument'],
      [partsDocument(Array(10_001).fill({ PartNumber: 1, ETag: 'x' })), 'MalformedXML'],
      [' '.repeat(2 * MIB + 1), 'MaxMessageLengthExceeded'],
    ];
    for (const [document, code] of cases) {
      const reply = await rawComplete(fixture, name, document);
      assert.deepEqual([reply.status, reply.code], [400, code], document.slice(0, 80));
    }
    await complete(client, name, parts);
    assert.deepEqual(await bytesOf({ client, bucket }, 'key'), LAST);
  });

  test('E13 BI-105 a completion may have any namespace and unknown elements', async () => {
    const fixture = await use();
    const { name, parts } = await uploaded(fixture.client, fixture.bucket, 'key', [LAST]);
    const document =
      '<?xml version="1.0"?><!-- made by hand -->\n' +
      '<CompleteMultipartUpload xmlns="http://s3.amazonaws.com/doc/2006-03-01/">\n' +
      `  <Part><Size>5</Size><ETag><![CDATA[${parts[0]?.ETag}]]></ETag>` +
      '<PartNumber> 1 </PartNumber></Part>\n</CompleteMultipartUpload>\n';
    const reply = await rawComplete(fixture, name, document);
    assert.equal(reply.status, 200, reply.text);
  });

  test('M07 BI-162 an upload of another key, or none, is NoSuchUpload', async () => {
    const fixture = await use();
    const { client, bucket } = fixture;
    const { name, parts } = await uploaded(client, bucket, 'key', [LAST]);
    const aborted = await begin(client, bucket, 'key');
    await client.send(new AbortMultipartUploadCommand(aborted));
    for (const wrong of [
      { ...name, Key: 'other' },
      { ...name, UploadId: 'unknown' },
      { ...name, UploadId: '' },
      { ...name, UploadId: 'x'.repeat(3000) },
      aborted,
    ]) {
      const done = await rawComplete(fixture, wrong, partsDocument(parts));
      assert.deepEqual([done.status, done.code], [404, 'NoSuchUpload'], wrong.UploadId);
      const query = `uploadId=${wrong.UploadId}`;
      const path = `/${bucket}/${wrong.Key}`;
      for (const method of ['DELETE', 'GET']) {
        const reply = await fixture.raw({ method, path, query });
        assert.deepEqual([reply.status, reply.code], [404, 'NoSuchUpload'], method);
      }
    }
    await complete(client, name, parts);
  });

  test('M08 repeating a completion gives the same answer', async () => {
    const fixture = await use();
    const { client, bucket } = fixture;
    const { name, parts } = await uploaded(client, bucket, 'key', [LAST], [2]);
    const first = await rawComplete(fixture, name, partsDocument(parts));
    const second = await rawComplete(fixture, name, partsDocument(parts));
    assert.deepEqual([first.status, second.status], [200, 200]);
    assert.equal(second.text, first.text);
    for (const PartNumber of [1, 2]) {
      const other = await rawComplete(fixture, name, partsDocument([{ PartNumber, ETag: 'x' }]));
      assert.deepEqual([other.status, other.code], [404, 'NoSuchUpload'], `part ${PartNumber}`);
    }
    await client.send(new PutObjectCommand({ Bucket: bucket, Key: 'key', Body: 'newer' }));
    const late = await rawComplete(fixture, name, partsDocument(parts));
    assert.deepEqual([late.status, late.code], [404, 'NoSuchUpload']);
    assert.equal((await bytesOf({ client, bucket }, 'key')).toString(), 'newer');
  });

  test('M08 concurrent completions of one upload give one object and the same answer', async () => {
    const fixture = await use();
    const { client, bucket } = fixture;
    const { name, parts } = await uploaded(client, bucket, 'key', [FIRST, LAST]);
    const document = partsDocument(parts);
    const replies = await Promise.all(
      Array.from({ length: 6 }, () => rawComplete(fixture, name, document)),
    );
    assert.deepEqual(new Set(replies.map(({ status }) => status)), new Set([200]));
    assert.equal(new Set(replies.map(({ text }) => text)).size, 1);
    assert.deepEqual(await bytesOf({ client, bucket }, 'key'), WHOLE);
    const counters = fixture.server.store.bucketCounters(bucket);
    assert.deepEqual(counters, {
      objectCount: 1,
      objectBytes: WHOLE.byteLength,
      uploadCount: 0,
    });
  });

  test('M10 of two uploads to one key the last completed wins', async () => {
    const { client, bucket } = await use();
    const early = await uploaded(client, bucket, 'key', [Buffer.from('early')]);
    const late = await uploaded(client, bucket, 'key', [Buffer.from('late')]);
    await complete(client, late.name, late.parts);
    await complete(client, early.name, early.parts);
    assert.equal((await bytesOf({ client, bucket }, 'key')).toString(), 'early');
  });

  test('M22 what creation says about the object holds for the result', async () => {
    const { client, bucket } = await use();
    const { name, parts } = await uploaded(client, bucket, 'key', [LAST], [1], {
      ContentType: 'text/plain',
      CacheControl: 'max-age=60',
      ContentDisposition: 'attachment',
      ContentEncoding: 'gzip',
      ContentLanguage: 'de',
      Expires: new Date(0),
      Metadata: { colour: 'blue' },
      StorageClass: 'STANDARD_IA',
      WebsiteRedirectLocation: '/there',
    });
    await complete(client, name, parts);
    const head = await client.send(new HeadObjectCommand({ Bucket: bucket, Key: 'key' }));
    assert.equal(head.ContentType, 'text/plain');
    assert.equal(head.CacheControl, 'max-age=60');
    assert.equal(head.ContentDisposition, 'attachment');
    assert.equal(head.ContentEncoding, 'gzip');
    assert.equal(head.ContentLanguage, 'de');
    assert.equal(head.ExpiresString, 'Thu, 01 Jan 1970 00:00:00 GMT');
    assert.deepEqual(head.Metadata, { colour: 'blue' });
    assert.equal(head.StorageClass, 'STANDARD_IA');
    assert.equal(head.WebsiteRedirectLocation, '/there');
  });

  test('BI-174 BI-179 BI-182 CreateMultipartUpload refuses what PutObject refuses', async () => {
    const { client, bucket, raw } = await use();
    const cases: readonly [string, string, number, string][] = [
      ['x-amz-storage-class', 'CHEAP', 400, 'InvalidStorageClass'],
      ['x-amz-meta-long', 'x'.repeat(2049), 400, 'MetadataTooLarge'],
      ['x-amz-server-side-encryption', 'AES256', 501, 'NotImplemented'],
      ['x-amz-object-lock-mode', 'GOVERNANCE', 501, 'NotImplemented'],
      ['x-amz-acl', 'public-read', 400, 'AccessControlListNotSupported'],
    ];
    for (const [header, value, status, code] of cases) {
      const headers = { [header]: value };
      const request = { method: 'POST', path: `/${bucket}/key`, query: 'uploads=', headers };
      const reply = await raw(request);
      assert.deepEqual([reply.status, reply.code], [status, code], header);
    }
    const { Uploads: uploads } = await client.send(
      new ListMultipartUploadsCommand({ Bucket: bucket }),
    );
    assert.equal(uploads, undefined);
  });

  test('M23 Location has the host of the request and the encoded key', async () => {
    const { server, client, bucket } = await use();
    const key = 'a dir/ü+%&.txt';
    const { name, parts } = await uploaded(client, bucket, key, [LAST]);
    const done = await complete(client, name, parts);
    const encoded = 'a%20dir/%C3%BC%2B%25%26.txt';
    assert.equal(done.Location, `${server.endpoint}/${bucket}/${encoded}`);
    assert.equal(done.Bucket, bucket);
    assert.equal(done.Key, key);
  });

  test('M24 the object appears at completion, whole, and the upload is gone', async () => {
    const { client, bucket, server } = await use();
    await client.send(new PutObjectCommand({ Bucket: bucket, Key: 'key', Body: 'before' }));
    const { name, parts } = await uploaded(client, bucket, 'key', [FIRST, LAST]);
    assert.equal((await bytesOf({ client, bucket }, 'key')).toString(), 'before');
    await complete(client, name, parts);
    assert.deepEqual(await bytesOf({ client, bucket }, 'key'), WHOLE);
    const { Uploads: uploads } = await client.send(
      new ListMultipartUploadsCommand({ Bucket: bucket }),
    );
    assert.equal(uploads, undefined);
    assert.deepEqual(server.store.bucketCounters(bucket), {
      objectCount: 1,
      objectBytes: WHOLE.byteLength,
      uploadCount: 0,
    });
  });

  test('G02 G07 ranges and parts of a completed object are exact', async () => {
    const { client, bucket } = await use();
    const { name, parts } = await uploaded(client, bucket, 'key', [FIRST, LAST]);
    await complete(client, name, parts);
    const object = { Bucket: bucket, Key: 'key' };
    const edge = FIRST.byteLength;
    for (const [start, end] of [
      [edge - 3, edge + 2],
      [edge, edge],
      [0, 0],
      [WHOLE.byteLength - 1, WHOLE.byteLength - 1],
    ] as const) {
      const got = await client.send(
        new GetObjectCommand({ ...object, Range: `bytes=${start}-${end}` }),
      );
      const bytes = Buffer.from((await got.Body?.transformToByteArray()) ?? []);
      assert.deepEqual(bytes, WHOLE.subarray(start, end + 1));
    }
    const second = await client.send(new GetObjectCommand({ ...object, PartNumber: 2 }));
    assert.deepEqual(Buffer.from((await second.Body?.transformToByteArray()) ?? []), LAST);
    assert.equal(second.PartsCount, 2);
    assert.equal(second.ContentRange, `bytes ${edge}-${WHOLE.byteLength - 1}/${WHOLE.byteLength}`);
  });

  test('W06 W07 a completion checks its conditions', async () => {
    const fixture = await use();
    const { client, bucket } = fixture;
    const attempt = async (
      conditions: Record<string, string>,
      meanwhile: () => Promise<unknown>,
    ): Promise<[number, string]> => {
      const { name, parts } = await uploaded(client, bucket, 'key', [LAST]);
      await meanwhile();
      const reply = await rawComplete(fixture, name, partsDocument(parts), conditions);
      if (reply.status !== 200) {
        const { Parts: kept } = await client.send(new ListPartsCommand(name));
        assert.equal(kept?.length, 1, 'a refused completion leaves the upload usable');
      }
      return [reply.status, reply.code];
    };
    const write = () =>
      client.send(new PutObjectCommand({ Bucket: bucket, Key: 'key', Body: 'same' }));
    const remove = () => client.send(new DeleteObjectCommand({ Bucket: bucket, Key: 'key' }));
    const nothing = async () => undefined;
    const create = { 'if-none-match': '*' };

    assert.deepEqual(await attempt(create, write), [412, 'PreconditionFailed']);
    await remove();
    const writeAndRemove = async () => {
      await write();
      await remove();
    };
    const conflict = [409, 'ConditionalRequestConflict'];
    assert.deepEqual(await attempt(create, writeAndRemove), conflict);
    assert.deepEqual(await attempt(create, nothing), [200, '']);

    const { ETag: etag = '' } = await write();
    const update = { 'if-match': etag };
    assert.deepEqual(await attempt({ 'if-match': '"x"' }, nothing), [412, 'PreconditionFailed']);
    assert.deepEqual(await attempt(update, write), conflict);
    assert.deepEqual(await attempt(update, remove), [404, 'NoSuchKey']);
    await write();
    assert.deepEqual(await attempt({ 'if-match': '*' }, nothing), [501, 'NotImplemented']);
    assert.deepEqual(await attempt({ 'if-none-match': etag }, nothing), [501, 'NotImplemented']);
    assert.deepEqual(await attempt(update, nothing), [200, '']);
  });

  test('W12 of many completions that demand a new key exactly one succeeds', async () => {
    const fixture = await use();
    const { client, bucket } = fixture;
    const uploads = await Promise.all(
      Array.from({ length: 12 }, (_, index) =>
        uploaded(client, bucket, 'key', [Buffer.from(`content ${index}`)]),
      ),
    );
    const replies = await Promise.all(
      uploads.map(({ name, parts }) =>
        rawComplete(fixture, name, partsDocument(parts), { 'if-none-match': '*' }),
      ),
    );
    const winners = replies.flatMap(({ status }, index) => (status === 200 ? [index] : []));
    assert.equal(winners.length, 1);
    for (const { status } of replies) assert([200, 409, 412].includes(status));
    assert.equal((await bytesOf({ client, bucket }, 'key')).toString(), `content ${winners[0]}`);
  });

  test('M11 AbortMultipartUpload forgets the upload and answers 204', async () => {
    const fixture = await use();
    const { client, bucket, raw } = fixture;
    const { name, parts } = await uploaded(client, bucket, 'key', [LAST]);
    const query = `uploadId=${name.UploadId}`;
    const reply = await raw({ method: 'DELETE', path: `/${bucket}/key`, query });
    assert.equal(reply.status, 204);
    assert.equal(reply.text, '');
    assert.equal(reply.headers['content-type'], undefined);
    const again = await raw({ method: 'DELETE', path: `/${bucket}/key`, query });
    assert.deepEqual([again.status, again.code], [404, 'NoSuchUpload']);
    const late = await rawComplete(fixture, name, partsDocument(parts));
    assert.deepEqual([late.status, late.code], [404, 'NoSuchUpload']);
    assert.equal((await refusal(client.send(new HeadObjectCommand(name)))).status, 404);
  });

  test('D08 uploads in progress do not keep a bucket from being deleted', async () => {
    const fixture = await use();
    const { client, bucket } = fixture;
    const { name, parts } = await uploaded(client, bucket, 'key', [LAST]);
    await client.send(new DeleteBucketCommand({ Bucket: bucket }));
    const gone = await rawComplete(fixture, name, partsDocument(parts));
    assert.deepEqual([gone.status, gone.code], [404, 'NoSuchBucket']);
    await client.send(new CreateBucketCommand({ Bucket: bucket }));
    const reborn = await rawComplete(fixture, name, partsDocument(parts));
    assert.deepEqual([reborn.status, reborn.code], [404, 'NoSuchUpload']);
  });

  test('E10 uploads of another account are out of reach', async () => {
    const { server, client, bucket } = await use();
    const { name, parts } = await uploaded(client, bucket, 'key', [LAST]);
    const query = `uploadId=${name.UploadId}`;
    const path = `/${bucket}/key`;
    for (const [method, body] of [
      ['GET', undefined],
      ['DELETE', undefined],
      ['POST', partsDocument(parts)],
    ] as const) {
      const request = { method, path, query };
      const reply = await rawRequest(
        server.stranger,
        body === undefined ? request : { ...request, body },
      );
      assert.deepEqual([reply.status, reply.code], [403, 'AccessDenied'], method);
    }
    await complete(client, name, parts);
  });

  test('K01 uploads in parts take unusual keys', async () => {
    const { client, bucket } = await use();
    for (const key of [
      'a//b',
      '/a',
      'a/',
      '..%2F',
      'a+b',
      '"<>',
      '😀',
      'k'.repeat(1024),
      '\uffff',
    ]) {
      const { name, parts } = await uploaded(client, bucket, key, [Buffer.from(key)]);
      const done = await complete(client, name, parts);
      assert.equal(decodeURIComponent(done.Location?.split(`${bucket}/`)[1] ?? ''), key);
      assert.equal((await bytesOf({ client, bucket }, key)).toString(), key);
    }
  });
}

onEveryBackend(
  'CompleteMultipartUpload with small limits',
  (use) => {
    test('BI-172 parts that make too large an object are EntityTooLarge', async () => {
      const fixture = await use();
      const { client, bucket } = fixture;
      const bodies = [Buffer.alloc(600, 1), Buffer.alloc(500, 2)];
      const { name, parts } = await uploaded(client, bucket, 'key', bodies);
      const reply = await rawComplete(fixture, name, partsDocument(parts));
      assert.deepEqual([reply.status, reply.code], [400, 'EntityTooLarge']);
      assert.equal((await refusal(client.send(new HeadObjectCommand(name)))).status, 404);
    });

    test('M16 many parts of many sizes combine to the right checksum and bytes', async () => {
      const { client, bucket } = await use();
      const bodies = Array.from({ length: 40 }, (_, index) => randomBytes(10 + (index % 7)));
      const options = { ChecksumAlgorithm: 'CRC32C', ChecksumType: 'FULL_OBJECT' } as const;
      const numbers = bodies.map((_, index) => 10_000 - 3 * (bodies.length - 1 - index));
      const { name, parts } = await uploaded(client, bucket, 'key', bodies, numbers, options);
      const done = await complete(client, name, parts);
      const whole = Buffer.concat(bodies);
      assert.equal(done.ChecksumCRC32C, checksumOf('CRC32C', whole));
      assert.deepEqual(await bytesOf({ client, bucket }, 'key'), whole);
    });
  },
  { partSizeBytesMin: 1, objectSizeBytesMax: 1000 },
);
