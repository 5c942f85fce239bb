/**
 * The real store over a simulated disk, with an index whose commits are steps of their own: what
 * was committed survives, whatever becomes of the files.
 *
 * @module
 */

import assert from 'node:assert/strict';

import { openPlainBlobs } from '#src/blobs/plain-blobs.js';
import {
  TABLES,
  type Entry,
  type Environment,
  type Table,
  type WriteView,
} from '#src/metadata/environment.js';
import { openMemoryEnvironment } from '#src/metadata/memory-environment.js';
import { RecentBucket } from '#src/store/context.js';
import { RecordCache } from '#src/store/record-cache.js';
import { Headroom } from '#src/store/headroom.js';
import { assembleStore, type OpenStore } from '#src/store/open-store.js';
import { ReadHolds } from '#src/store/read-holds.js';
import { Reserve } from '#src/store/reserve.js';
import { readSidecar } from '#src/store/sidecar.js';

import { bytesIn } from '../model/store-bytes.js';
import { md5 } from '../model/system.js';
import type { SimDirectory, SimDisk, SimFile } from './sim-disk.js';

export const BASE = '/base';
export const SIM_INLINE_BYTES_MAX = 64;

/** All that an index holds. */
export interface IndexDump {
  readonly tables: readonly (readonly [Table, readonly Entry[]])[];
  readonly sequence: number;
}

export interface SimStore {
  readonly store: OpenStore;
  readonly index: Environment;
  readonly incarnation: string;
}

/** @param onCommit - called when a commit is done, before anybody hears of it. */
export async function openSimStore(
  disk: SimDisk,
  dump: IndexDump | undefined,
  incarnation: string,
  onCommit?: () => void,
): Promise<SimStore> {
  const index = openMemoryEnvironment();
  if (dump !== undefined) await index.write(restoreAction, dump);
  const blobs = await openPlainBlobs({
    ...{ basePath: BASE, isFsyncEnabled: true, incarnation, disk },
  });
  let nowMs = 1_700_000_000_000 + Number.parseInt(incarnation.slice(1), 10) * 1_000_000;
  const environment: Environment = {
    refresh: () => {
      index.refresh();
    },
    get: (table, key) => index.get(table, key),
    range: (table, query) => index.range(table, query),
    countRows: () => index.countRows(),
    settle: (ended) => index.settle(ended),
    lastSequence: () => index.lastSequence(),
    write: async (action, input) => {
      const output = await index.write(action, input);
      onCommit?.();
      return output;
    },
    fence: (fault) => {
      index.fence(fault);
    },
    close: () => index.close(),
  };
  const store = assembleStore({
    ...{
      environment,
      blobs,
      records: new RecordCache({ bytesMax: 0, ttlMs: 1 }),
      recentBucket: new RecentBucket(),
      holds: new ReadHolds(),
    },
    ...{ headroom: new Headroom([]), reserve: new Reserve(undefined) },
    inlineBytesMax: SIM_INLINE_BYTES_MAX,
    nowMs: () => (nowMs += 1),
  });
  return { store, index, incarnation };
}

export function dumpOf(index: Environment): IndexDump {
  const everything = { start: Buffer.of(), end: Buffer.alloc(1978, 0xff), countMax: 100_000 };
  const tables = TABLES.map((table) => [table, index.range(table, everything)] as const);
  return { tables, sequence: index.lastSequence() };
}

function restoreAction(txn: WriteView, { tables, sequence }: IndexDump): void {
  for (const [table, entries] of tables) {
    for (const { key, value } of entries) txn.put(table, key, value);
  }
  for (let count = 0; count < sequence; count += 1) txn.nextSequence();
}

