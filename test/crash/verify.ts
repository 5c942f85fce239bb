/**
 * What must hold after a restart, and what must be gone when everything was deleted.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  DeleteObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  ListPartsCommand,
  type S3Client,
} from '@aws-sdk/client-s3';

import { checkStore } from '#src/maintenance/check-store.js';
import type { Finding } from '#src/maintenance/findings.js';
import { TABLES } from '#src/metadata/environment.js';
import { bucketIdKey, bucketKey } from '#src/metadata/keys.js';
import { openLmdbEnvironment } from '#src/metadata/lmdb-environment.js';
import { decodeBucket, decodeCounters, type CountersRecord } from '#src/metadata/records.js';
import { openStore } from '#src/store/open-store.js';

import type { TestServer } from '../support/server.js';
import { isAlive, waitFor } from '../support/server.js';
import type { Ledger, OpenUpload } from './ledger.js';
import { BUCKET, stateInStore, unquoted } from './load.js';

/** Tables that hold nothing when there is no object, no upload and nothing to sweep. */
const EMPTY_AT_THE_END = TABLES.filter(
  (table) => !['system', 'buckets', 'counters'].includes(table),
);

/** Compares a restarted server, without load, with what was acknowledged. */
export async function verify(server: TestServer, client: S3Client, ledger: Ledger): Promise<void> {
  await endUploads(client, ledger);
  await Promise.all(
    ledger.keys().map(async (key) => ledger.observe(key, await stateInStore(client, key))),
  );

  const listed = await listing(client);
  const wanted = ledger.keys().flatMap((key) => {
    const state = ledger.known(key)?.state;
    return state === undefined ? [] : [{ key, etag: state.etag, sizeBytes: state.sizeBytes }];
  });
  const inOrder = wanted.sort((one, other) => (one.key < other.key ? -1 : 1));
  assert.deepEqual(listed, inOrder, 'the listing shows what GET shows');
  const uploads = await openUploads(client);
  assert.deepEqual(await countersOf(server), {
    objectCount: listed.length,
    objectBytes: listed.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
    uploadCount: uploads.length,
  });
}

/**
 * Ends the uploads that the kill interrupted. A completion that was under way is repeated and
 * must make, or have made, the same object; other uploads must still have what was acknowledged.
 */
async function endUploads(client: S3Client, ledger: Ledger): Promise<void> {
  // Of one key one after the other: the ledger has their order.
  const byKey = new Map<string, OpenUpload[]>();
  for (const upload of ledger.uploads.values()) {
    byKey.set(upload.key, [...(byKey.get(upload.key) ?? []), upload]);
  }
  await Promise.all([...byKey.values()].map((uploads) => endEach(client, ledger, uploads)));
}

async function endEach(
  client: S3Client,
  ledger: Ledger,
  uploads: readonly OpenUpload[],
): Promise<void> {
  for (const upload of uploads) {
    const { key, uploadId, completion } = upload;
    const place = { Bucket: BUCKET, Key: key, UploadId: uploadId };
    if (completion === undefined) {
      await verifyParts(client, upload);
      await client.send(new AbortMultipartUploadCommand(place));
    } else {
      const MultipartUpload = { Parts: completion.parts };
      const answer = await client.send(
        new CompleteMultipartUploadCommand({ ...place, MultipartUpload }),
      );
      assert.equal(unquoted(answer.ETag), completion.version.etag);
      ledger.acknowledge(key, completion.version);
    }
    ledger.uploads.delete(uploadId);
  }
}

async function verifyParts(client: S3Client, upload: OpenUpload): Promise<void> {
  const { Parts = [] } = await client.send(
    new ListPartsCommand({ Bucket: BUCKET, Key: upload.key, UploadId: upload.uploadId }),
  );
  for (const [partNumber, part] of upload.parts) {
    const found = Parts.find(({ PartNumber }) => PartNumber === partNumber);
    assert.deepEqual({ etag: unquoted(found?.ETag), sizeBytes: found?.Size }, part);
  }
}

async function listing(
  client: S3Client,
): Promise<{ key: string; etag: string; sizeBytes: number }[]> {
  const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket: BUCKET }));
  return Contents.map(({ Key = '', ETag, Size = -1 }) => ({
    key: Key,
    etag: unquoted(ETag),
    sizeBytes: Size,
  }));
}

