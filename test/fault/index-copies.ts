/**
 * What tests of rebuilding and restoring need: the verbs, rows of an index, and all that clients see.
 *
 * @module
 */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';

import {
  GetObjectAttributesCommand,
  GetObjectCommand,
  GetObjectTaggingCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  type S3Client,
} from '@aws-sdk/client-s3';

import type { Table } from '#src/metadata/environment.js';
import { openLmdbEnvironment } from '#src/metadata/lmdb-environment.js';
import { decodeObject, encodeObject } from '#src/metadata/records.js';

import { MAIN_FILE, type TestServer } from '../support/server.js';

export const BUCKETS = ['bucket-a', 'bucket-b'] as const;

/** Tables whose rows follow from sidecars. */
const REBUILT: readonly Table[] = ['objects', 'counters', 'layouts', 'manifests', 'parts'];

export interface VerbResult {
  readonly code: number | null;
  readonly output: string;
}

/** Runs a verb of the command line on the store of a server. */
export async function runVerb(server: TestServer, ...args: string[]): Promise<VerbResult> {
  const child = spawn(process.execPath, [MAIN_FILE, ...args, '--config', server.configFile]);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => (output += text));
  }
  await once(child, 'close');
  return { code: child.exitCode, output };
}

export function metadataPathOf(server: TestServer): string {
  return join(server.dataPath, '.s3ish', 'metadata');
}

/** Order of writes, and the token of a rename: no sidecar tells them. */
const NOT_TOLD = { sequence: 0, extensions: [] };

/** Rows that follow from sidecars, as hex. */
export async function rowsOf(path: string): Promise<Map<string, string>> {
  const environment = openLmdbEnvironment({ path, isFsyncEnabled: true, epoch: undefined });
  try {
    const rows = new Map<string, string>();
    for (const table of REBUILT) {
      const range = { start: Buffer.of(0), end: Buffer.alloc(40, 0xff), countMax: 1_000_000 };
      for (const { key, value } of environment.range(table, range)) {
        const bytes =
          table === 'objects' ? encodeObject({ ...decodeObject(value), ...NOT_TOLD }) : value;
        const name = `${table} ${Buffer.from(key).toString('hex')}`;
        rows.set(name, Buffer.from(bytes).toString('hex'));
      }
    }
    return rows;
  } finally {
    await environment.close();
  }
}

export async function rowCountOf(path: string, table: Table): Promise<number> {
  const environment = openLmdbEnvironment({ path, isFsyncEnabled: true, epoch: undefined });
  try {
    const range = { start: Buffer.of(0), end: Buffer.alloc(40, 0xff), countMax: 1_000_000 };
    return environment.range(table, range).length;
  } finally {
    await environment.close();
  }
}

/** All that clients can see: lists in order, headers, tags, checksums, parts, ranges and bytes. */
export async function seenBy(client: S3Client): Promise<readonly object[]> {
  const seen: object[] = [];
  for (const Bucket of BUCKETS) {
    const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket }));
    seen.push({ Bucket, list: Contents });
    for (const { Key, Size = 0 } of Contents) {
      const name = { Bucket, Key };
      const head = await client.send(
        new HeadObjectCommand({ ...name, ChecksumMode: 'ENABLED', PartNumber: 1 }),
      );
      const whole = await client.send(new GetObjectCommand({ ...name, ChecksumMode: 'ENABLED' }));
      const bytes = Buffer.from((await whole.Body?.transformToByteArray()) ?? []);
      const tags = await client.send(new GetObjectTaggingCommand(name));
      const attributes = await client.send(
        new GetObjectAttributesCommand({
          ...name,
          ObjectAttributes: ['ETag', 'Checksum', 'ObjectParts', 'ObjectSize', 'StorageClass'],
        }),
      );
      const range = Size > 10 && {
        range: await client
          .send(new GetObjectCommand({ ...name, Range: `bytes=5-${Size - 3}` }))
          .then((reply) => reply.Body?.transformToString('hex')),
      };
      const parts = [head, whole, tags, attributes].map(withoutConnection);
      seen.push({ ...name, parts, bytes: bytes.toString('hex'), ...range });
    }
  }
  return seen;
}

function withoutConnection<Reply extends object>(reply: Reply): object {
  const { $metadata, Body, ...rest } = reply as Reply & { $metadata?: unknown; Body?: unknown };
  void $metadata;
  void Body;
  return rest;
}

/** Every blob directory of a bucket. */
export async function blobDirectories(server: TestServer, bucket: string): Promise<string[]> {
  const path = join(server.dataPath, bucket);
  const names = await readdir(path, { recursive: true });
  return names.filter((name) => /\/[0-9a-f]{32}$/.test(name)).map((name) => join(path, name));
}
