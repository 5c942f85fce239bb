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
  type FoundBlob,
} from './blob-store.js';
import { BLOCK_SIZE_BYTES, BlockChecksums } from './block-checksums.js';
import { readBlocks } from './read-blocks.js';

interface MemoryBlob {
  readonly location: BlobLocation;
  readonly data: Buffer;
  readonly modifiedMs: number;
  isKept: boolean;
}

export function openMemoryBlobs(): BlobStore {
  return new MemoryBlobs();
}

class MemoryBlobs implements BlobStore {
  readonly #blobs = new Map<string, MemoryBlob>();

  probe(): Promise<void> {
    return Promise.resolve();
  }

  fence(): void {
    // Memory has no flush that could fail.
  }

  stage(location: BlobLocation): Promise<BlobWriter> {
    const pieces: Uint8Array[] = [];
    const checksums = new BlockChecksums();
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
          isKept: false,
        });
        return Promise.resolve({
          sizeBytes: checksums.sizeBytes,
          blockSizeBytes: BLOCK_SIZE_BYTES,
          blockChecksums: checksums.finish(),
        });
      },
      keep: () => this.#keep(location),
      [Symbol.asyncDispose]: () => this.#dispose(location),
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

  sidecarText(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  link(
    source: BlobLocation,
    target: BlobLocation,
  ): Promise<(AsyncDisposable & { keep(): Promise<void> }) | undefined> {
    const blob = this.#blobs.get(source.blobId);
    if (blob === undefined) {
      return Promise.reject(new DamagedBlobError(source, `blob ${source.blobId} is missing`));
    }
    this.#blobs.set(target.blobId, { ...blob, location: target, isKept: false });
    return Promise.resolve({
      keep: () => this.#keep(target),
      [Symbol.asyncDispose]: () => this.#dispose(target),
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

  async *walk(): AsyncGenerator<FoundBlob> {
    await Promise.resolve();
    for (const { location, modifiedMs } of this.#blobs.values()) {
      const { bucket, blobId } = location;
      yield {
        ...{ bucket, blobId, modifiedMs },
        isStaged: async () => this.#blobs.get(blobId)?.isKept === false,
        remove: () => this.remove(location),
      };
    }
  }

  close(): Promise<void> {
    this.#blobs.clear();
    return Promise.resolve();
  }

  async #keep({ blobId }: BlobLocation): Promise<void> {
    const blob = this.#blobs.get(blobId);
    if (blob !== undefined) blob.isKept = true;
  }

  async #dispose({ blobId }: BlobLocation): Promise<void> {
    if (this.#blobs.get(blobId)?.isKept === false) this.#blobs.delete(blobId);
  }
}
