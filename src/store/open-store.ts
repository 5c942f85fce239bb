/**
 * Puts a store together: an index and blobs, durable or in memory.
 *
 * @module
 */

import type { BlobStore } from '../blobs/blob-store.js';
import { createDirectory } from '../blobs/create-directory.js';
import { openMemoryBlobs } from '../blobs/memory-blobs.js';
import { hasBuckets, openPlainBlobs } from '../blobs/plain-blobs.js';
import { probeDirectory, syncDirectory } from '../blobs/volume.js';
import type { Environment } from '../metadata/environment.js';
import { EPOCH_KEY, FORMAT_KEY } from '../metadata/keys.js';
import { isCommitEcho } from '../metadata/commit-error.js';
import { openLmdbEnvironment } from '../metadata/lmdb-environment.js';
import { IndexWriter } from '../metadata/index-writer.js';
import { RemoteEnvironment } from '../metadata/remote-environment.js';
import { writerSocketPath } from '../metadata/writer-socket.js';
import { openMemoryEnvironment } from '../metadata/memory-environment.js';
import { keepOrphansAction, setEpochAction } from './system-actions.js';
import { ACTIONS } from './actions.js';
import { stageAppend } from './append-object.js';
import {
  bucketConfiguration,
  bucketCounters,
  configureBucket,
  createBucket,
  deleteBucket,
  findBucket,
  listBuckets,
} from './buckets.js';
import { completeUpload } from './complete-upload.js';
import { RecentBucket, type StoreContext } from './context.js';
import { copyObject } from './copy-object.js';
import { copyPart } from './copy-part.js';
import { deleteObject, deleteObjects } from './delete-objects.js';
import { listObjects, listUploads } from './listing.js';
import { Headroom } from './headroom.js';
import { findObject, headObject, objectPart, objectParts, openObject } from './open-object.js';
import { ReadHolds, type ReadReport } from './read-holds.js';
import { RecordCache, type RecordCacheOptions } from './record-cache.js';
import { createReclaimer, type Reclaimer } from './reclaimer.js';
import { Reserve } from './reserve.js';
import { renameObject } from './rename-object.js';
import { setObjectTags } from './object-tags.js';
import { stageObject } from './staged-object.js';
import type { Store } from './store.js';
import { createVerifier, type Verifier } from './verifier.js';
import { abortUpload, createUpload, headUpload, listParts, stagePart } from './uploads.js';

// For the primary, which makes the directories and may not see the layers below this one.
export { createDirectory };

export interface StoreOptions {
  readonly backend: 'file' | 'memory';
  readonly basePath: string;
  readonly metadataPath: string;
  readonly isFsyncEnabled: boolean;
  readonly inlineBytesMax: number;
  /** Name of this run of this process; marks what it has staged. */
  readonly incarnation: string;
  /** Server generation from {@link bumpEpoch}; undefined skips the check (single process). */
  readonly epoch?: number | undefined;
  /** Another process writes the index for this one; see {@link openIndexWriter}. */
  readonly hasIndexWriter?: boolean;
  /** Memory for decoded records, and how long they stay; nothing is kept without it. */
  readonly recordCache?: RecordCacheOptions;
  /** Clock; defaults to the system's. */
  readonly nowMs?: () => number;
  /** Told once of each volume that failed. */
  readonly onDiskFault?: (fault: DiskFault) => void;
}

const NO_CACHE: RecordCacheOptions = { bytesMax: 0, ttlMs: 1 };

/** What lies on disks of its own: payloads, or the index. */
export type DiskVolume = 'data' | 'index';

/** A volume failed and takes no writes any more. */
export interface DiskFault {
  readonly volume: DiskVolume;
  readonly fault: unknown;
  /** Nothing works any more in this process, reading neither. */
  readonly isFatal: boolean;
}

