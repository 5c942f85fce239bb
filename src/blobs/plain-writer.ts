/**
 * Writing one blob to its directory: mark, directory, data, sidecar, flushes.
 *
 * Order, which nothing may change: staging mark -> directories -> data -> sidecar -> fdatasync of
 * both -> fsync of the directories. Only then may a record name the blob.
 *
 * @module
 */

import { constants } from 'node:fs';

import { codeOf, ignoreMissing } from '../util/error-code.js';
import type { RecycledBuffers } from '../util/recycled-buffers.js';
import {
  DamagedBlobError,
  type BlobLayout,
  type BlobLocation,
  type BlobWriter,
} from './blob-store.js';
import { BLOCK_SIZE_BYTES, BlockChecksums } from './block-checksums.js';
import type { Disk, DiskFile } from './disk.js';
import { blobPaths, DATA_NAME, SIDECAR_NAME, type BlobPaths } from './layout.js';
import type { Volume } from './volume.js';

/** What the writers of one store share. */
export interface WriterContext {
  readonly basePath: string;
  /** Directory of this process's staging marks. */
  readonly marksPath: string;
  readonly disk: Disk;
  readonly volume: Volume;
  /** Payloads being written now. */
  openCount: number;
  /** Memory of a block each, for payload on its way in or out. */
  readonly buffers: RecycledBuffers;
  /** Of {@link GATHER_BYTES_MIN} each: many uploads together cannot have a block. */
  readonly smallBuffers: RecycledBuffers;
  /** Bucket directories whose own entries this process has flushed. */
  readonly syncedBuckets: Set<string>;
}

/** Bytes gathered before they are written; while these are written, as many may gather. */
const GATHER_BYTES_MAX = 512 * 1024;
/** What all uploads of a process gather together, and again write: with many, each gathers less. */
const GATHER_BYTES_OF_ALL = 32 * 1024 * 1024;
/** The least an upload gathers. */
export const GATHER_BYTES_MIN = 64 * 1024;
/** The sweeper may remove an empty directory under our feet; it cannot do so for ever. */
const DIRECTORY_ATTEMPTS_MAX = 100;
const EXCLUSIVE = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;

export class PlainWriter implements BlobWriter {
  readonly location: BlobLocation;
  readonly #context: WriterContext;
  readonly #paths: BlobPaths;
  readonly #checksums = new BlockChecksums();
  #file: DiskFile | undefined;
  /** Memory with payload that is not written yet; only the last has room. */
  #gathered: Buffer[] = [];
  #gatheredBytes = 0;
  /** Bytes of the last that are payload. */
  #filledBytes = 0;
  /** The write that runs; it is waited for before the next begins. */
  #writing: Promise<void> | undefined;
  #isKept = false;

  private constructor(context: WriterContext, location: BlobLocation) {
    this.#context = context;
    this.location = location;
    this.#paths = blobPaths(context.basePath, location);
  }

