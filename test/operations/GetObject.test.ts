// GetObject and HeadObject over HTTP: ranges, parts, versions and what else the query selects.
// Every rule is checked with both methods, which must agree in everything but the body.

import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { test } from 'node:test';

import { onEveryBackend, type Fixture } from '../support/operation-suite.js';
import { BODIES, putObject, uploadInParts } from '../support/objects.js';
import { elementText, type RawReply } from '../support/raw-request.js';

const MIB = 1024 * 1024;
const TEN = Buffer.from('0123456789');
const UNKNOWN_VERSION = 'a'.repeat(32);
const FULL_RANGE = 'bytes=0-';
const SHA256_TEN = createHash('sha256').update(TEN).digest('base64');

onEveryBackend('GetObject', (use) => {
  for (const [placement, body] of BODIES) {
    test(`G01 GetObject returns the bytes of an ${placement} object and its headers`, async () => {
      const fixture = await use();
      await putRaw(fixture, 'key', body);
      const { get } = await read(fixture, 'key');
      assert.equal(get.status, 200);
      assert.deepEqual(get.body, body);
      assert.equal(get.headers['content-type'], 'binary/octet-stream');
      assert.equal(get.headers['content-length'], String(body.byteLength));
      assert.equal(get.headers.etag, `"${createHash('md5').update(body).digest('hex')}"`);
      assert.equal(get.headers['accept-ranges'], 'bytes');
      assert.match(get.headers['last-modified'] ?? '', /^\w{3}, \d\d \w{3} \d{4} [\d:]{8} GMT$/);
      assert.equal(get.headers['content-range'], undefined);
    });

    test(`G02 G03 every range of an ${placement} object is exact`, async () => {
      const fixture = await use();
      await putRaw(fixture, 'key', body);
      const size = body.byteLength;
      for (let attempt = 0; attempt < 40 && size > 0; attempt += 1) {
        const first = Math.floor(Math.random() * size);
        const last = first + Math.floor(Math.random() * size);
        const { get } = await read(fixture, 'key', {
          headers: { range: `bytes=${first}-${last}` },
        });
        const shown = Math.min(last, size - 1);
        assert.equal(get.status, 206);
        assert.equal(get.headers['content-range'], `bytes ${first}-${shown}/${size}`);
        assert.deepEqual(get.body, body.subarray(first, last + 1), `${first}-${last}`);
      }
    });
  }

  test('G02 G03 BI-139 BI-140 a satisfiable range is 206 and cut to the object', async () => {
    const fixture = await use();
    await putRaw(fixture, 'key', TEN);
    const cases: readonly [range: string, first: number, last: number][] = [
      ['bytes=0-8', 0, 8],
      ['bytes=0-0', 0, 0],
      ['bytes=9-9', 9, 9],
      ['bytes=5-', 5, 9],
      ['bytes=0-', 0, 9],
      ['bytes=-2', 8, 9],
      ['bytes=-10', 0, 9],
      ['bytes=-11', 0, 9],
      ['bytes=3-100', 3, 9],
      ['bytes=00-01', 0, 1],
      ['bytes=2-9223372036854775808', 2, 9],
      ['bytes=2-18446744073709551616', 2, 9],
      ['bytes=-18446744073709551616', 0, 9],
    ];
    for (const [range, first, last] of cases) {
      const { get } = await read(fixture, 'key', { headers: { range } });
      assert.equal(get.status, 206, range);
      assert.equal(get.headers['content-range'], `bytes ${first}-${last}/10`, range);
      assert.equal(get.headers['content-length'], String(last - first + 1), range);
      assert.equal(get.text, TEN.subarray(first, last + 1).toString(), range);
    }
  });

  test('G04 BI-138 a range that is not understood is ignored', async () => {
    const fixture = await use();
    await putRaw(fixture, 'key', TEN);
    const ranges = ['bytes=10-5', 'bytes=3-2', 'abc', 'items=0-1', 'bytes=0--1', 'bytes=0-1,3-4'];
    ranges.push('bytes=', 'bytes=-', 'bytes 0-1', 'bytes=a-b', 'bytes=0x0-0x1', 'bytes=1.0-2.0');
    ranges.push('bytes=18446744073709551617-18446744073709551616');
    for (const range of ranges) {
      const { get } = await read(fixture, 'key', { headers: { range } });
      assert.equal(get.status, 200, range);
      assert.equal(get.text, TEN.toString(), range);
      assert.equal(get.headers['content-range'], undefined, range);
    }
  });

  test('G05 BI-136 BI-137 BI-140 a range that starts past the end is InvalidRange', async () => {
    const fixture = await use();
    await putRaw(fixture, 'key', TEN);
    await putRaw(fixture, 'empty', Buffer.alloc(0));
    const cases: readonly [key: string, range: string][] = [
      ['key', 'bytes=-0'],
      ['key', 'bytes=10-'],
      ['key', 'bytes=10-20'],
      ['key', 'bytes=9223372036854775808-'],
      ['key', 'bytes=18446744073709551616-18446744073709551617'],
      ['empty', 'bytes=0-'],
      ['empty', 'bytes=0-0'],
      ['empty', 'bytes=-1'],
      ['empty', 'bytes=-0'],
    ];
    for (const [key, range] of cases) {
      const { get } = await read(fixture, key, { headers: { range } });
      const size = key === 'empty' ? '0' : '10';
      assert.deepEqual([get.status, get.code], [416, 'InvalidRange'], `${key} ${range}`);
      assert.equal(elementText(get.text, 'ActualObjectSize'), size);
      assert.equal(elementText(get.text, 'RangeRequested'), range);
      assert.equal(get.headers['content-range'], `bytes */${size}`);
    }
  });

  test('G06 BI-123 a range of a missing key is NoSuchKey', async () => {
    const fixture = await use();
    const { get } = await read(fixture, 'absent', { headers: { range: 'bytes=100-' } });
    assert.deepEqual([get.status, get.code], [404, 'NoSuchKey']);
    assert.equal(elementText(get.text, 'Key'), 'absent');
  });

  test('E09 BI-122 a missing bucket is NoSuchBucket, whatever else is wrong', async () => {
    const fixture = await use();
    const bucket = `${fixture.bucket}-absent`;
    const { get } = await read({ ...fixture, bucket }, 'key', { query: 'partNumber=0' });
    assert.deepEqual([get.status, get.code], [404, 'NoSuchBucket']);
    assert.equal(elementText(get.text, 'BucketName'), bucket);
  });

  test('G07 a part of a multipart object is 206 with its range and the count', async () => {
    const fixture = await use();
    const parts = [randomBytes(5 * MIB), randomBytes(5 * MIB + 1), randomBytes(3)];
    await uploadInParts(fixture, 'key', parts);
    const size = 10 * MIB + 4;
    let start = 0;
    for (const [index, part] of parts.entries()) {
      const { get } = await read(fixture, 'key', { query: `partNumber=${index + 1}` });
      const end = start + part.byteLength;
      assert.equal(get.status, 206);
      assert.equal(get.headers['content-range'], `bytes ${start}-${end - 1}/${size}`);
      assert.equal(get.headers['x-amz-mp-parts-count'], '3');
      assert.match(get.headers.etag ?? '', /^"[0-9a-f]{32}-3"$/);
      assert.ok(get.body.equals(part), `part ${index + 1}`);
      start = end;
    }
    const past = (await read(fixture, 'key', { query: 'partNumber=4' })).get;
    assert.deepEqual([past.status, past.code], [416, 'InvalidPartNumber']);
    assert.equal(elementText(past.text, 'ActualPartCount'), '3');
  });

  test('G07 an empty part of a multipart object has no range', async () => {
    const fixture = await use();
    await uploadInParts(fixture, 'key', [randomBytes(5 * MIB), Buffer.alloc(0)]);
    const { get } = await read(fixture, 'key', { query: 'partNumber=2' });
    assert.deepEqual([get.status, get.body.byteLength], [200, 0]);
    assert.equal(get.headers['content-range'], undefined);
    assert.equal(get.headers['x-amz-mp-parts-count'], '2');
  });

  test('G07 part 1 of an object that came in one piece is 206 without a count', async () => {
    const fixture = await use();
    await putRaw(fixture, 'key', TEN);
    const { get } = await read(fixture, 'key', { query: 'partNumber=1' });
    assert.equal(get.status, 206);
    assert.equal(get.headers['content-range'], 'bytes 0-9/10');
    assert.equal(get.headers['x-amz-mp-parts-count'], undefined);
    assert.equal(get.text, TEN.toString());
  });

  test('G08 BI-143 a part past the last is InvalidPartNumber', async () => {
    const fixture = await use();
    await putRaw(fixture, 'key', TEN);
    for (const number of ['2', '10000']) {
      const { get } = await read(fixture, 'key', { query: `partNumber=${number}` });
      assert.deepEqual([get.status, get.code], [416, 'InvalidPartNumber'], number);
      assert.equal(elementText(get.text, 'ActualPartCount'), '1');
      assert.equal(elementText(get.text, 'PartNumberRequested'), number);
    }
  });

  test('G08 BI-142 a part number outside 1 to 10000 is InvalidArgument', async () => {
    const fixture = await use();
    await putRaw(fixture, 'key', TEN);
    for (const number of ['0', '-3', '10001', 'x', '', '1.5', '2147483648']) {
      const { get } = await read(fixture, 'key', { query: `partNumber=${number}` });
      assert.deepEqual([get.status, get.code], [400, 'InvalidArgument'], number);
      assert.equal(elementText(get.text, 'ArgumentName'), 'partNumber');
      assert.equal(elementText(get.text, 'ArgumentValue'), number);
    }
  });

  test('G08 BI-141 a range together with a part number is InvalidRequest', async () => {
    const fixture = await use();
    await putRaw(fixture, 'key', TEN);
    const headers = { range: FULL_RANGE };
    const { get } = await read(fixture, 'key', { query: 'partNumber=1', headers });
    assert.deepEqual([get.status, get.code], [400, 'InvalidRequest']);
  });

  test('G09 a part shows its checksum when the upload named an algorithm', async () => {
    const fixture = await use();
    const parts = [randomBytes(5 * MIB), randomBytes(7)];
    await uploadInParts(fixture, 'named', parts, { ChecksumAlgorithm: 'SHA256' });
    await uploadInParts(fixture, 'unnamed', parts);
    const headers = { 'x-amz-checksum-mode': 'ENABLED' };
    for (const [index, part] of parts.entries()) {
      const query = `partNumber=${index + 1}`;
      const { get } = await read(fixture, 'named', { query, headers });
      const sha256 = createHash('sha256').update(part).digest('base64');
      assert.equal(get.headers['x-amz-checksum-sha256'], sha256);
      const unasked = await read(fixture, 'named', { query });
      assert.equal(unasked.get.headers['x-amz-checksum-sha256'], undefined);
      const unnamed = await read(fixture, 'unnamed', { query, headers });
      assert.equal(unnamed.get.headers['x-amz-checksum-sha256'], undefined);
    }
  });

  test('C13 a checksum is shown on demand and only for the whole object', async () => {
    const fixture = await use();
    await putObject(fixture, 'key', TEN, { ChecksumSHA256: SHA256_TEN });
    const enabled = { 'x-amz-checksum-mode': 'ENABLED' };
    const shown = (await read(fixture, 'key', { headers: enabled })).get;
    assert.equal(shown.headers['x-amz-checksum-sha256'], SHA256_TEN);
    assert.equal(shown.headers['x-amz-checksum-type'], 'FULL_OBJECT');
    const unasked = (await read(fixture, 'key')).get;
    assert.equal(unasked.headers['x-amz-checksum-sha256'], undefined);
    const partial = { ...enabled, range: 'bytes=1-' };
    const some = (await read(fixture, 'key', { headers: partial })).get;
    assert.equal(some.headers['x-amz-checksum-sha256'], undefined);
  });

  test('G14 response-* parameters replace the headers of a signed read', async () => {
    const fixture = await use();
    await putObject(fixture, 'key', TEN, { ContentType: 'text/plain', CacheControl: 'no-store' });
    const overrides: Readonly<Record<string, string>> = {
      'cache-control': 'max-age=5',
      'content-disposition': 'attachment; filename="a+b ü.txt"',
      'content-encoding': 'gzip',
      'content-language': 'de, en',
      'content-type': 'application/x-thing; a=b',
      expires: 'whenever',
    };
    const query = Object.entries(overrides)
      .map(([name, value]) => `response-${name}=${encodeURIComponent(value)}`)
      .join('&');
    const { get } = await read(fixture, 'key', { query });
    assert.equal(get.status, 200, get.text);
    for (const [name, value] of Object.entries(overrides)) {
      const shown = Buffer.from(String(get.headers[name]), 'latin1').toString();
      assert.equal(shown, value, name);
    }
    const plain = (await read(fixture, 'key')).get;
    assert.equal(plain.headers['content-type'], 'text/plain', 'nothing of it is kept');
    assert.equal(plain.headers['content-disposition'], undefined);
  });

  test('G14 response-* parameters cannot break the head of the answer', async () => {
    const fixture = await use();
    await putRaw(fixture, 'key', TEN);
    const query = 'response-content-type=a%0D%0Aset-cookie%3A%20b';
    const { get } = await read(fixture, 'key', { query });
    assert.deepEqual([get.status, get.code], [400, 'InvalidArgument']);
    assert.equal(get.headers['set-cookie'], undefined);
  });

  test('G15 versionId null is the only version of an object', async () => {
    const fixture = await use();
    await putRaw(fixture, 'key', TEN);
    const { get } = await read(fixture, 'key', { query: 'versionId=null' });
    assert.deepEqual([get.status, get.text], [200, TEN.toString()]);
    const unknown = (await read(fixture, 'key', { query: `versionId=${UNKNOWN_VERSION}` })).get;
    assert.deepEqual([unknown.status, unknown.code], [404, 'NoSuchVersion']);
    assert.equal(elementText(unknown.text, 'Key'), 'key');
    assert.equal(elementText(unknown.text, 'VersionId'), UNKNOWN_VERSION);
  });

  test('G15 BI-192 a version id that is none is InvalidArgument', async () => {
    const fixture = await use();
    await putRaw(fixture, 'key', TEN);
    for (const id of ['x', 'NULL', 'a'.repeat(31), 'a'.repeat(33), `${'a'.repeat(31)}%2F`, '']) {
      const { get } = await read(fixture, 'key', { query: `versionId=${id}` });
      assert.deepEqual([get.status, get.code], [400, 'InvalidArgument'], id);
      assert.equal(elementText(get.text, 'ArgumentName'), 'versionId');
    }
  });

  test('G18 an archived object cannot be read, only looked at', async () => {
    const fixture = await use();
    for (const storageClass of ['GLACIER', 'DEEP_ARCHIVE'] as const) {
      await putObject(fixture, 'key', TEN, { StorageClass: storageClass });
      const path = `/${fixture.bucket}/key`;
      const get = await fixture.raw({ method: 'GET', path });
      assert.deepEqual([get.status, get.code], [403, 'InvalidObjectState'], storageClass);
      assert.equal(elementText(get.text, 'StorageClass'), storageClass);
      const head = await fixture.raw({ method: 'HEAD', path });
      assert.equal(head.status, 200);
      assert.equal(head.headers['x-amz-storage-class'], storageClass);
      assert.equal(head.headers['content-length'], '10');
    }
  });

  test('G20 the class of an object is shown unless it is STANDARD', async () => {
    const fixture = await use();
    await putObject(fixture, 'standard', TEN, { StorageClass: 'STANDARD' });
    await putObject(fixture, 'rare', TEN, { StorageClass: 'STANDARD_IA' });
    const standard = (await read(fixture, 'standard')).get;
    assert.equal(standard.headers['x-amz-storage-class'], undefined);
    const rare = (await read(fixture, 'rare')).get;
    assert.equal(rare.headers['x-amz-storage-class'], 'STANDARD_IA');
    const list = await fixture.raw({ method: 'GET', path: `/${fixture.bucket}` });
    assert.match(list.text, /<Key>standard<[^]*<StorageClass>STANDARD<\/StorageClass>/);
  });

  test('BI-032 a read that comes with a body is answered, and so is the next one', async () => {
    const fixture = await use();
    await putRaw(fixture, 'key', TEN);
    const path = `/${fixture.bucket}/key`;
    for (const body of [TEN, randomBytes(200_000)]) {
      const get = await fixture.raw({ method: 'GET', path, body });
      assert.ok([200, 400].includes(get.status), get.text);
      assert.equal((await fixture.raw({ method: 'GET', path })).text, TEN.toString());
    }
  });
});

/** Reads by GET and by HEAD and proves that they agree. */
async function read(
  fixture: Fixture,
  key: string,
  more: { readonly query?: string; readonly headers?: Readonly<Record<string, string>> } = {},
): Promise<{ readonly get: RawReply; readonly head: RawReply }> {
  const path = `/${fixture.bucket}/${key}`;
  const get = await fixture.raw({ method: 'GET', path, ...more });
  const head = await fixture.raw({ method: 'HEAD', path, ...more });
  assert.equal(head.status, get.status, `HEAD answers with the status of GET: ${get.text}`);
  assert.equal(head.body.byteLength, 0, 'E03 HEAD has no body');
  if (get.status < 300) assert.deepEqual(comparable(head), comparable(get));
  return { get, head };
}

function comparable({ headers }: RawReply): Record<string, unknown> {
  const { date: _date, 'x-amz-request-id': _requestId, ...rest } = headers;
  return rest;
}

/** A PUT without a Content-Type, which no SDK sends. */
async function putRaw(fixture: Fixture, key: string, body: Uint8Array): Promise<void> {
  const reply = await fixture.raw({ method: 'PUT', path: `/${fixture.bucket}/${key}`, body });
  assert.equal(reply.status, 200, reply.text);
}
