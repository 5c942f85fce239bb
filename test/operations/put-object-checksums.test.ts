// Digests of a PutObject over HTTP: promised ones are proven, missing ones computed.

import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { test } from 'node:test';

import {
  GetObjectCommand,
  HeadObjectCommand,
  PutObjectCommand,
  type PutObjectCommandOutput,
} from '@aws-sdk/client-s3';

import { INLINE_BYTES_MAX } from '../support/in-process-server.js';
import { onEveryBackend, type Fixture } from '../support/operation-suite.js';
import { elementText, type RawReply } from '../support/raw-request.js';
import { changesNothing } from '../support/store-state.js';

const BODY = randomBytes(INLINE_BYTES_MAX + 1);
const MD5 = createHash('md5').update(BODY).digest();
const SHA1 = createHash('sha1').update(BODY).digest('base64');
const SHA256 = createHash('sha256').update(BODY).digest('base64');
// Those that the SDK computes by itself.
const SDK_ALGORITHMS = ['CRC32', 'CRC32C', 'CRC64NVME', 'SHA1', 'SHA256'] as const;
// prettier-ignore
const DIGEST_BYTES = {
  CRC32: 4, CRC32C: 4, CRC64NVME: 8, SHA1: 20, SHA256: 32, SHA512: 64,
  MD5: 16, XXHASH64: 8, XXHASH3: 8, XXHASH128: 16,
} as const;
// CRC64NVME of "123456789", from the catalogue of parametrised CRCs: 0xae8b14860a799888.
const DIGITS_CRC64NVME = Buffer.from('ae8b14860a799888', 'hex').toString('base64');

function put(
  { raw, bucket }: Fixture,
  headers: Readonly<Record<string, string>>,
  body: string | Uint8Array = BODY,
): Promise<RawReply> {
  return raw({ method: 'PUT', path: `/${bucket}/key`, headers, body });
}

function checksumsOf(headers: RawReply['headers']): string[] {
  return Object.keys(headers)
    .filter((name) => name.startsWith('x-amz-checksum-'))
    .sort();
}