  /** Prepares the blob's directory and its data file. */
  static async create(context: WriterContext, location: BlobLocation): Promise<PlainWriter> {
    const writer = await PlainWriter.#prepare(context, location);
    try {
      writer.#file = await context.disk.open(
        `${writer.#paths.blob}/${DATA_NAME}`,
        EXCLUSIVE,
        0o600,
      );
      context.openCount += 1;
    } catch (error) {
      await writer[Symbol.asyncDispose]();
      throw error;
    }
    return writer;
  }

  /**
   * Makes a sealed blob out of another's bytes by a hard link.
   *
   * @returns undefined when the file system refuses.
   */
  static async linked(
    context: WriterContext,
    source: BlobLocation,
    target: BlobLocation,
    sidecar: string,
  ): Promise<PlainWriter | undefined> {
    const writer = await PlainWriter.#prepare(context, target);
    try {
      const from = blobPaths(context.basePath, source).blob;
      await context.disk.link(`${from}/${DATA_NAME}`, `${writer.#paths.blob}/${DATA_NAME}`);
      await writer.#writeSidecar(sidecar);
      await writer.#syncDirectories();
      return writer;
    } catch (error) {
      await writer[Symbol.asyncDispose]();
      if (isLinkRefusal(error)) return undefined;
      if (codeOf(error) !== 'ENOENT') throw error;
      throw new DamagedBlobError(source, `blob ${source.blobId} is missing`, { cause: error });
    }
  }

  static async #prepare(context: WriterContext, location: BlobLocation): Promise<PlainWriter> {
    context.volume.assertWritable();
    const writer = new PlainWriter(context, location);
    const target = writer.#paths.blob.slice(context.basePath.length + 1);
    await context.disk.symlink(target, writer.#markPath());
    try {
      await writer.#makeDirectories();
    } catch (error) {
      await writer[Symbol.asyncDispose]();
      throw error;
    }
    return writer;
  }

  async write(piece: Uint8Array): Promise<void> {
    this.#context.volume.assertWritable();
    for (let start = 0; start < piece.byteLength;) {
      const room = this.#room();
      const part = piece.subarray(start, start + room.byteLength);
      room.set(part);
      start += part.byteLength;
      this.#filledBytes += part.byteLength;
      this.#gatheredBytes += part.byteLength;
      if (this.#gatheredBytes >= this.#gatherBytesMax()) await this.#flushGathered();
    }
  }

  async seal(sidecar: (layout: BlobLayout) => string): Promise<BlobLayout> {
    this.#context.volume.assertWritable();
    await this.#flushGathered();
    await this.#writing;
    const layout: BlobLayout = {
      sizeBytes: this.#checksums.sizeBytes,
      blockSizeBytes: BLOCK_SIZE_BYTES,
      blockChecksums: this.#checksums.finish(),
    };
    const file = this.#requireFile();
    await allOf(this.#context.volume.syncFile(file), this.#writeSidecar(sidecar(layout)));
    await this.#closeFile();
    await this.#syncDirectories();
    return layout;
  }

  async keep(): Promise<void> {
    this.#isKept = true;
    // The write is done: it must not fail for want of tidiness. A mark that stays is swept when its
    // process is gone, and the blob is left alone because the index knows it.
    await this.#context.disk.unlink(this.#markPath()).catch(() => undefined);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#writing?.catch(() => undefined);
    this.#giveBack(this.#gathered);
    this.#gathered = [];
    await this.#closeFile();
    if (this.#isKept) return;
    await removeBlob(this.#context.disk, this.#paths);
    await this.#context.disk.unlink(this.#markPath()).catch(ignoreMissing);
  }

  #gatherBytesMax(): number {
    const share = Math.floor(GATHER_BYTES_OF_ALL / this.#context.openCount);
    return Math.min(GATHER_BYTES_MAX, Math.max(GATHER_BYTES_MIN, share));
  }

  #markPath(): string {
    return `${this.#context.marksPath}/${this.location.blobId}`;
  }

  async #makeDirectories(): Promise<void> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        const { disk } = this.#context;
        await makeDirectory(disk, this.#paths.key, [this.#paths.fanOut, this.#paths.bucket]);
        await disk.mkdir(this.#paths.blob, { mode: 0o700 });
        return;
      } catch (error) {
        if (codeOf(error) !== 'ENOENT' || attempt >= DIRECTORY_ATTEMPTS_MAX) throw error;
      }
    }
  }

  /** Where the next bytes go: never empty. */
  #room(): Uint8Array {
    const last = this.#gathered.at(-1);
    if (last !== undefined && this.#filledBytes < last.byteLength) {
      return last.subarray(this.#filledBytes);
    }
    const { buffers, smallBuffers } = this.#context;
    const next =
      this.#gatherBytesMax() >= BLOCK_SIZE_BYTES
        ? buffers.take(BLOCK_SIZE_BYTES)
        : smallBuffers.take(GATHER_BYTES_MIN);
    this.#gathered.push(next);
    this.#filledBytes = 0;
    return next;
  }

  /** Begins to write what is gathered, once what was gathered before is written. */
  async #flushGathered(): Promise<void> {
    await this.#writing;
    const last = this.#gathered.pop();
    if (last === undefined) return;
    const pieces = [...this.#gathered, last.subarray(0, this.#filledBytes)];
    this.#gathered = [];
    this.#gatheredBytes = this.#filledBytes = 0;
    for (const piece of pieces) this.#checksums.update(piece);
    this.#writing = this.#writeAll(pieces).finally(() => this.#giveBack(pieces));
    // Thrown where it is waited for; unhandled until then it would end the process.
    this.#writing.catch(() => undefined);
  }

  async #writeAll(pieces: readonly Uint8Array[]): Promise<void> {
    const file = this.#requireFile();
    const sizeBytes = pieces.reduce((sum, piece) => sum + piece.byteLength, 0);
    let { bytesWritten } = await file.writev(pieces);
    if (bytesWritten === sizeBytes) return;
    // A short write says nothing of its reason; a later one will, or takes the rest.
    const rest = Buffer.concat(pieces);
    while (bytesWritten < sizeBytes) {
      bytesWritten += (await file.write(rest, bytesWritten)).bytesWritten;
    }
  }

  #giveBack(pieces: readonly Uint8Array[]): void {
    const { buffers, smallBuffers } = this.#context;
    for (const piece of pieces) {
      const isSmall = piece.buffer.byteLength === GATHER_BYTES_MIN;
      (isSmall ? smallBuffers : buffers).give(piece);
    }
  }

  async #writeSidecar(text: string): Promise<void> {
    const { disk } = this.#context;
    const file = await disk.open(`${this.#paths.blob}/${SIDECAR_NAME}`, EXCLUSIVE, 0o600);
    try {
      await file.writeFile(text);
      await this.#context.volume.syncFile(file);
    } finally {
      await file.close();
    }
  }

  async #syncDirectories(): Promise<void> {
    const { volume, syncedBuckets, basePath } = this.#context;
    const { blob, key, fanOut, bucket } = this.#paths;
    const isNewBucket = !syncedBuckets.has(bucket);
    const paths = [blob, key, fanOut, bucket, ...(isNewBucket ? [basePath] : [])];
    // In any order, since no record names the blob before all of them are durable; and at once,
    // since the device then serves them with fewer flushes.
    await allOf(...paths.map((path) => volume.syncDirectory(path)));
    if (isNewBucket) syncedBuckets.add(bucket);
  }

  #requireFile(): DiskFile {
    if (this.#file === undefined) throw new Error('the blob is sealed or was linked');
    return this.#file;
  }

  async #closeFile(): Promise<void> {
    const file = this.#file;
    if (file === undefined) return;
    this.#file = undefined;
    this.#context.openCount -= 1;
    await file.close();
  }
}

