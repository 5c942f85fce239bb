/**
 * Blobs in memory, for the `memory` backend: same verification, no durability.
 *
 * @module
 */

import {
  DamagedBlobError,
  type BlobLayout,
  type BlobLocation,
  type BlobReader,
  type BlobStore,
  type BlobWriter,
} from './blob-store.js';
import { BLOCK_SIZE_BYTES, BlockChecksums } from './block-checksums.js';
import { readBlocks } from './read-blocks.js';

interface MemoryBlob {
  readonly location: BlobLocation;
  readonly data: Buffer;
  readonly modifiedMs: number;
}

export function openMemoryBlobs(): BlobStore {
  return new MemoryBlobs();
}

class MemoryBlobs implements BlobStore {
  readonly #blobs = new Map<string, MemoryBlob>();

  stage(location: BlobLocation): Promise<BlobWriter> {
    const pieces: Uint8Array[] = [];
    const checksums = new BlockChecksums();
    let isKept = false;
    return Promise.resolve({
      location,
      write: (piece: Uint8Array) => {
        checksums.update(piece);
        pieces.push(Uint8Array.from(piece));
        return Promise.resolve();
      },
      seal: (): Promise<BlobLayout> => {
        this.#blobs.set(location.blobId, {
          location,
          data: Buffer.concat(pieces),
          modifiedMs: Date.now(),
        });
        return Promise.resolve({
          sizeBytes: checksums.sizeBytes,
          blockSizeBytes: BLOCK_SIZE_BYTES,
          blockChecksums: checksums.finish(),
        });
      },
      keep: () => {
        isKept = true;
        return Promise.resolve();
      },
      [Symbol.asyncDispose]: () => {
        if (!isKept) this.#blobs.delete(location.blobId);
        return Promise.resolve();
      },
    });
  }

  open(location: BlobLocation, layout: BlobLayout): Promise<BlobReader> {
    const blob = this.#blobs.get(location.blobId);
    if (blob?.data.length !== layout.sizeBytes) {
      return Promise.reject(
        new DamagedBlobError(location, `blob ${location.blobId} is missing or cut`),
      );
    }
    const { data } = blob;
    return Promise.resolve({
      read: (startByte, endByte) =>
        readBlocks(
          location,
          layout,
          (start, end) => Promise.resolve(data.subarray(start, end)),
          startByte,
          endByte,
        ),
      close: () => undefined,
    });
  }

  link(
    source: BlobLocation,
    target: BlobLocation,
  ): Promise<(AsyncDisposable & { keep(): Promise<void> }) | undefined> {
    const blob = this.#blobs.get(source.blobId);
    if (blob === undefined) {
      return Promise.reject(new DamagedBlobError(source, `blob ${source.blobId} is missing`));
    }
    let isKept = false;
    this.#blobs.set(target.blobId, { ...blob, location: target });
    return Promise.resolve({
      keep: () => {
        isKept = true;
        return Promise.resolve();
      },
      [Symbol.asyncDispose]: () => {
        if (!isKept) this.#blobs.delete(target.blobId);
        return Promise.resolve();
      },
    });
  }

  remove(location: BlobLocation): Promise<void> {
    this.#blobs.delete(location.blobId);
    return Promise.resolve();
  }

  stagingIncarnations(): Promise<readonly string[]> {
    return Promise.resolve([]);
  }

  sweepStaging(): Promise<number> {
    return Promise.resolve(0);
  }

  async *walk(): AsyncGenerator<BlobLocation & { readonly modifiedMs: number }> {
    await Promise.resolve();
    for (const { location, modifiedMs } of this.#blobs.values()) yield { ...location, modifiedMs };
  }

  removeBucketDirectory(): Promise<void> {
    return Promise.resolve();
  }

  close(): Promise<void> {
    this.#blobs.clear();
    return Promise.resolve();
  }
}
