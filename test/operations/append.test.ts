// PutObject with x-amz-write-offset-bytes over HTTP: what an appended object is, and that every
// other operation takes it for an object like any other. Races are in test/consistency.

import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { test } from 'node:test';

import {
  CopyObjectCommand,
  GetObjectAttributesCommand,
  GetObjectCommand,
  HeadObjectCommand,
  PutObjectCommand,
  type PutObjectCommandInput,
} from '@aws-sdk/client-s3';

import { checksumOf } from '#src/s3/checksums.js';

import { sidecarsOf, sweepAll } from '../support/blobs.js';
import { INLINE_BYTES_MAX } from '../support/in-process-server.js';
import { bytesOf, contentsOf, putObject, rename, uploadInParts } from '../support/objects.js';
import { onEveryBackend, refusal, type Fixture } from '../support/operation-suite.js';

const SMALL = Buffer.from('hello world');
const LARGE = randomBytes(INLINE_BYTES_MAX * 70 + 17);

/** Payloads that are put behind each other, and what lies in files in the end. */
const SEQUENCES: readonly (readonly [name: string, pieces: readonly Buffer[], left: string])[] = [
  ['one small piece', [SMALL], ''],
  ['small pieces', [SMALL, SMALL, SMALL], ''],
  ['up to the inline limit', [SMALL, randomBytes(INLINE_BYTES_MAX - SMALL.length)], ''],
  ['beyond the inline limit', [SMALL, randomBytes(INLINE_BYTES_MAX)], 'object'],
  ['a file behind bytes of the index', [SMALL, LARGE], 'object'],
  ['a small piece behind a file', [LARGE, SMALL], 'manifest object part'],
  ['files', [LARGE, LARGE, randomBytes(300_000)], 'manifest object part part'],
  ['all kinds', [SMALL, LARGE, SMALL, SMALL], 'manifest object part part'],
];

