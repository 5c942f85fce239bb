// kill -9 inside CompleteMultipartUpload, at each of its system calls in turn: either all parts are
// still there or the object is, whole; asked again, the completion makes the same ETag.
//
// S3ISH_COMPLETE_KILLS sets the number of kills, S3ISH_COMPLETE_PARTS the numbers of parts.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';

import {
  CompleteMultipartUploadCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  HeadObjectCommand,
  ListPartsCommand,
  S3ServiceException,
  UploadPartCommand,
  type CompletedPart,
  type S3Client,
} from '@aws-sdk/client-s3';

import { CallShim, whyNoCallShim } from '../support/call-shim.js';
import { reportFigure } from '../support/reliability.js';
import { withClient } from '../support/s3-client.js';
import { startServer, type TestServer } from '../support/server.js';
import { strike } from './kill-points.js';
import { md5, multipartVersionOf, type Version } from './ledger.js';
import { unquoted } from './load.js';
import { logLines } from './log-lines.js';
import { CRASH_SETTINGS } from './rounds.js';

const KILLS = Number(process.env['S3ISH_COMPLETE_KILLS'] ?? 6);
/** In turn; the last one for the rest. */
const PARTS = (process.env['S3ISH_COMPLETE_PARTS'] ?? '200,10').split(',').map(Number);
const BUCKET = 'complete-kills';
const SENDERS = 16;
const PART_BYTES = 100;

/** An upload with all of its parts, and what they make. */
interface Upload {
  readonly place: { readonly Bucket: string; readonly Key: string; readonly UploadId: string };
  readonly parts: CompletedPart[];
  readonly version: Version;
}

const reason = whyNoCallShim();
const skip = reason === undefined ? false : `NOT TESTED: ${reason}`;
if (reason !== undefined) {
  process.stderr.write(`NOT TESTED: kills inside CompleteMultipartUpload: ${reason}\n`);
}

test(`CompleteMultipartUpload is all or nothing (${KILLS} kills)`, { skip }, async (context) => {
  const shim = CallShim.compile();
  const settings = { ...CRASH_SETTINGS, limits: { min_part_size_mb: 0 } };
  const server = await startServer({ settings, env: shim.environment });
  const calls = new Set<string>();
  let killCount = 0;
  let completedCount = 0;
  try {
    await withClient(server, (client) => client.send(new CreateBucketCommand({ Bucket: BUCKET })));
    const callsCount = await countCalls(server, shim);
    // Few kills are those around the commit.
    const firstPoint = Math.max(1, callsCount - KILLS + 1);
    for (let uploadCount = 0; killCount < KILLS; uploadCount += 1) {
      const partsCount = PARTS[Math.min(uploadCount, PARTS.length - 1)] ?? 10;
      const upload = await withClient(server, (client) =>
        uploadParts(client, `key-${uploadCount}`, partsCount),
      );
      const { killed, isCompletedByKilled } = await killUntilDone(server, shim, upload, firstPoint);
      killCount += killed.length;
      completedCount += isCompletedByKilled ? 1 : 0;
      for (const call of killed) calls.add(call);
    }
    assert(completedCount > 0, 'a kill came between the commit and the answer');
    context.diagnostic(`before ${[...calls].join(', ')}`);
    reportFigure('P-05', {
      what: 'kills inside CompleteMultipartUpload',
      figure: `${killCount} kills, ${Math.min(...PARTS)} to ${Math.max(...PARTS)} parts: all or nothing, the same ETag when asked again`,
      faultCount: killCount,
    });
  } catch (error) {
    context.diagnostic(logLines(server));
    throw error;
  } finally {
    await server.stop();
    shim.remove();
  }
});

/** Calls of one completion. */
async function countCalls(server: TestServer, shim: CallShim): Promise<number> {
  return withClient(server, async (client) => {
    const upload = await uploadParts(client, 'counted', 10);
    const never = { victim: 'server', isWhole: false, point: 1_000_000 } as const;
    const { callsCount } = await strike(server, shim, never, () => complete(client, upload));
    return callsCount;
  });
}

/** Kills at one call, at the next ... until the object is there. */
async function killUntilDone(
  server: TestServer,
  shim: CallShim,
  upload: Upload,
  firstPoint: number,
): Promise<{ killed: string[]; isCompletedByKilled: boolean }> {
  const killed: string[] = [];
  for (let point = firstPoint; ; point += 1) {
    const { call } = await withClient(server, (client) =>
      // All processes every other time: one alone is started again after longer and longer pauses.
      strike(server, shim, { victim: 'server', isWhole: point % 2 === 0, point }, () =>
        complete(client, upload),
      ),
    );
    if (call === undefined) return { killed, isCompletedByKilled: false };
    const [name = ''] = call.split(' ');
    killed.push(name);
    if (await withClient(server, (client) => isCompleted(client, upload))) {
      await withClient(server, (client) => complete(client, upload));
      return { killed, isCompletedByKilled: true };
    }
  }
}

/** Whether the object is there; if not, all of its parts must be. */
async function isCompleted(client: S3Client, { place, parts, version }: Upload): Promise<boolean> {
  const { Bucket, Key } = place;
  try {
    const head = await client.send(new HeadObjectCommand({ Bucket, Key }));
    assert.deepEqual(
      { etag: unquoted(head.ETag), sizeBytes: head.ContentLength },
      { etag: version.etag, sizeBytes: version.sizeBytes },
    );
    return true;
  } catch (error) {
    if (!(error instanceof S3ServiceException && error.name === 'NotFound')) throw error;
  }
  const found: CompletedPart[] = [];
  for (let isTruncated = true; isTruncated;) {
    const PartNumberMarker = String(found.length);
    const page = await client.send(new ListPartsCommand({ ...place, PartNumberMarker }));
    for (const { PartNumber, ETag } of page.Parts ?? []) {
      found.push({ PartNumber, ETag: unquoted(ETag) });
    }
    isTruncated = page.IsTruncated === true;
  }
  assert.deepEqual(found, parts, 'without the object all parts are there');
  return false;
}

async function complete(client: S3Client, { place, parts, version }: Upload): Promise<void> {
  const answer = await client.send(
    new CompleteMultipartUploadCommand({ ...place, MultipartUpload: { Parts: parts } }),
  );
  assert.equal(unquoted(answer.ETag), version.etag);
}

async function uploadParts(client: S3Client, key: string, partsCount: number): Promise<Upload> {
  const name = { Bucket: BUCKET, Key: key };
  const { UploadId = '' } = await client.send(new CreateMultipartUploadCommand(name));
  const bodies = Array.from({ length: partsCount }, () => randomBytes(PART_BYTES));
  const queue = bodies.entries();
  const send = async (): Promise<void> => {
    // Shared by all senders.
    for (const [index, Body] of queue) {
      await client.send(new UploadPartCommand({ ...name, UploadId, PartNumber: index + 1, Body }));
    }
  };
  await Promise.all(Array.from({ length: SENDERS }, send));
  return {
    place: { ...name, UploadId },
    parts: bodies.map((body, index) => ({ PartNumber: index + 1, ETag: md5(body) })),
    version: multipartVersionOf(bodies),
  };
}
