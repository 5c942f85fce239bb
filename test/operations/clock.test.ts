// The server's clock jumps by an hour or a day, forward and back: versions stay in order, uploads go
// on, and limits follow the new time.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';

import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  ListPartsCommand,
  PutObjectCommand,
  UploadPartCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';

import { clockedClient } from '../support/clocked-client.js';
import {
  BACKENDS,
  INLINE_BYTES_MAX,
  startInProcessServer,
  type InProcessServer,
} from '../support/in-process-server.js';
import { refusal } from '../support/operation-suite.js';
import { reportFigure } from '../support/reliability.js';
import { s3Client } from '../support/s3-client.js';

const SECOND_MS = 1000;
const HOUR_MS = 3_600 * SECOND_MS;
const DAY_MS = 24 * HOUR_MS;
const JUMPS_MS = [HOUR_MS, -HOUR_MS, DAY_MS, -DAY_MS, -DAY_MS, HOUR_MS, -2 * DAY_MS, 5 * DAY_MS];
/** In the index, and in files. */
const SIZES = [100, INLINE_BYTES_MAX + 1];
/** Far from the clock of the machine, over the end of a year. */
const START_MS = Date.UTC(2031, 11, 31, 22);
const Bucket = 'clocks';

for (const backend of BACKENDS) {
  describe(`a clock that jumps, ${backend} backend`, () => {
    const clock = { nowMs: START_MS };
    let server: InProcessServer;
    let client: S3Client;
    let jumpCount = 0;

    before(async () => {
      const limits = { partSizeBytesMin: 1 };
      server = await startInProcessServer({ backend, limits, nowMs: () => clock.nowMs });
      client = clockedClient(server, clock);
      await client.send(new CreateBucketCommand({ Bucket }));
    });
    after(async () => {
      client.destroy();
      await server.stop();
      assert.deepEqual(server.faults, [], 'no request ends in a fault');
    });

    function jump(byMs: number): void {
      clock.nowMs += byMs;
      jumpCount += 1;
    }

    async function lastModifiedMs(Key: string): Promise<number> {
      const { LastModified } = await client.send(new HeadObjectCommand({ Bucket, Key }));
      const { Contents } = await client.send(new ListObjectsV2Command({ Bucket, Prefix: Key }));
      const listed = Contents?.find((one) => one.Key === Key)?.LastModified?.getTime() ?? NaN;
      const shown = LastModified?.getTime() ?? NaN;
      assert.equal(Math.floor(listed / SECOND_MS), shown / SECOND_MS, 'lists show the same');
      return shown;
    }

    /** Ways to write a new version of a key. */
    const WRITES = {
      PutObject: async (Key: string, Body: Buffer) => {
        await client.send(new PutObjectCommand({ Bucket, Key, Body }));
      },
      CopyObject: async (Key: string, Body: Buffer) => {
        await client.send(new PutObjectCommand({ Bucket, Key: 'source', Body }));
        const CopySource = `${Bucket}/source`;
        await client.send(new CopyObjectCommand({ Bucket, Key, CopySource }));
      },
      CompleteMultipartUpload: async (Key: string, Body: Buffer) => {
        const { UploadId } = await client.send(new CreateMultipartUploadCommand({ Bucket, Key }));
        const part = { Bucket, Key, UploadId, PartNumber: 1 };
        const { ETag } = await client.send(new UploadPartCommand({ ...part, Body }));
        const MultipartUpload = { Parts: [{ PartNumber: 1, ETag }] };
        await client.send(
          new CompleteMultipartUploadCommand({ Bucket, Key, UploadId, MultipartUpload }),
        );
      },
      append: async (Key: string, Body: Buffer) => {
        const { ContentLength } = await client.send(new HeadObjectCommand({ Bucket, Key }));
        const WriteOffsetBytes = ContentLength ?? 0;
        await client.send(new PutObjectCommand({ Bucket, Key, Body, WriteOffsetBytes }));
      },
    } as const;

    for (const [name, write] of Object.entries(WRITES)) {
      test(`${name} makes no version that looks older than the one before`, async () => {
        for (const size of SIZES) {
          const key = `${name}-${size}`;
          await WRITES.PutObject(key, Buffer.alloc(size));
          let previousMs = await lastModifiedMs(key);
          for (const byMs of JUMPS_MS) {
            jump(byMs);
            await write(key, Buffer.alloc(size, String(byMs)));
            const modifiedMs = await lastModifiedMs(key);
            const expectedMs = Math.max(
              previousMs,
              Math.floor(clock.nowMs / SECOND_MS) * SECOND_MS,
            );
            assert.equal(modifiedMs, expectedMs);
            previousMs = modifiedMs;
          }
        }
      });
    }

    test('an upload goes on when the clock jumps back during it', async () => {
      const Key = 'upload';
      const { UploadId } = await client.send(new CreateMultipartUploadCommand({ Bucket, Key }));
      const initiatedMs = clock.nowMs;
      const upload = { Bucket, Key, UploadId };
      const Parts: { PartNumber: number; ETag: string | undefined }[] = [];
      for (const PartNumber of [1, 2, 3, 4]) {
        const Body = Buffer.alloc(5_000, String(PartNumber));
        const answer = await client.send(new UploadPartCommand({ ...upload, PartNumber, Body }));
        Parts.push({ PartNumber, ETag: answer.ETag });
        jump(-DAY_MS);
      }
      const listed = await client.send(new ListPartsCommand(upload));
      assert.equal(listed.Parts?.length, Parts.length);
      for (const { LastModified } of listed.Parts ?? []) {
        assert((LastModified?.getTime() ?? NaN) >= initiatedMs, 'no part is older than its upload');
      }
      const { Uploads } = await client.send(new ListMultipartUploadsCommand({ Bucket }));
      assert.deepEqual(
        Uploads?.map((one) => [one.UploadId, one.Initiated?.getTime()]),
        [[UploadId, initiatedMs]],
      );
      await client.send(
        new CompleteMultipartUploadCommand({ ...upload, MultipartUpload: { Parts } }),
      );
      assert((await lastModifiedMs(Key)) >= initiatedMs, 'nor is the object');
      const { Body } = await client.send(new GetObjectCommand({ Bucket, Key }));
      const bytes = (await Body?.transformToString()) ?? '';
      assert.equal(bytes, ['1', '2', '3', '4'].map((digit) => digit.repeat(5_000)).join(''));
    });

    test('a part that replaces another looks no older, and an abort leaves nothing', async () => {
      const Key = 'replaced';
      const { UploadId } = await client.send(new CreateMultipartUploadCommand({ Bucket, Key }));
      const part = { Bucket, Key, UploadId, PartNumber: 1 };
      const dates: number[] = [];
      for (const byMs of [DAY_MS, -DAY_MS, -DAY_MS]) {
        jump(byMs);
        await client.send(new UploadPartCommand({ ...part, Body: Buffer.alloc(10, String(byMs)) }));
        const { Parts } = await client.send(new ListPartsCommand(part));
        dates.push(Parts?.[0]?.LastModified?.getTime() ?? NaN);
      }
      assert.deepEqual(dates, Array(3).fill(dates[0]));
      await client.send(new AbortMultipartUploadCommand(part));
      const { Uploads } = await client.send(new ListMultipartUploadsCommand({ Bucket }));
      assert.equal(Uploads, undefined);
    });

    test('presigned URLs and signatures follow the new time', async () => {
      const Key = 'presigned';
      await client.send(new PutObjectCommand({ Bucket, Key, Body: 'bytes' }));
      const url = await getSignedUrl(client, new GetObjectCommand({ Bucket, Key }), {
        ...{ expiresIn: 3600, signingDate: new Date(clock.nowMs) },
      });
      const signedMs = clock.nowMs;
      const seen: unknown[] = [];
      for (const sinceMs of [0, HOUR_MS, HOUR_MS + SECOND_MS, DAY_MS, 0, -HOUR_MS, HOUR_MS / 2]) {
        jump(signedMs + sinceMs - clock.nowMs);
        const reply = await fetch(url);
        const [, message] = /<Message>(.*?)<\/Message>/.exec(await reply.text()) ?? [];
        seen.push([sinceMs / SECOND_MS, reply.status, message]);
      }
      const expired = [403, 'Request has expired'];
      assert.deepEqual(seen, [
        [0, 200, undefined],
        [3600, 200, undefined],
        ...[
          [3601, ...expired],
          [86_400, ...expired],
        ],
        [0, 200, undefined],
        [-3600, 403, 'Request is not valid yet'],
        [1800, 200, undefined],
      ]);
      const systemClient = s3Client(server);
      assert.deepEqual(await refusal(systemClient.send(new GetObjectCommand({ Bucket, Key }))), {
        code: 'RequestTimeTooSkewed',
        status: 403,
      });
      systemClient.destroy();
    });

    test('conditions go by the clock that dates the objects', async () => {
      const Key = 'dated';
      await client.send(new PutObjectCommand({ Bucket, Key, Body: 'bytes' }));
      // Later than now by the clock of the machine: such a date would not count.
      const IfModifiedSince = new Date(clock.nowMs);
      const CopySourceIfModifiedSince = IfModifiedSince;
      assert.equal(
        (await refusal(client.send(new GetObjectCommand({ Bucket, Key, IfModifiedSince })))).status,
        304,
      );
      const copy = { Bucket, Key: 'copy', CopySource: `${Bucket}/${Key}` };
      assert.deepEqual(
        await refusal(client.send(new CopyObjectCommand({ ...copy, CopySourceIfModifiedSince }))),
        { code: 'PreconditionFailed', status: 412 },
      );
    });

    test('what is being written is no orphan when the clock jumps forward', async () => {
      const { store } = server;
      store.refresh();
      const sizeBytes = INLINE_BYTES_MAX + 1;
      await using staged = await store.stageObject({ bucket: Bucket, key: 'staged', sizeBytes });
      await staged.write(Buffer.alloc(sizeBytes));
      jump(DAY_MS * 2);
      assert.equal(await store.reclaimer.sweepOrphans(DAY_MS), 0);
      const attributes = { userMetadata: {} };
      const commit = { attributes, tags: [], etag: '0'.repeat(32), checksum: undefined };
      const version = await staged.commit({ ...commit, conditions: {} });
      assert.equal(version.sizeBytes, sizeBytes);
    });

    test('no request took less than no time', () => {
      assert(server.ends.length > 100);
      assert(server.ends.every(({ durationMs }) => durationMs >= 0));
      reportFigure('P-29', {
        what: `jumps of the clock, ${backend} backend`,
        figure: `${jumpCount} jumps of up to five days, 0 versions out of order, 0 negative durations, limits of URLs and signatures followed each`,
        faultCount: jumpCount,
      });
    });
  });
}