onEveryBackend(
  'PutObject with a write offset',
  (use) => {
    for (const [name, pieces, left] of SEQUENCES) {
      test(`R07 Append of ${name} gives the whole, its size and its checksum`, async () => {
        const fixture = await use();
        const { server, bucket } = fixture;
        const etags = new Set<string>();
        let whole = Buffer.alloc(0);
        for (const piece of pieces) {
          const offset = whole.byteLength;
          whole = Buffer.concat([whole, piece]);
          const answer = await append(fixture, 'key', offset, piece);
          assert.equal(answer.Size, whole.byteLength);
          assert.equal(answer.ChecksumCRC32, checksumOf('CRC32', whole));
          assert.equal(answer.ChecksumType, 'FULL_OBJECT');
          etags.add(answer.ETag ?? '');
          const head = await headOf(fixture, 'key');
          assert.deepEqual(
            [head.ContentLength, head.ETag, head.ChecksumCRC32],
            [whole.byteLength, answer.ETag, answer.ChecksumCRC32],
          );
          assert.deepEqual(await bytesOf(fixture, 'key'), whole);
        }
        assert.equal(etags.size, pieces.length, 'every append makes another ETag');
        assert.equal((await contentsOf(fixture)).length, 1);
        assert.deepEqual(server.store.bucketCounters(bucket), {
          ...{ objectCount: 1, objectBytes: whole.byteLength, uploadCount: 0 },
        });
        await sweepAll(server);
        assert.deepEqual(await bytesOf(fixture, 'key'), whole);
        await assertLeft(fixture, left);
        await assertNothingAfter(fixture, () => remove(fixture, 'key'));
      });
    }

    test('R07 Append to an object that came in one piece, in parts, as a copy, or empty', async () => {
      const fixture = await use();
      const { client, bucket } = fixture;
      const crc = { ChecksumAlgorithm: 'CRC32', ChecksumType: 'FULL_OBJECT' } as const;
      await putObject(fixture, 'plain', LARGE);
      await uploadInParts(fixture, 'parts', [LARGE, SMALL], crc);
      const copied = { Bucket: bucket, Key: 'copy', CopySource: `${bucket}/plain` };
      await client.send(new CopyObjectCommand(copied));
      await putObject(fixture, 'empty', '');
      const wholes = [LARGE, Buffer.concat([LARGE, SMALL]), LARGE, Buffer.alloc(0)];
      for (const [index, key] of ['plain', 'parts', 'copy', 'empty'].entries()) {
        let whole = wholes[index] ?? Buffer.alloc(0);
        for (const piece of [SMALL, LARGE]) {
          const { ChecksumCRC32 } = await append(fixture, key, whole.byteLength, piece);
          whole = Buffer.concat([whole, piece]);
          assert.equal(ChecksumCRC32, checksumOf('CRC32', whole), key);
          assert.deepEqual(await bytesOf(fixture, key), whole, key);
        }
      }
      assert.deepEqual(await bytesOf(fixture, 'plain'), Buffer.concat([LARGE, SMALL, LARGE]));
      await assertNothingAfter(fixture, async () => {
        for (const key of ['plain', 'parts', 'copy', 'empty']) await remove(fixture, key);
      });
    });

    test('R09 Append keeps what the object says about itself, and a new one takes it from the request', async () => {
      const fixture = await use();
      const first = { ContentType: 'text/x', Metadata: { a: 'b' }, StorageClass: 'ONEZONE_IA' };
      for (const piece of [SMALL, LARGE]) {
        const key = `key-${piece.byteLength}`;
        await append(fixture, key, 0, piece, first as Partial<PutObjectCommandInput>);
        const before = await headOf(fixture, key);
        assert.deepEqual([before.ContentType, before.Metadata], ['text/x', { a: 'b' }]);
        await append(fixture, key, piece.byteLength, LARGE, { ContentType: 'text/y' });
        const after = await headOf(fixture, key);
        assert.deepEqual([after.ContentType, after.Metadata], ['text/x', { a: 'b' }]);
        assert.equal(after.StorageClass, 'ONEZONE_IA');
        assert((after.LastModified ?? 0) >= (before.LastModified ?? 1));
      }
    });

    test('R07 Append makes the ETag of the parts, or the MD5 of a whole that is one payload', async () => {
      const fixture = await use();
      const one = await append(fixture, 'key', 0, SMALL);
      assert.equal(one.ETag, `"${md5Hex(SMALL)}"`);
      const whole = Buffer.concat([SMALL, LARGE]);
      const two = await append(fixture, 'key', SMALL.byteLength, LARGE);
      assert.equal(two.ETag, `"${md5Hex(whole)}"`);
      const three = await append(fixture, 'key', whole.byteLength, SMALL);
      const digests = Buffer.from(md5Hex(whole) + md5Hex(SMALL), 'hex');
      assert.equal(three.ETag, `"${md5Hex(digests)}-2"`);
    });

    test('R11 Append to a file: ranges, part numbers and attributes see the parts', async () => {
      const fixture = await use();
      const { client, bucket } = fixture;
      await append(fixture, 'key', 0, LARGE);
      await append(fixture, 'key', LARGE.byteLength, SMALL);
      const name = { Bucket: bucket, Key: 'key' };
      const across = LARGE.byteLength - 3;
      const ranged = { ...name, Range: `bytes=${across}-${across + 6}` };
      const { Body: body } = await client.send(new GetObjectCommand(ranged));
      assert.equal((await body?.transformToString('latin1'))?.slice(3), 'hell');
      const second = await client.send(new GetObjectCommand({ ...name, PartNumber: 2 }));
      assert.equal(await second.Body?.transformToString(), SMALL.toString());
      assert.equal(second.PartsCount, 2);
      const attributes = await client.send(
        new GetObjectAttributesCommand({
          ...name,
          ObjectAttributes: ['ETag', 'Checksum', 'ObjectParts', 'ObjectSize'],
        }),
      );
      assert.equal(attributes.ObjectSize, LARGE.byteLength + SMALL.byteLength);
      assert.deepEqual(
        attributes.ObjectParts?.Parts?.map(({ Size, ChecksumCRC32 }) => [Size, ChecksumCRC32]),
        [LARGE, SMALL].map((part) => [part.byteLength, checksumOf('CRC32', part)]),
      );
      assert.equal(attributes.Checksum?.ChecksumType, 'FULL_OBJECT');
    });

    test('R11 an appended object is copied, renamed, appended to again and overwritten', async () => {
      const fixture = await use();
      const { client, bucket, server } = fixture;
      await append(fixture, 'key', 0, LARGE);
      await append(fixture, 'key', LARGE.byteLength, SMALL);
      const whole = Buffer.concat([LARGE, SMALL]);
      const copied = { Bucket: bucket, Key: 'copy', CopySource: `${bucket}/key` };
      const { CopyObjectResult: result } = await client.send(new CopyObjectCommand(copied));
      assert.equal(result?.ETag, `"${md5Hex(whole)}"`);
      await rename(fixture, 'key', 'renamed');
      await append(fixture, 'renamed', whole.byteLength, SMALL);
      await sweepAll(server);
      assert.deepEqual(await bytesOf(fixture, 'renamed'), Buffer.concat([whole, SMALL]));
      assert.deepEqual(await bytesOf(fixture, 'copy'), whole);
      await assertNothingAfter(fixture, async () => {
        for (const key of ['renamed', 'copy']) await putObject(fixture, key, 'small');
      });
      assert.equal((await bytesOf(fixture, 'renamed')).toString(), 'small');
    });

    test('R11 a reader that opened an object before an append reads what it opened', async () => {
      const fixture = await use();
      const { server, bucket } = fixture;
      await append(fixture, 'key', 0, LARGE);
      await append(fixture, 'key', LARGE.byteLength, SMALL);
      server.store.refresh();
      const open = await server.store.openObject(bucket, 'key');
      const whole = { startByte: 0, endByte: open.version.sizeBytes };
      const body = open.read(whole) as AsyncIterable<Uint8Array>;
      await append(fixture, 'key', whole.endByte, LARGE);
      await sweepAll(server);
      const pieces: Uint8Array[] = [];
      for await (const piece of body) pieces.push(Uint8Array.from(piece));
      open.close();
      assert.deepEqual(Buffer.concat(pieces), Buffer.concat([LARGE, SMALL]));
    });

    test('R12 Append is limited to the most parts an object can have, and a copy starts anew', async () => {
      const fixture = await use();
      const { client, bucket } = fixture;
      await append(fixture, 'key', 0, LARGE);
      let size = LARGE.byteLength;
      // The server of this suite has a limit of 4.
      for (let count = 1; count < 4; count += 1) {
        await append(fixture, 'key', size, SMALL);
        size += SMALL.byteLength;
      }
      const refused = await refusal(append(fixture, 'key', size, SMALL));
      assert.deepEqual(refused, { code: 'TooManyParts', status: 400 });
      const onto = { Bucket: bucket, Key: 'copy', CopySource: `${bucket}/key` };
      await client.send(new CopyObjectCommand(onto));
      assert.equal((await append(fixture, 'copy', size, SMALL)).Size, size + SMALL.byteLength);
    });
  },
  { partSizeBytesMin: 1, partsCountMax: 4 },
);