onEveryBackend('PutObject checksums', (use) => {
  for (const algorithm of SDK_ALGORITHMS) {
    const field = `Checksum${algorithm}` as const;

    test(`C17 C20 ${algorithm} sent by the SDK is verified, echoed and stored`, async () => {
      const { client, bucket } = await use();
      const name = { Bucket: bucket, Key: 'key' };
      const sent: PutObjectCommandOutput = await client.send(
        new PutObjectCommand({ ...name, Body: BODY, ChecksumAlgorithm: algorithm }),
      );
      assert(sent[field] !== undefined);
      assert.equal(sent.ChecksumType, 'FULL_OBJECT');
      const head = await client.send(new HeadObjectCommand({ ...name, ChecksumMode: 'ENABLED' }));
      assert.deepEqual([head[field], head.ChecksumType], [sent[field], 'FULL_OBJECT']);
    });
  }

  for (const [algorithm, digestBytes] of Object.entries(DIGEST_BYTES)) {
    const header = `x-amz-checksum-${algorithm.toLowerCase()}`;

    test(`C14 C23 BI-097 a wrong ${header} is BadDigest`, async () => {
      const fixture = await use();
      await changesNothing(fixture, async () => {
        const value = Buffer.alloc(digestBytes, 1).toString('base64');
        const reply = await put(fixture, { [header]: value });
        assert.deepEqual([reply.status, reply.code], [400, 'BadDigest']);
      });
    });

    test(`C14 C23 BI-097 a ${header} that is no digest is InvalidRequest`, async () => {
      const fixture = await use();
      await changesNothing(fixture, async () => {
        const right = Buffer.alloc(digestBytes, 1).toString('base64');
        const long = Buffer.alloc(digestBytes + 1, 1).toString('base64');
        for (const value of ['', '!!!!', right.slice(0, -2), long, `${right}-1`]) {
          const reply = await put(fixture, { [header]: value });
          assert.deepEqual([reply.status, reply.code], [400, 'InvalidRequest'], value);
        }
      });
    });
  }

  test('C16 without a checksum CRC64NVME is computed, stored and returned', async () => {
    const fixture = await use();
    const reply = await put(fixture, {}, '123456789');
    assert.equal(reply.headers['x-amz-checksum-crc64nvme'], DIGITS_CRC64NVME);
    assert.equal(reply.headers['x-amz-checksum-type'], 'FULL_OBJECT');
    const { client, bucket } = fixture;
    const name = { Bucket: bucket, Key: 'key', ChecksumMode: 'ENABLED' } as const;
    const read = await client.send(new GetObjectCommand(name));
    assert.equal(read.ChecksumCRC64NVME, DIGITS_CRC64NVME);
    await read.Body?.transformToByteArray();
  });

  test('C13 an algorithm without a value stores CRC64NVME for a plain body', async () => {
    const fixture = await use();
    const headers = { 'x-amz-sdk-checksum-algorithm': 'SHA256' };
    const reply = await put(fixture, headers, '123456789');
    assert.equal(reply.status, 200, reply.text);
    assert.equal(reply.headers['x-amz-checksum-crc64nvme'], DIGITS_CRC64NVME);
    assert.equal(reply.headers['x-amz-checksum-sha256'], undefined);
  });

  for (const method of ['GET', 'HEAD']) {
    test(`C17 ${method} shows the checksum only when asked, its type always`, async () => {
      const fixture = await use();
      const { raw, bucket } = fixture;
      await put(fixture, { 'x-amz-checksum-sha256': SHA256 });
      const path = `/${bucket}/key`;
      const plain = await raw({ method, path });
      assert.deepEqual(checksumsOf(plain.headers), ['x-amz-checksum-type']);
      const headers = { 'x-amz-checksum-mode': 'ENABLED' };
      const asked = await raw({ method, path, headers });
      assert.deepEqual(checksumsOf(asked.headers), [
        'x-amz-checksum-sha256',
        'x-amz-checksum-type',
      ]);
      assert.equal(asked.headers['x-amz-checksum-sha256'], SHA256);
    });

    test(`C18 ${method} of a range shows the checksum only when it is the whole object`, async () => {
      const fixture = await use();
      const { raw, bucket } = fixture;
      await put(fixture, { 'x-amz-checksum-sha256': SHA256 });
      const shown = async (range: string): Promise<string | string[] | undefined> => {
        const headers = { 'x-amz-checksum-mode': 'ENABLED', range };
        const reply = await raw({ method, path: `/${bucket}/key`, headers });
        assert.equal(reply.status, 206, range);
        return reply.headers['x-amz-checksum-sha256'];
      };
      assert.equal(await shown(`bytes=0-${BODY.byteLength - 1}`), SHA256);
      assert.equal(await shown('bytes=0-'), SHA256);
      assert.equal(await shown('bytes=1-'), undefined);
      assert.equal(await shown('bytes=0-0'), undefined);
      assert.equal(await shown('bytes=-1'), undefined);
    });
  }

  test('C20 a checksum covers the bytes as sent, whatever their Content-Encoding', async () => {
    const fixture = await use();
    const headers = { 'content-encoding': 'gzip', 'x-amz-checksum-sha256': SHA256 };
    assert.equal((await put(fixture, headers)).status, 200);
  });

  for (const [id, what, headers] of [
    ['C12', 'of two algorithms', { 'x-amz-checksum-sha1': SHA1, 'x-amz-checksum-sha256': SHA256 }],
    [
      'C11',
      'and a trailer',
      { 'x-amz-checksum-sha1': SHA1, 'x-amz-trailer': 'x-amz-checksum-sha1' },
    ],
    [
      'C13',
      'of another algorithm than named',
      { 'x-amz-checksum-sha1': SHA1, 'x-amz-sdk-checksum-algorithm': 'SHA256' },
    ],
    ['C24', 'of an unknown algorithm', { 'x-amz-checksum-crc16': 'AAA=' }],
    ['C24', 'beside an unknown name', { 'x-amz-sdk-checksum-algorithm': 'CRC16' }],
  ] as const) {
    test(`${id} BI-088 BI-089 BI-098 a checksum ${what} is InvalidRequest`, async () => {
      const fixture = await use();
      await changesNothing(fixture, async () => {
        const reply = await put(fixture, headers);
        assert.deepEqual([reply.status, reply.code], [400, 'InvalidRequest']);
      });
    });
  }

  test('C13 a value and the name of its algorithm, in any case, are accepted', async () => {
    const fixture = await use();
    for (const named of ['SHA1', 'sha1']) {
      const headers = { 'x-amz-checksum-sha1': SHA1, 'x-amz-sdk-checksum-algorithm': named };
      assert.equal((await put(fixture, headers)).status, 200, named);
    }
  });

  test('C15 the right Content-MD5 is accepted, also beside a checksum', async () => {
    const fixture = await use();
    const md5 = { 'content-md5': MD5.toString('base64') };
    assert.equal((await put(fixture, md5)).status, 200);
    assert.equal((await put(fixture, { ...md5, 'x-amz-checksum-sha1': SHA1 })).status, 200);
  });

  for (const value of [
    '',
    'short',
    '!'.repeat(24),
    MD5.toString('hex'),
    MD5.toString('base64').slice(0, -2),
    Buffer.alloc(15).toString('base64'),
    Buffer.alloc(17).toString('base64'),
  ]) {
    test(`C15 BI-095 Content-MD5: ${value} is InvalidDigest`, async () => {
      const fixture = await use();
      await changesNothing(fixture, async () => {
        const reply = await put(fixture, { 'content-md5': value });
        assert.deepEqual([reply.status, reply.code], [400, 'InvalidDigest']);
        assert.equal(elementText(reply.text, 'Content-MD5'), value);
      });
    });
  }

  test('C15 BI-096 a wrong Content-MD5 is BadDigest and shows both digests', async () => {
    const fixture = await use();
    await put(fixture, {}, 'kept');
    await changesNothing(fixture, async () => {
      const reply = await put(fixture, { 'content-md5': Buffer.alloc(16).toString('base64') });
      assert.deepEqual([reply.status, reply.code], [400, 'BadDigest']);
      assert.equal(elementText(reply.text, 'ExpectedDigest'), '00'.repeat(16));
      assert.equal(elementText(reply.text, 'CalculatedDigest'), MD5.toString('base64'));
    });
  });
});
