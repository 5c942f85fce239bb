/**
 * Makes the index again from the sidecars, or brings a copy of it up to date with them.
 *
 * Keys are read a group at a time, a group being committed while the next is read, so memory is that
 * of two groups however many objects there are.
 *
 * @see docs/MAINTENANCE.md, "Rebuilding the index"
 * @module
 */

import { access, opendir, readdir, stat } from 'node:fs/promises';

import { blobPaths, isBlobId, isBucketName } from '../blobs/layout.js';
import type { Environment } from '../metadata/environment.js';
import {
  bucketKey,
  EPOCH_KEY,
  FORMAT_KEY,
  justAfter,
  keyOfObjectKey,
  objectKey,
} from '../metadata/keys.js';
import { copyLmdbEnvironment, openLmdbEnvironment } from '../metadata/lmdb-environment.js';
import { decodeBucket, decodeObject } from '../metadata/records.js';
import { createBucketAction } from '../store/bucket-actions.js';
import { keepOrphansAction, setEpochAction } from '../store/system-actions.js';
import { dropObjectsAction, putFoundObjectsAction } from './found-object-actions.js';
import {
  readKeyDirectory,
  type FoundObject,
  type KeyDirectory,
  type Problem,
} from './found-objects.js';
import { installIndex } from './new-index.js';

export interface RebuildOptions {
  readonly basePath: string;
  /** Where the index shall be; there is none yet, and the caller holds the lock of the store. */
  readonly metadataPath: string;
  /** Directory of a copy of the index to start from. */
  readonly backupPath: string | undefined;
  /** Owner and region of buckets, which no sidecar tells. */
  readonly account: string;
  readonly region: string;
  readonly isDataVerified: boolean;
  readonly onProblem: (problem: Problem) => void;
}

export interface RebuildSummary {
  readonly addedCount: number;
  /** Objects of the backup that have a newer version. */
  readonly replacedCount: number;
  /** Objects of the backup whose files are gone. */
  readonly droppedCount: number;
  readonly bucketCount: number;
  readonly problemCount: number;
}

type Counts = { -readonly [Name in keyof RebuildSummary]: RebuildSummary[Name] };

/** Blobs read before a commit. */
const GROUP_BLOBS_COUNT = 2_000;
/** Key directories listed at once. */
const KEYS_COUNT = 64;
const READ_KEYS_COUNT = 32;
const ROWS_PAGE_COUNT = 1_000;

export async function rebuildIndex(options: RebuildOptions): Promise<RebuildSummary> {
  const counts: Counts = {
    ...{ addedCount: 0, replacedCount: 0, droppedCount: 0, bucketCount: 0, problemCount: 0 },
  };
  const reporting: RebuildOptions = {
    ...options,
    onProblem: (problem) => {
      counts.problemCount += 1;
      options.onProblem(problem);
    },
  };
  await installIndex(options.metadataPath, undefined, async (path) => {
    if (options.backupPath !== undefined) await copyLmdbEnvironment(options.backupPath, path);
    const environment = openLmdbEnvironment({ path, isFsyncEnabled: true, epoch: undefined });
    try {
      await environment.write(setEpochAction, { key: EPOCH_KEY, format: FORMAT_KEY });
      await environment.write(keepOrphansAction, true);
      await new Rebuild(reporting, environment, counts).run();
      if (options.backupPath !== undefined) await dropGone(reporting, environment, counts);
    } finally {
      await environment.close();
    }
  });
  return counts;
}

class Rebuild {
  readonly #options: RebuildOptions;
  readonly #environment: Environment;
  readonly #counts: Counts;
  /** The commit under way. */
  #committed: Promise<void> = Promise.resolve();

  constructor(options: RebuildOptions, environment: Environment, counts: Counts) {
    this.#options = options;
    this.#environment = environment;
    this.#counts = counts;
  }

