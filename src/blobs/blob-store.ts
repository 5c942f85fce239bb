/**
 * Payload bytes at rest: immutable blobs that are staged, sealed, read with verification, linked
 * and removed. Knows nothing of records; `store/` decides which blobs are alive.
 *
 * Invariants
 * 1. A blob's bytes never change after `seal` resolved, and are durable then (file, sidecar, and
 *    every directory entry that leads to them).
 * 2. A blob that was not kept is removed on disposal. When its process dies, its staging mark stays
 *    and `sweepStaging` finds it without walking the tree. A power cut can lose the mark, which is
 *    not flushed; then `walk` finds the blob.
 * 3. Every byte that `read` yields was verified against the checksum of its block.
 *
 * @see docs/ON_DISK_FORMAT.md, "Blob directories"
 * @module
 */

/** Where a blob lives. `blobId` is 32 hex characters, unique for ever. */
export interface BlobLocation {
  readonly bucket: string;
  readonly key: string;
  readonly blobId: string;
}

/** What must be remembered to read a blob back; kept in the metadata. */
export interface BlobLayout {
  readonly sizeBytes: number;
  readonly blockSizeBytes: number;
  /** CRC-32 of each block, in order; the last block may be short. */
  readonly blockChecksums: Uint32Array;
}

/** A blob being written. */
export interface BlobWriter extends AsyncDisposable {
  readonly location: BlobLocation;
  /** Takes the next bytes, a copy of them. Resolves when more are welcome. */
  write(piece: Uint8Array): Promise<void>;
  /**
   * Writes the sidecar and makes everything durable.
   *
   * @param sidecar - contents of `metadata.json`, made from the finished layout.
   * @throws the fault of the disk; after a failed fsync the volume is fenced and refuses writes.
   */
  seal(sidecar: (layout: BlobLayout) => string): Promise<BlobLayout>;
  /** After the record is committed: the blob is alive, disposal leaves it alone. */
  keep(): Promise<void>;
}

/** A sealed blob opened for reading. */
export interface BlobReader {
  /**
   * Verified bytes [startByte, endByte).
   *
   * @param isLent - Pieces are valid until the next pull, and so cost no memory of their own;
   * without it they belong to the caller.
   * @throws {DamagedBlobError} a block does not match its checksum or the file is short.
   */
  read(startByte: number, endByte: number, isLent?: boolean): AsyncIterable<Uint8Array>;
  close(): void;
}

/** Stored bytes do not match their checksum, or are missing. A fault, never an S3 error. */
export class DamagedBlobError extends Error {
  override readonly name = 'DamagedBlobError';

  constructor(
    readonly location: BlobLocation,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** A blob found on disk. */
export interface FoundBlob {
  readonly bucket: string;
  readonly blobId: string;
  readonly modifiedMs: number;
  /** Whether it is still being written or committed; false is final. */
  isStaged(): Promise<boolean>;
  remove(): Promise<void>;
}

export interface BlobStore {
  /** @param sizeBytes - expected size if known. */
  stage(location: BlobLocation, sizeBytes: number | undefined): Promise<BlobWriter>;
  /** Opens the data file once, so that later removal does not disturb the reader. @throws {DamagedBlobError} missing. */
  open(location: BlobLocation, layout: BlobLayout): Promise<BlobReader>;
  /**
   * The text beside a blob, as it is on disk; undefined when this store keeps none.
   *
   * @throws {DamagedBlobError} missing, no file, or far too long.
   */
  sidecarText(location: BlobLocation): Promise<string | undefined>;
  /**
   * Makes `target` a second blob with the source's bytes, without copying them, staged like a
   * written one: durable with its own sidecar when it resolves, removed unless kept.
   *
   * @throws {DamagedBlobError} the source is missing.
   * @returns undefined when the file system cannot link (too many links, another device).
   */
  link(
    source: BlobLocation,
    target: BlobLocation,
    sidecar: string,
  ): Promise<(AsyncDisposable & { keep(): Promise<void> }) | undefined>;
  /** Removes a blob and the directories it leaves empty. Absent is fine. */
  remove(location: BlobLocation): Promise<void>;
  /** Incarnations (writer processes) that left staging marks behind. */
  stagingIncarnations(): Promise<readonly string[]>;
  /**
   * Goes through the staging marks of a dead incarnation: blobs that `isAlive` denies are removed,
   * then the mark. @returns how many blobs were removed.
   */
  sweepStaging(incarnation: string, isAlive: (blobId: string) => boolean): Promise<number>;
  /**
   * Every blob on disk, whole or not, in no order; for fsck and the full sweep.
   *
   * @param options.isTidying - removes directories in which nothing is, as a power cut leaves them.
   */
  walk(options?: { readonly isTidying: boolean }): AsyncIterable<FoundBlob>;
  /** Tries whether new files can be made durable. @throws the fault of the disk. */
  probe(): Promise<void>;
  /** Refuses all writes from now on, as after a failed flush. */
  fence(fault: unknown): void;
  close(): Promise<void>;
}