/**
 * Makes a directory and, if need be, those around it, innermost first. Not by the recursive call of
 * Node, which looks for the directory after an error and reports a full disk as a missing one.
 */
async function makeDirectory(disk: Disk, path: string, around: readonly string[]): Promise<void> {
  try {
    await disk.mkdir(path, { mode: 0o700 });
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return;
    const [parent, ...others] = around;
    if (codeOf(error) !== 'ENOENT' || parent === undefined) throw error;
    await makeDirectory(disk, parent, others);
    await makeDirectory(disk, path, []);
  }
}

/** Like `Promise.all`, but a failure waits for the others: nothing is written to a removed blob. */
async function allOf(...works: readonly Promise<void>[]): Promise<void> {
  await Promise.allSettled(works);
  await Promise.all(works);
}

/** Removes a blob's directory with everything in it, and those around it that become empty. */
export async function removeBlob(disk: Disk, paths: BlobPaths): Promise<void> {
  await disk.rm(paths.blob, { recursive: true, force: true });
  await removeEmptyDirectories(disk, [paths.key, paths.fanOut]);
}

/** Removes directories, innermost first, until there is something in one of them. */
export async function removeEmptyDirectories(disk: Disk, paths: readonly string[]): Promise<void> {
  for (const path of paths) {
    try {
      await disk.rmdir(path);
    } catch (error) {
      if (['ENOTEMPTY', 'EEXIST', 'ENOTDIR'].includes(codeOf(error))) return;
      // A process that was killed here left the outer one: with nothing in it, it goes as well.
      ignoreMissing(error);
    }
  }
}

function isLinkRefusal(error: unknown): boolean {
  return ['EMLINK', 'EXDEV', 'EPERM', 'ENOTSUP'].includes(codeOf(error));
}