/** A store and what its aftercare needs. */
export interface OpenStore extends Store {
  readonly reclaimer: Reclaimer;
  readonly verifier: Verifier;
  /** Decoded records that are kept; see record-cache.ts. */
  readonly recordCache: Pick<RecordCache, 'hitCount' | 'missCount' | 'sizeBytes'>;
  /** How far this process's readers have come; see read-holds.ts. */
  readReport(): ReadReport;
  /** Tries whether new files can be made durable there. @throws the fault of the disk. */
  probe(volume: DiskVolume): Promise<void>;
  /** Refuses writes to a volume from now on, as after a fault. */
  fence(volume: DiskVolume, fault: unknown): void;
  /** Makes the reserve of space for deletions if it is gone and there is room for it. */
  replenishReserve(): Promise<void>;
}

/**
 * Starts a new server generation: from the moment this resolves, no process of an older one can
 * commit. The primary calls it once, before any server process.
 *
 * @param basePath - of the blobs. If there are any and no index yet, the index was lost: it begins
 * with the order to keep them, or the walk of the sweeper would remove all of them within a day.
 */
export async function bumpEpoch(
  metadataPath: string,
  isFsyncEnabled: boolean,
  basePath?: string,
): Promise<number> {
  await createDirectory(metadataPath);
  const environment = openLmdbEnvironment({ path: metadataPath, isFsyncEnabled, epoch: undefined });
  try {
    const isNew = environment.get('system', EPOCH_KEY) === undefined;
    if (isNew && basePath !== undefined && (await hasBuckets(basePath))) {
      await environment.write(keepOrphansAction, true);
    }
    const epoch = await environment.write(setEpochAction, { key: EPOCH_KEY, format: FORMAT_KEY });
    // LMDB flushes its file but not the directory that names it.
    await syncDirectory(metadataPath);
    return epoch;
  } finally {
    await environment.close();
  }
}

export async function openStore(options: StoreOptions): Promise<OpenStore> {
  const environment = await openEnvironment(options);
  const blobs = await openBlobs(options);
  const context: StoreContext = {
    environment,
    recentBucket: new RecentBucket(),
    records: new RecordCache(options.recordCache ?? NO_CACHE),
    blobs,
    holds: new ReadHolds(),
    headroom: new Headroom(
      options.backend === 'memory' ? [] : [options.basePath, options.metadataPath],
    ),
    inlineBytesMax: options.inlineBytesMax,
    reserve: new Reserve(options.backend === 'memory' ? undefined : options.metadataPath),
    nowMs: options.nowMs ?? Date.now,
  };
  return assembleStore(context, {
    probeIndex: async () => {
      if (options.backend === 'file') await probeDirectory(options.metadataPath);
    },
  });
}

/** A store over parts that were opened before. */
export function assembleStore(
  context: StoreContext,
  { probeIndex }: { readonly probeIndex: () => Promise<void> } = {
    probeIndex: () => Promise.resolve(),
  },
): OpenStore {
  return {
    ...storeOver(context),
    ...aftercareOf(context),
    recordCache: context.records,
    probe: (volume) => (volume === 'data' ? context.blobs.probe() : probeIndex()),
    fence: (volume, fault) => {
      (volume === 'data' ? context.blobs : context.environment).fence(fault);
    },
    replenishReserve: () => context.reserve.replenish(),
  };
}

async function openEnvironment(options: StoreOptions): Promise<Environment> {
  if (options.backend === 'memory') return openMemoryEnvironment();
  await createDirectory(options.metadataPath);
  const { metadataPath: path, isFsyncEnabled, epoch, incarnation, onDiskFault } = options;
  const environment = openLmdbEnvironment({
    ...{ path, isFsyncEnabled, epoch },
    onFenced: (fault, isFatal) => onDiskFault?.({ volume: 'index', fault, isFatal }),
  });
  if (options.hasIndexWriter !== true) return environment;
  return new RemoteEnvironment({
    ...{ reader: environment, actions: ACTIONS, epoch: epoch ?? 0, incarnation },
    socketPath: writerSocketPath(path),
  });
}

/** The writer of an index, in a process of its own. */
export interface OpenIndexWriter extends Pick<OpenStore, 'probe' | 'fence'> {
  /** Ends it. What is still asked for afterwards is not done. */
  close(): Promise<void>;
}