  async run(): Promise<void> {
    let group: KeyDirectory[] = [];
    let blobCount = 0;
    for await (const directory of keyDirectories(this.#options.basePath)) {
      group.push(directory);
      blobCount += directory.blobIds.length;
      if (blobCount < GROUP_BLOBS_COUNT) continue;
      await this.#take(group);
      group = [];
      blobCount = 0;
    }
    await this.#take(group);
    await this.#committed;
  }

  async #take(group: readonly KeyDirectory[]): Promise<void> {
    const objects: FoundObject[] = [];
    for (let first = 0; first < group.length; first += READ_KEYS_COUNT) {
      const some = group.slice(first, first + READ_KEYS_COUNT);
      const found = await Promise.all(some.map((one) => readKeyDirectory(this.#options, one)));
      for (const object of found) if (object !== undefined) objects.push(object);
    }
    await this.#committed;
    this.#committed = this.#commit(objects);
    // It is waited for above; until then nobody listens.
    this.#committed.catch(() => undefined);
  }

  async #commit(objects: readonly FoundObject[]): Promise<void> {
    const input: { bucketId: number; object: FoundObject }[] = [];
    for (const object of objects) {
      input.push({ bucketId: await this.#bucketId(object.bucket), object });
    }
    const { addedCount, replacedCount } = await this.#environment.write(
      putFoundObjectsAction,
      input,
    );
    this.#counts.addedCount += addedCount;
    this.#counts.replacedCount += replacedCount;
  }

  /** A bucket comes with its first object: the directory of a deleted one stays. */
  async #bucketId(bucket: string): Promise<number> {
    this.#environment.refresh();
    const bytes = this.#environment.get('buckets', bucketKey(bucket));
    if (bytes !== undefined) return decodeBucket(bytes).id;
    const { account, region, basePath } = this.#options;
    const nowMs = Math.floor((await stat(`${basePath}/${bucket}`)).birthtimeMs);
    const input = { bucket, account, region, nowMs, configurations: {} };
    const { id } = await this.#environment.write(createBucketAction, input);
    this.#counts.bucketCount += 1;
    return id;
  }
}

/** The directories of all keys, buckets in the order of their names. */
async function* keyDirectories(basePath: string): AsyncGenerator<KeyDirectory> {
  for (const bucket of (await readdir(basePath)).filter(isBucketName).sort()) {
    for await (const fanOut of namesIn(`${basePath}/${bucket}`)) {
      let paths: string[] = [];
      for await (const key of namesIn(`${basePath}/${bucket}/${fanOut}`)) {
        paths.push(`${basePath}/${bucket}/${fanOut}/${key}`);
        if (paths.length < KEYS_COUNT) continue;
        yield* await listKeys(bucket, paths);
        paths = [];
      }
      yield* await listKeys(bucket, paths);
    }
  }
}

async function listKeys(bucket: string, paths: readonly string[]): Promise<KeyDirectory[]> {
  const lists = await Promise.all(paths.map((path) => readdir(path).catch(emptyIfNone)));
  return paths.map((path, index) => ({
    ...{ bucket, path },
    blobIds: (lists[index] ?? []).filter(isBlobId),
  }));
}

async function* namesIn(path: string): AsyncGenerator<string> {
  try {
    for await (const entry of await opendir(path)) yield entry.name;
  } catch (error) {
    emptyIfNone(error);
  }
}

function emptyIfNone(error: unknown): string[] {
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'ENOENT' || code === 'ENOTDIR') return [];
  throw error;
}

/** Takes out of a copy what was deleted or replaced by an inline object after it was made. */
async function dropGone(
  options: RebuildOptions,
  environment: Environment,
  counts: Counts,
): Promise<void> {
  const end = Buffer.of(0xff);
  let nextBucket: Buffer = Buffer.of(0);
  for (;;) {
    environment.refresh();
    const [row] = environment.range('buckets', { start: nextBucket, end, countMax: 1 });
    if (row === undefined) return;
    const bucket = Buffer.from(row.key).toString('utf8');
    const { id: bucketId } = decodeBucket(row.value);
    nextBucket = justAfter(row.key);
    let start: Buffer = objectKey(bucketId, '');
    for (;;) {
      environment.refresh();
      const range = { start, end: objectKey(bucketId + 1, ''), countMax: ROWS_PAGE_COUNT };
      const rows = environment.range('objects', range);
      const last = rows.at(-1);
      if (last === undefined) break;
      start = justAfter(last.key);
      const checks = rows.map(async ({ key: bytes, value }) => {
        const { placement } = decodeObject(value);
        if (placement.kind === 'inline') return [];
        const key = keyOfObjectKey(bytes);
        const { blobId } = placement;
        const path = blobPaths(options.basePath, { bucket, key, blobId }).blob;
        return (await isThere(path)) ? [] : [{ bucket, bucketId, key }];
      });
      const gone = (await Promise.all(checks)).flat();
      await environment.write(dropObjectsAction, gone);
      counts.droppedCount += gone.length;
    }
  }
}

async function isThere(path: string): Promise<boolean> {
  try {
    await access(path);
    return true;
  } catch (error) {
    emptyIfNone(error);
    return false;
  }
}