function append(
  { client, bucket }: Fixture,
  key: string,
  offset: number,
  body: Buffer,
  more: Partial<PutObjectCommandInput> = {},
) {
  const name = { Bucket: bucket, Key: key };
  return client.send(
    new PutObjectCommand({ ...name, Body: body, WriteOffsetBytes: offset, ...more }),
  );
}

function headOf({ client, bucket }: Fixture, key: string) {
  const input = { Bucket: bucket, Key: key, ChecksumMode: 'ENABLED' } as const;
  return client.send(new HeadObjectCommand(input));
}

function md5Hex(bytes: Uint8Array): string {
  return createHash('md5').update(bytes).digest('hex');
}

async function remove({ raw, bucket }: Fixture, key: string): Promise<void> {
  assert.equal((await raw({ method: 'DELETE', path: `/${bucket}/${key}` })).status, 204);
}

/** The kinds of the sidecars, in order, and that the manifest names every other blob. */
async function assertLeft({ server, bucket }: Fixture, left: string): Promise<void> {
  if (server.backend === 'memory') return;
  const found = await sidecarsOf(server, bucket);
  assert.equal(
    found
      .map(({ kind }) => kind)
      .sort()
      .join(' '),
    left,
  );
  const manifest = found.find((sidecar) => sidecar.kind === 'manifest');
  if (manifest === undefined) return;
  const others = found.filter(({ kind }) => kind !== 'manifest').map(({ blobId }) => blobId);
  assert.deepEqual(manifest.parts.map(({ blobId }) => blobId).sort(), others.sort());
}

/** What shared blobs were for is over: each goes once, and none stays. */
async function assertNothingAfter(
  { server, bucket }: Fixture,
  end: () => Promise<void>,
): Promise<void> {
  await end();
  await sweepAll(server);
  if (server.backend === 'file') assert.deepEqual(await sidecarsOf(server, bucket), []);
}