/** Does what other processes ask to be written; see `metadata/index-writer.ts`. */
export async function openIndexWriter(
  options: Pick<StoreOptions, 'metadataPath' | 'isFsyncEnabled' | 'onDiskFault'> & {
    readonly epoch: number;
    readonly onFault: (fault: unknown) => void;
  },
): Promise<OpenIndexWriter> {
  const { metadataPath: path, isFsyncEnabled, epoch, onDiskFault, onFault } = options;
  const environment = openLmdbEnvironment({
    ...{ path, isFsyncEnabled, epoch },
    onFenced: (fault, isFatal) => onDiskFault?.({ volume: 'index', fault, isFatal }),
  });
  const socketPath = writerSocketPath(path);
  const writer = await IndexWriter.open({
    ...{ environment, actions: ACTIONS, epoch, socketPath, onFault },
  });
  return {
    probe: async (volume) => {
      if (volume === 'index') await probeDirectory(path);
    },
    fence: (volume, fault) => {
      if (volume === 'index') environment.fence(fault);
    },
    close: async () => {
      writer.close();
      await environment.close();
    },
  };
}

async function openBlobs(options: StoreOptions): Promise<BlobStore> {
  if (options.backend === 'memory') return openMemoryBlobs();
  const { basePath, isFsyncEnabled, incarnation, onDiskFault } = options;
  return openPlainBlobs({
    ...{ basePath, isFsyncEnabled, incarnation },
    onFenced: (fault) => onDiskFault?.({ volume: 'data', fault, isFatal: false }),
  });
}

function storeOver(context: StoreContext): Store {
  return {
    refresh: () => {
      context.environment.refresh();
    },
    findBucket: (bucket) => findBucket(context, bucket),
    bucketCounters: (bucket) => bucketCounters(context, bucket),
    createBucket: (input) => createBucket(context, input),
    bucketConfiguration: (bucket, name) => bucketConfiguration(context, bucket, name),
    putBucketConfiguration: (bucket, name, document) =>
      configureBucket(context, bucket, name, document),
    deleteBucketConfiguration: (bucket, name) => configureBucket(context, bucket, name, undefined),
    deleteBucket: (bucket) => deleteBucket(context, bucket),
    listBuckets: (input) => listBuckets(context, input),
    headObject: (bucket, key, versionId) => headObject(context, bucket, key, versionId),
    findObject: (bucket, key) => findObject(context, bucket, key),
    openObject: (bucket, key, versionId) => openObject(context, bucket, key, versionId),
    objectPart: (version, partNumber) => objectPart(context, version, partNumber),
    objectParts: (version, after, countMax) => objectParts(context, version, after, countMax),
    stageObject: async (input) => stageObject(context, input),
    copyObject: (input) => copyObject(context, input),
    stageAppend: (input) => stageAppend(context, input),
    renameObject: (input) => renameObject(context, input),
    setObjectTags: (input) => setObjectTags(context, input),
    deleteObject: (input) => deleteObject(context, input),
    deleteObjects: (bucket, entries) => deleteObjects(context, bucket, entries),
    listObjects: (input) => listObjects(context, input),
    createUpload: (input) => createUpload(context, input),
    headUpload: (bucket, key, uploadId) => headUpload(context, bucket, key, uploadId),
    stagePart: async (input) => stagePart(context, input),
    copyPart: (input) => copyPart(context, input),
    completeUpload: (input) => completeUpload(context, input),
    abortUpload: (bucket, key, uploadId) => abortUpload(context, bucket, key, uploadId),
    listParts: (upload, after, countMax) => listParts(context, upload, after, countMax),
    listUploads: (input) => listUploads(context, input),
    close: async () => {
      await context.environment.close();
      await context.blobs.close();
    },
  };
}

function aftercareOf(
  context: StoreContext,
): Pick<OpenStore, 'reclaimer' | 'verifier' | 'readReport'> {
  return {
    reclaimer: createReclaimer(context),
    verifier: createVerifier(context),
    readReport: () => {
      context.environment.refresh();
      return context.holds.report(context.environment.lastSequence());
    },
  };
}

// For the processes, which may not see the layers below this one.
export { isDamage } from './damage.js';

/** Whether an unhandled rejection is only the echo of a failure that a write has reported. */
export function isReportedFault(fault: unknown): boolean {
  return isCommitEcho(fault);
}
