// PutObject with x-amz-write-offset-bytes over HTTP: what is refused, with nothing changed.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';

import { checksumOf } from '#src/s3/checksums.js';

import { sweepAll } from '../support/blobs.js';
import { INLINE_BYTES_MAX } from '../support/in-process-server.js';
import { bytesOf, putObject, textOf, uploadInParts } from '../support/objects.js';
import { onEveryBackend, type Fixture } from '../support/operation-suite.js';
import { elementText, rawRequest, type RawReply } from '../support/raw-request.js';
import { changesNothing } from '../support/store-state.js';

const OFFSET = 'x-amz-write-offset-bytes';
const LARGE = randomBytes(INLINE_BYTES_MAX * 3);
const OBJECT_SIZE_BYTES_MAX = 40_000;

onEveryBackend(
  'PutObject with a write offset refuses',
  (use) => {
    for (const [name, existing, offset] of [
      ['an absent object', undefined, 1],
      ['an object in the index, from the start', Buffer.from('hello'), 0],
      ['an object in the index, within it', Buffer.from('hello'), 4],
      ['an object in the index, beyond it', Buffer.from('hello'), 6],
      ['an object in a file, from the start', LARGE, 0],
      ['an object in a file, within it', LARGE, LARGE.byteLength - 1],
      ['an object in a file, beyond it', LARGE, LARGE.byteLength + 1],
      ['an empty object, beyond it', Buffer.alloc(0), 1],
    ] as const) {
      test(`R08 Append to ${name} is InvalidWriteOffset`, async () => {
        const fixture = await use();
        if (existing !== undefined) await putObject(fixture, 'key', existing);
        await changesNothing(fixture, async () => {
          const reply = await append(fixture, offset, 'more');
          assert.deepEqual([reply.status, reply.code], [400, 'InvalidWriteOffset']);
          assert.equal(
            elementText(reply.text, 'Message'),
            'The write offset value that you specified does not match the current object size.',
          );
        });
        if (existing !== undefined) assert.deepEqual(await bytesOf(fixture, 'key'), existing);
      });
    }

    for (const offset of ['', '-1', '1.5', 'x', '0x5', '5 5', '+5', '9'.repeat(16)]) {
      test(`R08 Append at the offset "${offset}" is InvalidArgument`, async () => {
        const fixture = await use();
        await putObject(fixture, 'key', 'hello');
        await changesNothing(fixture, async () => {
          const reply = await append(fixture, offset, 'more');
          assert.deepEqual([reply.status, reply.code], [400, 'InvalidArgument']);
          assert.equal(elementText(reply.text, 'ArgumentName'), OFFSET);
        });
      });
    }

    test('R09 Append of nothing is InvalidRequest', async () => {
      const fixture = await use();
      await putObject(fixture, 'key', 'hello');
      await changesNothing(fixture, async () => {
        const reply = await append(fixture, 5, '');
        assert.deepEqual([reply.status, reply.code], [400, 'InvalidRequest']);
        assert.match(reply.text, /Request body cannot be empty when 'write offset' is specified/);
      });
    });

    test('R09 Append with user metadata to an object that exists is InvalidRequest', async () => {
      const fixture = await use();
      await putObject(fixture, 'key', 'hello');
      await changesNothing(fixture, async () => {
        const reply = await append(fixture, 5, ' world', { 'x-amz-meta-a': 'b' });
        assert.deepEqual([reply.status, reply.code], [400, 'InvalidRequest']);
        assert.match(reply.text, /both a write offset value and user-defined object metadata/);
      });
      assert.equal((await append(fixture, 5, ' world')).status, 200);
    });

    test('R10 Append with another checksum than the object has is InvalidRequest', async () => {
      const fixture = await use();
      await putObject(fixture, 'key', 'hello', { ChecksumAlgorithm: 'CRC32C' });
      await changesNothing(fixture, async () => {
        const headers = { 'x-amz-checksum-crc32': checksumOf('CRC32', Buffer.from('more')) };
        const reply = await append(fixture, 5, 'more', headers);
        assert.deepEqual([reply.status, reply.code], [400, 'InvalidRequest']);
        assert.match(reply.text, /expected checksum Type: crc32c, actual checksum Type: crc32/);
      });
      const plain = await append(fixture, 5, 'more');
      const whole = Buffer.from('hellomore');
      assert.equal(plain.headers['x-amz-checksum-crc32c'], checksumOf('CRC32C', whole));
    });

    for (const algorithm of ['SHA1', 'SHA256'] as const) {
      test(`R10 Append with ${algorithm} or to an object of it is InvalidRequest`, async () => {
        const fixture = await use();
        const name = `x-amz-checksum-${algorithm.toLowerCase()}`;
        const headers = { [name]: checksumOf(algorithm, Buffer.from('more')) };
        await putObject(fixture, 'other', 'hello', { ChecksumAlgorithm: algorithm });
        await changesNothing(fixture, async () => {
          const created = await append(fixture, 0, 'more', headers);
          assert.deepEqual([created.status, created.code], [400, 'InvalidRequest']);
          for (const sent of [headers, {}]) {
            const reply = await append(fixture, 5, 'more', sent, 'other');
            assert.deepEqual([reply.status, reply.code], [400, 'InvalidRequest']);
          }
        });
      });
    }

    test('R10 Append to an object with a composite checksum is InvalidRequest', async () => {
      const fixture = await use();
      const composite = { ChecksumAlgorithm: 'CRC32', ChecksumType: 'COMPOSITE' } as const;
      await uploadInParts(fixture, 'key', [LARGE, Buffer.from('end')], composite);
      await changesNothing(fixture, async () => {
        const reply = await append(fixture, LARGE.byteLength + 3, 'more');
        assert.deepEqual([reply.status, reply.code], [400, 'InvalidRequest']);
      });
    });

    test('R09 Append of a body that is not what was promised changes nothing', async () => {
      const fixture = await use();
      await putObject(fixture, 'small', 'hello', { ChecksumAlgorithm: 'CRC32' });
      await putObject(fixture, 'large', LARGE, { ChecksumAlgorithm: 'CRC32' });
      await changesNothing(fixture, async () => {
        for (const [key, offset] of [
          ['small', 5],
          ['large', LARGE.byteLength],
          ['absent', 0],
        ] as const) {
          const headers = { 'x-amz-checksum-crc32': checksumOf('CRC32', Buffer.from('other')) };
          const reply = await append(fixture, offset, LARGE, headers, key);
          assert.deepEqual([reply.status, reply.code], [400, 'BadDigest'], key);
          const md5 = { 'content-md5': checksumOf('MD5', Buffer.from('other')) };
          const other = await append(fixture, offset, LARGE, md5, key);
          assert.deepEqual([other.status, other.code], [400, 'BadDigest'], key);
        }
      });
      await sweepAll(fixture.server);
    });

    test('R09 Append beyond the largest object is EntityTooLarge', async () => {
      const fixture = await use();
      await putObject(fixture, 'key', LARGE);
      const room = OBJECT_SIZE_BYTES_MAX - LARGE.byteLength;
      await changesNothing(fixture, async () => {
        const reply = await append(fixture, LARGE.byteLength, Buffer.alloc(room + 1));
        assert.deepEqual([reply.status, reply.code], [400, 'EntityTooLarge']);
      });
      assert.equal((await append(fixture, LARGE.byteLength, Buffer.alloc(room))).status, 200);
    });

    test('R09 Append decides the conditions of writes', async () => {
      const fixture = await use();
      await putObject(fixture, 'key', 'hello');
      const { headers } = await fixture.raw({ method: 'HEAD', path: `/${fixture.bucket}/key` });
      await changesNothing(fixture, async () => {
        for (const [sent, status, code] of [
          [{ 'if-none-match': '*' }, 412, 'PreconditionFailed'],
          [{ 'if-match': `"${'f'.repeat(32)}"` }, 412, 'PreconditionFailed'],
          [{ 'if-none-match': headers.etag ?? '' }, 501, 'NotImplemented'],
        ] as const) {
          const reply = await append(fixture, 5, ' world', sent);
          assert.deepEqual([reply.status, reply.code], [status, code]);
        }
        const absent = await append(fixture, 0, 'x', { 'if-match': '"a"' }, 'absent');
        assert.deepEqual([absent.status, absent.code], [404, 'NoSuchKey']);
      });
      const held = await append(fixture, 5, ' world', { 'if-match': headers.etag ?? '' });
      assert.equal(held.status, 200, held.text);
      assert.equal(await textOf(fixture, 'key'), 'hello world');
      const created = await append(fixture, 0, 'new', { 'if-none-match': '*' }, 'created');
      assert.equal(created.status, 200, created.text);
    });

    test('E10 R09 Append by another account, or to no bucket, is refused', async () => {
      const fixture = await use();
      const { server, bucket } = fixture;
      await putObject(fixture, 'key', 'hello');
      await changesNothing(fixture, async () => {
        const request = { method: 'PUT', headers: { [OFFSET]: '5' }, body: 'more' };
        const path = `/${bucket}/key`;
        const stranger = await rawRequest(server.stranger, { ...request, path });
        assert.deepEqual([stranger.status, stranger.code], [403, 'AccessDenied']);
        const nowhere = await fixture.raw({ ...request, path: '/no-such-bucket/key' });
        assert.deepEqual([nowhere.status, nowhere.code], [404, 'NoSuchBucket']);
      });
    });

    test('E06 UploadPart, CopyObject and RenameObject with a write offset are NotImplemented', async () => {
      const fixture = await use();
      const { bucket, raw } = fixture;
      await putObject(fixture, 'key', 'hello');
      await changesNothing(fixture, async () => {
        for (const [query, more] of [
          ['partNumber=1&uploadId=x', {}],
          ['', { 'x-amz-copy-source': `/${bucket}/key` }],
          ['renameObject', { 'x-amz-rename-source': '/key' }],
          ['tagging', {}],
        ] as const) {
          const headers = { [OFFSET]: '0', ...more };
          const path = `/${bucket}/new`;
          const reply = await raw({ method: 'PUT', path, query, headers, body: '' });
          assert.deepEqual([reply.status, reply.code], [501, 'NotImplemented'], query);
        }
      });
    });
  },
  { partSizeBytesMin: 1, objectSizeBytesMax: OBJECT_SIZE_BYTES_MAX },
);

function append(
  { raw, bucket }: Fixture,
  offset: number | string,
  body: string | Uint8Array,
  more: Readonly<Record<string, string>> = {},
  key = 'key',
): Promise<RawReply> {
  const headers = { [OFFSET]: String(offset), ...more };
  return raw({ method: 'PUT', path: `/${bucket}/${key}`, headers, body });
}