/** Uploads that were created or aborted without an answer; nobody waits for them. */
async function openUploads(client: S3Client) {
  const { Uploads = [] } = await client.send(new ListMultipartUploadsCommand({ Bucket: BUCKET }));
  return Uploads;
}

/** The counters are served by no operation, so they are read where they are. */
async function countersOf(server: TestServer): Promise<CountersRecord> {
  const environment = openIndex(server);
  try {
    const bucket = environment.get('buckets', bucketKey(BUCKET));
    assert(bucket !== undefined);
    return decodeCounters(environment.get('counters', bucketIdKey(decodeBucket(bucket).id)));
  } finally {
    await environment.close();
  }
}

/**
 * Deletes everything and waits for the sweeper: no file, no mark and no record may stay.
 *
 * @param areMarksLost - a power cut forgets what was being staged; the daily walk finds that.
 */
export async function assertNothingLeftOver(
  server: TestServer,
  client: S3Client,
  ledger: Ledger,
  areMarksLost: boolean,
): Promise<void> {
  for (const { Key, UploadId } of await openUploads(client)) {
    await client.send(new AbortMultipartUploadCommand({ Bucket: BUCKET, Key, UploadId }));
  }
  for (const key of ledger.keys()) {
    await client.send(new DeleteObjectCommand({ Bucket: BUCKET, Key: key }));
  }
  const bucketPath = join(server.dataPath, BUCKET);
  const stagingPath = join(server.dataPath, '.s3ish', 'staging');
  if (areMarksLost) {
    await waitFor('the sweeper to end', () => rowsLeft(server).then((rows) => rows.length === 0));
    await server.terminate();
    await walkNow(server);
  } else {
    await waitFor('the sweeper to remove every payload', () => namesBelow(bucketPath).length === 0);
    await server.terminate();
  }
  assert.deepEqual(namesBelow(stagingPath), [], 'no staging mark is left');
  assert.deepEqual(namesBelow(bucketPath), [], 'no payload and no directory is left');
  assert.deepEqual(await rowsLeft(server), [], 'no record is left');
  const none = { objectCount: 0, objectBytes: 0, uploadCount: 0 };
  assert.deepEqual(await countersOf(server), none);
}

/** Has fsck look at everything in a store. */
export async function assertInOrder(server: TestServer): Promise<void> {
  const findings: Finding[] = [];
  await checkStore({
    ...{ basePath: server.dataPath, metadataPath: server.metadataPath },
    // A crash may have been that of one process.
    ...{ isOnline: isAlive(server.pid), isDataVerified: true },
    onFinding: (finding) => findings.push(finding),
  });
  assert.deepEqual(findings, [], 'fsck finds nothing');
}

/** What the jobs process does once a day, without waiting for the age that protects the living. */
export async function walkNow(server: TestServer): Promise<void> {
  const store = await openStore({
    backend: 'file',
    basePath: server.dataPath,
    metadataPath: server.metadataPath,
    isFsyncEnabled: true,
    inlineBytesMax: 0,
    incarnation: 'walk',
  });
  while ((await store.reclaimer.reclaimGarbage(() => true)).removedCount > 0);
  await store.reclaimer.sweepOrphans(0);
  await store.close();
}

async function rowsLeft(server: TestServer): Promise<string[]> {
  const environment = openIndex(server);
  try {
    return EMPTY_AT_THE_END.flatMap((table) =>
      environment
        .range(table, { start: Buffer.of(0), end: Buffer.of(0xff), countMax: 10 })
        .map(({ key }) => `${table} ${Buffer.from(key).toString('latin1')}`),
    );
  } finally {
    await environment.close();
  }
}

function openIndex(server: TestServer) {
  const path = server.metadataPath;
  return openLmdbEnvironment({ path, isFsyncEnabled: true, epoch: undefined });
}

function namesBelow(path: string): string[] {
  for (;;) {
    try {
      return existsSync(path) ? readdirSync(path, { recursive: true }).map(String) : [];
    } catch (error) {
      // The sweeper removed a directory that was about to be read.
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  }
}
