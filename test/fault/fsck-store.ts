/**
 * Stores for fsck: written once by a real server, copied for each case, and changed at rest.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import {
  CreateBucketCommand,
  DeleteObjectCommand,
  PutObjectCommand,
  PutObjectTaggingCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3';

import { blobPaths } from '#src/blobs/layout.js';
import { checkStore, type CheckOptions } from '#src/maintenance/check-store.js';
import type { Finding } from '#src/maintenance/findings.js';
import type { WriteView } from '#src/metadata/environment.js';
import { bucketKey, objectKey, partKey } from '#src/metadata/keys.js';
import { openLmdbEnvironment } from '#src/metadata/lmdb-environment.js';
import {
  decodeBucket,
  decodeObject,
  decodePart,
  type ObjectRecord,
  type PartRecord,
} from '#src/metadata/records.js';

import { uploadInParts } from '../support/objects.js';
import { s3Client } from '../support/s3-client.js';
import { startServer, type TestServer } from '../support/server.js';
import { begin } from '../support/uploads.js';

export const BUCKET = 'bucket';
export const EMPTY_BUCKET = 'empty-bucket';
const BLOCK_BYTES = 262_144;

export interface StoredFiles {
  readonly blobId: string;
  readonly directory: string;
  readonly data: string;
  readonly sidecar: string;
}

/** A store at rest that may be damaged. */
export interface FsckStore {
  readonly dataPath: string;
  readonly bucketId: number;
  /** Of the completed upload of `parts`. */
  readonly uploadId: string;
  /** Of an upload to `begun` that has no part yet. */
  readonly emptyUploadId: string;
  object(key: string): ObjectRecord;
  part(partNumber: number): PartRecord;
  /** Of the only blob of an object. */
  files(key: string): StoredFiles;
  blobFiles(key: string, blobId: string): StoredFiles;
  change(action: (txn: WriteView) => void): Promise<void>;
  /** Leaves a staging mark. @returns its path. */
  mark(target: string, name: string): string;
}

/** Writes one of everything, and stops; nothing is swept, so garbage is there as well. */
export async function writeTemplate(): Promise<{ server: TestServer; emptyUploadId: string }> {
  const server = await startServer({
    settings: {
      storage: { sweep_interval_secs: 86_400, scrub_interval_hours: 0 },
      limits: { min_part_size_mb: 0 },
      log: { level: 'error' },
    },
  });
  const client = s3Client(server);
  for (const Bucket of [EMPTY_BUCKET, BUCKET]) {
    await client.send(new CreateBucketCommand({ Bucket }));
  }
  const place = { client, bucket: BUCKET };
  const put = (Key: string, Body: Buffer, more: object = {}) =>
    client.send(new PutObjectCommand({ Bucket: BUCKET, Key, Body, ...more }));
  await put('inline', Buffer.from('inside the index'), { Tagging: 'a=b' });
  await put('plain', randomBytes(70_000));
  await put('plain', randomBytes(BLOCK_BYTES + 70_000), {
    ...{ ContentType: 'text/plain', Metadata: { colour: 'blue' }, Tagging: 'one=1' },
  });
  await put('other', randomBytes(BLOCK_BYTES + 70_000));
  const Tagging = { TagSet: [{ Key: 'new', Value: 'tag' }] };
  await client.send(new PutObjectTaggingCommand({ Bucket: BUCKET, Key: 'other', Tagging }));
  await put(`long/${'k'.repeat(500)} ö`, randomBytes(40_000));
  await put('gone', randomBytes(40_000));
  await client.send(new DeleteObjectCommand({ Bucket: BUCKET, Key: 'gone' }));
  await uploadInParts(place, 'parts', [randomBytes(300_000), randomBytes(5), randomBytes(9)]);
  await uploadInParts(place, 'replaced', [randomBytes(10), randomBytes(9)]);
  await put('replaced', Buffer.from('short'));
  const begun = await begin(client, BUCKET, 'begun-with-part');
  for (const PartNumber of [1, 3, 3]) {
    await client.send(new UploadPartCommand({ ...begun, PartNumber, Body: randomBytes(500) }));
  }
  const { UploadId: emptyUploadId } = await begin(client, BUCKET, 'begun');
  client.destroy();
  assert.equal(await server.terminate(), 0);
  return { server, emptyUploadId };
}

/** Hands out a copy of a store, and removes it afterwards. */
export async function withCopy<Output>(
  template: { readonly server: TestServer; readonly emptyUploadId: string },
  use: (store: FsckStore) => Promise<Output>,
): Promise<Output> {
  const directory = mkdtempSync(join(tmpdir(), 's3ish-fsck-'));
  const dataPath = join(directory, 'data');
  assert.equal(spawnSync('cp', ['-a', template.server.dataPath, dataPath]).status, 0);
  try {
    return await use(await openCopy(dataPath, template.emptyUploadId));
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

async function openCopy(dataPath: string, emptyUploadId: string): Promise<FsckStore> {
  const read = await rowsOf(dataPath);
  const blobFiles = (key: string, blobId: string): StoredFiles => {
    const { blob: directory } = blobPaths(dataPath, { bucket: BUCKET, key, blobId });
    const [data, sidecar] = [join(directory, 'data'), join(directory, 'metadata.json')];
    return { blobId, directory, data, sidecar };
  };
  return {
    ...{ dataPath, emptyUploadId, blobFiles, ...read },
    files: (key) => {
      const { placement } = read.object(key);
      assert(placement.kind === 'plain');
      return blobFiles(key, placement.blobId);
    },
    change: async (action) => {
      const environment = openIndex(dataPath);
      await environment.write((txn) => action(txn), undefined);
      await environment.close();
    },
    mark: (target, name) => {
      const marks = join(dataPath, '.s3ish/staging/0incarnation');
      mkdirSync(marks, { recursive: true, mode: 0o700 });
      symlinkSync(target, join(marks, name));
      return join(marks, name);
    },
  };
}

/** What cases want to know of the rows, read before anything is damaged. */
async function rowsOf(dataPath: string) {
  const environment = openIndex(dataPath);
  const bucketId = decodeBucket(environment.get('buckets', bucketKey(BUCKET)) ?? Buffer.of()).id;
  const object = (key: string): ObjectRecord => {
    const bytes = environment.get('objects', objectKey(bucketId, key));
    assert(bytes !== undefined, `${key} was written`);
    return decodeObject(bytes);
  };
  const { placement } = object('parts');
  assert(placement.kind === 'parts');
  const { uploadId } = placement;
  const objects = new Map(['inline', 'plain', 'other'].map((key) => [key, object(key)]));
  const part = decodePart(environment.get('parts', partKey(uploadId, 1)) ?? Buffer.of());
  await environment.close();
  return {
    ...{ bucketId, uploadId },
    object: (key: string): ObjectRecord => {
      const record = objects.get(key);
      assert(record !== undefined);
      return record;
    },
    part: (): PartRecord => part,
  };
}

/** All that fsck finds. */
export async function findingsIn(
  dataPath: string,
  options: Partial<CheckOptions> = {},
): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  const summary = await checkStore({
    ...{ basePath: dataPath, metadataPath: join(dataPath, '.s3ish/metadata') },
    ...{ isOnline: false, isDataVerified: true },
    onFinding: (finding) => findings.push(finding),
    ...options,
  });
  assert.equal(summary.findings, findings.length);
  return findings;
}

function openIndex(dataPath: string) {
  const path = join(dataPath, '.s3ish/metadata');
  return openLmdbEnvironment({ path, isFsyncEnabled: false, epoch: undefined });
}
