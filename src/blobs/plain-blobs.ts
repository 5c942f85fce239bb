/**
 * Blobs as ordinary files: the payload of each is readable with nothing but `cat`.
 *
 * @module
 */

import { constants } from 'node:fs';

import { codeOf, ignoreMissing } from '../util/error-code.js';
import { RecycledBuffers } from '../util/recycled-buffers.js';
import {
  DamagedBlobError,
  type BlobLayout,
  type BlobLocation,
  type BlobReader,
  type BlobStore,
  type BlobWriter,
  type FoundBlob,
} from './blob-store.js';
import { BLOCK_SIZE_BYTES } from './block-checksums.js';
import type { Disk, DiskFile } from './disk.js';
import {
  blobPaths,
  DATA_NAME,
  incarnationPath,
  isBlobId,
  isBucketName,
  SIDECAR_NAME,
  stagingPath,
  type BlobPaths,
} from './layout.js';
import { nodeDisk } from './node-disk.js';
import {
  GATHER_BYTES_MIN,
  PlainWriter,
  removeBlob,
  removeEmptyDirectories,
  type WriterContext,
} from './plain-writer.js';
import { readBlocks } from './read-blocks.js';
import { probeDirectory, Volume } from './volume.js';

// Opening a named pipe would wait for a writer, and take a thread of the pool with it.
const READ_ONLY = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
/** Missing, a link, a socket, or a device that is not there. */
const NO_FILE_CODES = ['ENOENT', 'ENOTDIR', 'ELOOP', 'ENXIO', 'ENODEV'];
/** Far above that of the largest part or the longest manifest; what is beyond was never one. */
const SIDECAR_BYTES_MAX = 16 * 1024 * 1024;

export interface PlainBlobsOptions {
  readonly basePath: string;
  /** False skips every flush: a power cut may lose acknowledged writes. */
  readonly isFsyncEnabled: boolean;
  readonly incarnation: string;
  /** Told once, when a flush failed and writes are refused from then on. */
  readonly onFenced?: ((fault: unknown) => void) | undefined;
  /** Defaults to the file systems of this machine. */
  readonly disk?: Disk;
}

/** Opens the blobs under a directory, which is created if absent. */
export async function openPlainBlobs(options: PlainBlobsOptions): Promise<BlobStore> {
  const { basePath, incarnation, disk = nodeDisk } = options;
  const volume = new Volume(options.isFsyncEnabled, disk, options.onFenced);
  const marksPath = incarnationPath(basePath, incarnation);
  await disk.mkdir(marksPath, { recursive: true, mode: 0o700 });
  for (const path of [stagingPath(basePath), basePath]) await volume.syncDirectory(path);
  return new PlainBlobs({
    ...{ basePath, marksPath, disk, volume, openCount: 0, syncedBuckets: new Set<string>() },
    buffers: new RecycledBuffers(BLOCK_SIZE_BYTES),
    smallBuffers: new RecycledBuffers(GATHER_BYTES_MIN),
  });
}

/** Blobs that are only read: nothing is created, and `base` need not be writable. */
export function plainBlobsToRead(basePath: string): Pick<BlobStore, 'open' | 'sidecarText'> {
  const volume = new Volume(false, nodeDisk);
  return new PlainBlobs({
    ...{
      basePath,
      marksPath: '',
      disk: nodeDisk,
      volume,
      openCount: 0,
      buffers: new RecycledBuffers(BLOCK_SIZE_BYTES),
      smallBuffers: new RecycledBuffers(GATHER_BYTES_MIN),
      syncedBuckets: new Set<string>(),
    },
  });
}

/** Whether directories of buckets are there. */
export async function hasBuckets(basePath: string): Promise<boolean> {
  return (await namesIn(nodeDisk, basePath)).some(isBucketName);
}

class PlainBlobs implements BlobStore {
  readonly #context: WriterContext;

  constructor(context: WriterContext) {
    this.#context = context;
  }

