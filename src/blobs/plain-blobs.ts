/**
 * Blobs as ordinary files: the payload of each is readable with nothing but `cat`.
 *
 * @module
 */

import { constants } from 'node:fs';
import {
  lstat,
  mkdir,
  open,
  opendir,
  readlink,
  rmdir,
  stat,
  unlink,
  type FileHandle,
} from 'node:fs/promises';

import {
  DamagedBlobError,
  type BlobLayout,
  type BlobLocation,
  type BlobReader,
  type BlobStore,
  type BlobWriter,
  type FoundBlob,
} from './blob-store.js';
import { BlockBuffers } from './block-buffers.js';
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
import {
  codeOf,
  ignoreMissing,
  PlainWriter,
  removeBlob,
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
}

/** Opens the blobs under a directory, which is created if absent. */
export async function openPlainBlobs(options: PlainBlobsOptions): Promise<BlobStore> {
  const { basePath, incarnation } = options;
  const volume = new Volume(options.isFsyncEnabled, options.onFenced);
  const marksPath = incarnationPath(basePath, incarnation);
  await mkdir(marksPath, { recursive: true, mode: 0o700 });
  for (const path of [stagingPath(basePath), basePath]) await volume.syncDirectory(path);
  return new PlainBlobs({ basePath, marksPath, volume, openCount: 0, syncedBuckets: new Set() });
}

/** Blobs that are only read: nothing is created, and `base` need not be writable. */
export function plainBlobsToRead(basePath: string): Pick<BlobStore, 'open' | 'sidecarText'> {
  const volume = new Volume(false);
  return new PlainBlobs({
    basePath,
    marksPath: '',
    volume,
    openCount: 0,
    syncedBuckets: new Set(),
  });
}

/** Whether directories of buckets are there. */
export async function hasBuckets(basePath: string): Promise<boolean> {
  return (await namesIn(basePath)).some(isBucketName);
}

class PlainBlobs implements BlobStore {
  readonly #context: WriterContext;
  readonly #buffers = new BlockBuffers();

  constructor(context: WriterContext) {
    this.#context = context;
  }

  stage(location: BlobLocation): Promise<BlobWriter> {
    return PlainWriter.create(this.#context, location);
  }

  async open(location: BlobLocation, layout: BlobLayout): Promise<BlobReader> {
    const path = `${blobPaths(this.#context.basePath, location).blob}/${DATA_NAME}`;
    const { file, sizeBytes } = await openFile(path, location);
    if (sizeBytes === layout.sizeBytes) {
      return new PlainReader(file, location, layout, this.#buffers);
    }
    await file.close();
    throw new DamagedBlobError(
      location,
      `${path} holds ${sizeBytes} bytes, not ${layout.sizeBytes}`,
    );
  }

  async sidecarText(location: BlobLocation): Promise<string> {
    const path = `${blobPaths(this.#context.basePath, location).blob}/${SIDECAR_NAME}`;
    const { file, sizeBytes } = await openFile(path, location);
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
    await removeBlob(blobPaths(this.#context.basePath, location));
  }

  async stagingIncarnations(): Promise<readonly string[]> {
    const names: string[] = [];
    for await (const entry of await opendir(stagingPath(this.#context.basePath))) {
      if (entry.isDirectory()) names.push(entry.name);
    }
    return names;
  }

  async sweepStaging(incarnation: string, isAlive: (blobId: string) => boolean): Promise<number> {
    const marksPath = incarnationPath(this.#context.basePath, incarnation);
    let removedCount = 0;
    for (const blobId of await blobIdsIn(marksPath)) {
      const target = await readlink(`${marksPath}/${blobId}`);
      if (!isAlive(blobId)) {
        await removeBlob(pathsAbove(`${this.#context.basePath}/${target}`));
        removedCount += 1;
      }
      await unlink(`${marksPath}/${blobId}`).catch(ignoreMissing);
    }
    if (marksPath !== this.#context.marksPath) await rmdir(marksPath).catch(ignoreMissing);
    return removedCount;
  }

  async *walk(): AsyncGenerator<FoundBlob> {
    const { basePath } = this.#context;
    for (const bucket of await namesIn(basePath)) {
      if (!isBucketName(bucket)) continue;
      for (const fanOut of await namesIn(`${basePath}/${bucket}`)) {
        for (const key of await namesIn(`${basePath}/${bucket}/${fanOut}`)) {
          yield* this.#walkKey(bucket, `${basePath}/${bucket}/${fanOut}/${key}`);
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
    await rmdir(this.#context.marksPath).catch(() => undefined);
  }

  async *#walkKey(bucket: string, path: string): AsyncGenerator<FoundBlob> {
    for (const blobId of await namesIn(path)) {
      if (!isBlobId(blobId)) continue;
      const directory = `${path}/${blobId}`;
      try {
        const { mtimeMs: modifiedMs } = await stat(directory);
        yield {
          ...{ bucket, blobId, modifiedMs },
          isStaged: () => this.#isStaged(blobId),
          remove: () => removeBlob(pathsAbove(directory)),
        };
      } catch (error) {
        ignoreMissing(error);
      }
    }
  }

  async #isStaged(blobId: string): Promise<boolean> {
    for (const incarnation of await this.stagingIncarnations()) {
      try {
        await lstat(`${incarnationPath(this.#context.basePath, incarnation)}/${blobId}`);
        return true;
      } catch (error) {
        ignoreMissing(error);
      }
    }
    return false;
  }
}

class PlainReader implements BlobReader {
  readonly #file: FileHandle;
  readonly #location: BlobLocation;
  readonly #layout: BlobLayout;
  readonly #buffers: BlockBuffers;
  #readCount = 0;
  #isClosed = false;

  constructor(file: FileHandle, location: BlobLocation, layout: BlobLayout, buffers: BlockBuffers) {
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
  path: string,
  location: BlobLocation,
): Promise<{ file: FileHandle; sizeBytes: number }> {
  let file: FileHandle;
  try {
    file = await open(path, READ_ONLY);
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

async function blobIdsIn(path: string): Promise<string[]> {
  return (await namesIn(path)).filter(isBlobId);
}

async function namesIn(path: string): Promise<string[]> {
  const names: string[] = [];
  try {
    for await (const entry of await opendir(path)) names.push(entry.name);
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