/** All that a client can see, as text. Every byte is read. */
export async function viewOf({ store }: SimStore): Promise<string> {
  store.refresh();
  const lines: string[] = [];
  const { buckets } = store.listBuckets({ account: 'main', prefix: '', after: '', countMax: 100 });
  for (const { name: bucket } of buckets) {
    const range = { prefix: '', delimiter: '', after: '', afterIsCommonPrefix: false };
    for (const { key } of store.listObjects({ bucket, ...range, countMax: 1000 }).objects) {
      const open = await store.openObject(bucket, key);
      const { etag, sizeBytes, tags } = open.version;
      const bytes = await bytesIn(open, undefined);
      lines.push(`${bucket}/${key} ${etag} ${sizeBytes} ${md5(bytes)} ${JSON.stringify(tags)}`);
    }
    const markers = { keyMarker: '', uploadIdMarker: '', countMax: 1000 };
    const { uploads } = store.listUploads({ bucket, prefix: '', delimiter: '', ...markers });
    for (const upload of uploads) {
      const { parts } = store.listParts(upload, 0, 1000);
      lines.push(
        `upload ${upload.key} ${parts.map((one) => `${one.partNumber}:${one.etag}`).join()}`,
      );
    }
    lines.push(`${bucket} ${JSON.stringify(store.bucketCounters(bucket))}`);
  }
  return lines.join('\n');
}

/** As the sweeper does after a start. @returns how many blobs only the walk found. */
export async function sweepEverything({ store, incarnation }: SimStore): Promise<number> {
  const { reclaimer } = store;
  for (const dead of await reclaimer.stagingIncarnations()) {
    if (dead !== incarnation) await reclaimer.sweepIncarnation(dead);
  }
  while ((await reclaimer.reclaimGarbage(() => true)).removedCount > 0);
  return reclaimer.sweepOrphans(-1);
}

/** What is on the disk is what the index names, each payload beside a sidecar that agrees. */
export function assertNothingLeft({ index, incarnation }: SimStore, disk: SimDisk): void {
  const { tables } = dumpOf(index);
  const layouts = tables.find(([table]) => table === 'layouts')?.[1] ?? [];
  const known = layouts.map(({ key }) => Buffer.from(key).toString('hex')).sort();
  const found: string[] = [];
  for (const [path, file] of filesIn(directoryAt(disk.root, BASE), '')) {
    const [blobId = '', name] = path.split('/').slice(-2);
    if (name === 'data') {
      found.push(blobId);
      continue;
    }
    assert.equal(name, 'metadata.json', `${path} is no file of a blob`);
    const { sidecar, layout } = readSidecar(file.content.toString());
    assert.equal(sidecar.blobId, blobId, 'a sidecar lies beside its blob');
    const data = directoryAt(disk.root, BASE + path.slice(0, -'/metadata.json'.length));
    const payload = data.entries.get('data');
    assert(payload?.kind === 'file' && payload.content.byteLength === layout.sizeBytes);
    const isManifest = sidecar.kind === 'manifest' || sidecar.md5.includes('-');
    if (!isManifest) assert.equal(md5(payload.content), sidecar.md5, 'a sidecar tells the MD5');
  }
  assert.deepEqual(found.sort(), known, 'the blobs on disk are those of the index');
  assert.deepEqual(emptyIn(directoryAt(disk.root, BASE), ''), [`/.s3ish/staging/${incarnation}`]);
  const staging = directoryAt(disk.root, `${BASE}/.s3ish/staging`);
  assert.deepEqual([...staging.entries.keys()], [incarnation], 'marks of living processes only');
}

function directoryAt(root: SimDirectory, path: string): SimDirectory {
  let directory = root;
  for (const name of path.split('/').filter((one) => one !== '')) {
    const node = directory.entries.get(name);
    assert(node?.kind === 'directory', `there is no ${path}`);
    directory = node;
  }
  return directory;
}

/** Directories with nothing in them; a bucket's own may stay. */
function emptyIn(directory: SimDirectory, path: string): string[] {
  return [...directory.entries].flatMap(([name, node]) => {
    if (node.kind !== 'directory') return [];
    const isBucket = path === '';
    const below = `${path}/${name}`;
    return node.entries.size === 0 && !isBucket ? [below] : emptyIn(node, below);
  });
}

function* filesIn(directory: SimDirectory, path: string): Generator<[string, SimFile]> {
  for (const [name, node] of directory.entries) {
    if (node.kind === 'file') yield [`${path}/${name}`, node];
    else if (node.kind === 'directory') yield* filesIn(node, `${path}/${name}`);
  }
}