  stage(location: BlobLocation): Promise<BlobWriter> {
    return PlainWriter.create(this.#context, location);
  }

  async open(location: BlobLocation, layout: BlobLayout): Promise<BlobReader> {
    const path = `${blobPaths(this.#context.basePath, location).blob}/${DATA_NAME}`;
    const { file, sizeBytes } = await openFile(this.#context.disk, path, location);
    if (sizeBytes === layout.sizeBytes) {
      return new PlainReader(file, location, layout, this.#context.buffers);
    }
    await file.close();
    throw new DamagedBlobError(
      location,
      `${path} holds ${sizeBytes} bytes, not ${layout.sizeBytes}`,
    );
  }

  async sidecarText(location: BlobLocation): Promise<string> {
    const path = `${blobPaths(this.#context.basePath, location).blob}/${SIDECAR_NAME}`;
    const { file, sizeBytes } = await openFile(this.#context.disk, path, location);
    try {
      if (sizeBytes <= SIDECAR_BYTES_MAX) return await file.readFile('utf8');
      throw new DamagedBlobError(location, `${path} holds ${sizeBytes} bytes`);
    } finally {
      await file.close();
    }
  }

  link(
    source: BlobLocation,
    target: BlobLocation,
    sidecar: string,
  ): Promise<BlobWriter | undefined> {
    return PlainWriter.linked(this.#context, source, target, sidecar);
  }

  async remove(location: BlobLocation): Promise<void> {
    const { disk, basePath } = this.#context;
    await removeBlob(disk, blobPaths(basePath, location));
  }

  async stagingIncarnations(): Promise<readonly string[]> {
    const { disk, basePath } = this.#context;
    const names: string[] = [];
    for await (const entry of await disk.opendir(stagingPath(basePath))) {
      if (entry.isDirectory()) names.push(entry.name);
    }
    return names;
  }

  async sweepStaging(incarnation: string, isAlive: (blobId: string) => boolean): Promise<number> {
    const { disk, basePath } = this.#context;
    const marksPath = incarnationPath(basePath, incarnation);
    let removedCount = 0;
    for (const blobId of await blobIdsIn(disk, marksPath)) {
      const target = await disk.readlink(`${marksPath}/${blobId}`);
      if (!isAlive(blobId)) {
        await removeBlob(disk, pathsAbove(`${basePath}/${target}`));
        removedCount += 1;
      }
      await disk.unlink(`${marksPath}/${blobId}`).catch(ignoreMissing);
    }
    if (marksPath !== this.#context.marksPath) await disk.rmdir(marksPath).catch(ignoreMissing);
    return removedCount;
  }

  async *walk({ isTidying } = { isTidying: false }): AsyncGenerator<FoundBlob> {
    const { disk, basePath } = this.#context;
    for (const bucket of await namesIn(disk, basePath)) {
      if (!isBucketName(bucket)) continue;
      for (const fanOut of await namesIn(disk, `${basePath}/${bucket}`)) {
        const fanOutPath = `${basePath}/${bucket}/${fanOut}`;
        const keys = await namesIn(disk, fanOutPath);
        if (isTidying && keys.length === 0) await removeEmptyDirectories(disk, [fanOutPath]);
        for (const key of keys) {
          const keyPath = `${fanOutPath}/${key}`;
          const names = await namesIn(disk, keyPath);
          yield* this.#walkKey(bucket, keyPath, names);
          // A writer that has just made it makes it again.
          if (isTidying && names.length === 0) {
            await removeEmptyDirectories(disk, [keyPath, fanOutPath]);
          }
        }
      }
    }
  }

  probe(): Promise<void> {
    return probeDirectory(stagingPath(this.#context.basePath));
  }

  fence(fault: unknown): void {
    this.#context.volume.fence(fault);
  }

  async close(): Promise<void> {
    const { disk, marksPath } = this.#context;
    await disk.rmdir(marksPath).catch(() => undefined);
  }

  async *#walkKey(
    bucket: string,
    path: string,
    names: readonly string[],
  ): AsyncGenerator<FoundBlob> {
    const { disk } = this.#context;
    for (const blobId of names) {
      if (!isBlobId(blobId)) continue;
      const directory = `${path}/${blobId}`;
      try {
        const { mtimeMs: modifiedMs } = await disk.stat(directory);
        yield {
          ...{ bucket, blobId, modifiedMs },
          isStaged: () => this.#isStaged(blobId),
          remove: () => removeBlob(disk, pathsAbove(directory)),
        };
      } catch (error) {
        ignoreMissing(error);
      }
    }
  }

  async #isStaged(blobId: string): Promise<boolean> {
    const { disk, basePath } = this.#context;
    for (const incarnation of await this.stagingIncarnations()) {
      try {
        await disk.lstat(`${incarnationPath(basePath, incarnation)}/${blobId}`);
        return true;
      } catch (error) {
        ignoreMissing(error);
      }
    }
    return false;
  }
}

class PlainReader implements BlobReader {
  readonly #file: DiskFile;
  readonly #location: BlobLocation;
  readonly #layout: BlobLayout;
  readonly #buffers: RecycledBuffers;
  #readCount = 0;
  #isClosed = false;

  constructor(
    file: DiskFile,
    location: BlobLocation,
    layout: BlobLayout,
    buffers: RecycledBuffers,
  ) {
    this.#buffers = buffers;
    this.#file = file;
    this.#location = location;
    this.#layout = layout;
  }

  async *read(startByte: number, endByte: number, isLent = false): AsyncGenerator<Uint8Array> {
    this.#readCount += 1;
    try {
      yield* readBlocks(
        this.#location,
        this.#layout,
        (start, end) => {
          const sizeBytes = end - start;
          const block = isLent ? this.#buffers.take(sizeBytes) : Buffer.allocUnsafe(sizeBytes);
          return this.#readBlock(block, start);
        },
        startByte,
        endByte,
        isLent ? (block) => this.#buffers.give(block) : undefined,
      );
    } finally {
      this.#readCount -= 1;
      this.#closeWhenIdle();
    }
  }

  close(): void {
    this.#isClosed = true;
    this.#closeWhenIdle();
  }

  async #readBlock(block: Buffer, startByte: number): Promise<Uint8Array> {
    let filledBytes = 0;
    while (filledBytes < block.byteLength) {
      const { bytesRead } = await this.#file.read(
        block,
        filledBytes,
        block.byteLength - filledBytes,
        startByte + filledBytes,
      );
      if (bytesRead === 0) break;
      filledBytes += bytesRead;
    }
    return block.subarray(0, filledBytes);
  }

  #closeWhenIdle(): void {
    if (!this.#isClosed || this.#readCount > 0) return;
    // Closing a descriptor that was only read loses nothing; there is nobody to tell.
    void this.#file.close().catch(() => undefined);
  }
}

/** @throws {DamagedBlobError} missing, or something else than a file. */
async function openFile(
  disk: Disk,
  path: string,
  location: BlobLocation,
): Promise<{ file: DiskFile; sizeBytes: number }> {
  let file: DiskFile;
  try {
    file = await disk.open(path, READ_ONLY);
  } catch (error) {
    if (!NO_FILE_CODES.includes(codeOf(error))) throw error;
    throw new DamagedBlobError(location, `${path} is missing or no file`, { cause: error });
  }
  try {
    const stats = await file.stat();
    if (stats.isFile()) return { file, sizeBytes: stats.size };
    throw new DamagedBlobError(location, `${path} is no file`);
  } catch (error) {
    await file.close();
    throw error;
  }
}

async function blobIdsIn(disk: Disk, path: string): Promise<string[]> {
  return (await namesIn(disk, path)).filter(isBlobId);
}

async function namesIn(disk: Disk, path: string): Promise<string[]> {
  const names: string[] = [];
  try {
    for await (const entry of await disk.opendir(path)) names.push(entry.name);
  } catch (error) {
    if (!['ENOENT', 'ENOTDIR'].includes(codeOf(error))) throw error;
  }
  return names;
}

/** The directories that lead to a blob, from the blob's own. */
function pathsAbove(blob: string): BlobPaths {
  const parentOf = (path: string): string => path.slice(0, path.lastIndexOf('/'));
  const key = parentOf(blob);
  const fanOut = parentOf(key);
  return { bucket: parentOf(fanOut), fanOut, key, blob };
}
