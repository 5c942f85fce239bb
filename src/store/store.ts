/**
 * The object store as operations see it: buckets, objects, uploads and parts, as atomic actions.
 *
 * Invariants
 * 1. A write is durable and visible to every process when its promise resolves, not before.
 * 2. A write that rejects changed nothing a reader can see.
 * 3. Reads after {@link Store.refresh} see every write acknowledged before that call, by any process.
 * 4. Reads are synchronous and cheap; only payload bytes stream.
 *
 * @module
 */

import type { ReadConditions } from '../s3/conditions.js';
import type {
  ChecksumAlgorithm,
  ChecksumType,
  ObjectAttributes,
  ObjectChecksum,
  WriteConditions,
} from '../s3/object-attributes.js';
import type { Tags } from '../s3/tags.js';

/** A bucket record. */
export interface Bucket {
  readonly name: string;
  /** Internal number; never reused, so a re-created bucket starts empty. */
  readonly id: number;
  /** Account that created it. */
  readonly account: string;
  readonly region: string;
  readonly createdMs: number;
}

/** What a bucket may be configured with: one document each, by the name of its sub-resource. */
export type BucketConfigurationName = 'cors' | 'tagging';

/** Documents by name; what is absent is not configured. */
export type BucketConfigurations = Readonly<Partial<Record<BucketConfigurationName, string>>>;

/** Exact totals of a bucket, updated in the transaction of each write. */
export interface BucketCounters {
  readonly objectCount: number;
  readonly objectBytes: number;
  readonly uploadCount: number;
}

/** Where the payload of a version is. For the store alone. */
export type Placement =
  | { readonly kind: 'inline' }
  | { readonly kind: 'plain'; readonly blobId: string }
  /** A manifest of parts; the blob holds only the sidecar. */
  | { readonly kind: 'parts'; readonly blobId: string; readonly uploadId: string };

/** One version of an object. */
export interface ObjectVersion {
  readonly bucket: string;
  readonly key: string;
  /** `null` for the null version, else 32 characters. */
  readonly versionId: string;
  /** Position in the order of all writes of this store; grows with every write. */
  readonly sequence: number;
  readonly sizeBytes: number;
  /** Without quotes: MD5 hex, or MD5 of part MD5s with `-count`. */
  readonly etag: string;
  readonly lastModifiedMs: number;
  readonly attributes: ObjectAttributes;
  readonly tags: Tags;
  /** Absent only where the store was asked not to keep one. */
  readonly checksum: ObjectChecksum | undefined;
  /** Number of parts of a multipart object; undefined for a single PUT or a copy. */
  readonly partsCount: number | undefined;
  readonly placement: Placement;
}

/** Byte range, inclusive start, exclusive end, within the object. */
export interface ByteRange {
  readonly startByte: number;
  readonly endByte: number;
}

/** An object opened for reading. The bytes stay readable even if it is replaced meanwhile. */
export interface OpenObject {
  readonly version: ObjectVersion;
  /**
   * Verified bytes of the range. Small objects come as one Uint8Array, others as a stream. Call
   * it again only when the stream before has ended or was closed.
   *
   * @param isLent - Pieces of a stream are valid until the next pull; without it they belong to the
   * caller.
   *
   * @throws (from the stream) a fault when a block does not match its checksum; never wrong bytes.
   */
  read(range: ByteRange, isLent?: boolean): Uint8Array | AsyncIterable<Uint8Array>;
  /** Releases descriptors and the hold on the payload. Called once, also after failures. */
  close(): void;
}

/** One part of a stored multipart object, for `partNumber` reads. */
export interface ObjectPart {
  readonly partNumber: number;
  readonly startByte: number;
  readonly sizeBytes: number;
  /** Base64 digest in the object's checksum algorithm, when the upload was created with one. */
  readonly checksum: string | undefined;
}

/** What a committed object is known by. */
export interface CommitObject {
  readonly attributes: ObjectAttributes;
  readonly tags: Tags;
  /** MD5 of the bytes, hex. */
  readonly etag: string;
  readonly checksum: ObjectChecksum | undefined;
  readonly conditions: WriteConditions;
}

/** An object being received; nobody sees it until `commit` resolves. Dispose it in any case. */
export interface StagedObject extends AsyncDisposable {
  /** Takes the next payload bytes; the piece belongs to the stage from here on. */
  write(piece: Uint8Array): Promise<void>;
  /**
   * Makes the payload durable, then publishes it in one transaction that decides the conditions.
   *
   * @throws {S3Error} ConditionalRequestConflict, NoSuchBucket, NoSuchKey, PreconditionFailed.
   */
  commit(input: CommitObject): Promise<ObjectVersion>;
}

/** Copies one version onto a key, by hard link where the placement allows it. */
export interface CopyObject {
  readonly source: ObjectVersion;
  readonly bucket: string;
  readonly key: string;
  readonly attributes: ObjectAttributes;
  readonly tags: Tags;
  /** Compute this algorithm over the bytes; undefined keeps the source's (CRC64NVME if none). */
  readonly checksumAlgorithm: ChecksumAlgorithm | undefined;
  readonly conditions: WriteConditions;
}

/** Puts more bytes behind those of an object, or creates it. */
export interface AppendObject {
  readonly bucket: string;
  readonly key: string;
  /** What {@link Store.findObject} returned in this turn of the event loop. */
  readonly base: ObjectVersion | undefined;
  /** Size of the base; 0 when there is none. */
  readonly offsetBytes: number;
  /** Payload bytes. */
  readonly sizeBytes: number;
  readonly partsCountMax: number;
}

/** Gives an object another key in its bucket. */
export interface RenameObject {
  readonly bucket: string;
  readonly sourceKey: string;
  readonly key: string;
  /** On what the key held before. */
  readonly conditions: WriteConditions;
  readonly sourceConditions: ReadConditions | undefined;
  /** By which a repetition is known; undefined for a request that did not ask for that. */
  readonly memory: { readonly parameters: string; readonly token: string } | undefined;
}

/** Sets the tags of a version; none removes them. */
export interface SetObjectTags {
  readonly bucket: string;
  readonly key: string;
  /** Undefined means the latest. */
  readonly versionId: string | undefined;
  readonly tags: Tags;
}

/** A multipart upload in progress. */
export interface Upload {
  readonly bucket: string;
  readonly key: string;
  readonly uploadId: string;
  readonly initiatedMs: number;
  readonly attributes: ObjectAttributes;
  /** Undefined when the client chose no algorithm at creation (completes as CRC64NVME). */
  readonly checksumAlgorithm: ChecksumAlgorithm | undefined;
  readonly checksumType: ChecksumType;
  /** Account of the initiator. */
  readonly account: string;
}

/** A stored part of an upload. */
export interface UploadPart {
  readonly partNumber: number;
  readonly sizeBytes: number;
  /** MD5 hex. */
  readonly etag: string;
  readonly lastModifiedMs: number;
  /** In the upload's algorithm (CRC64NVME when it has none). */
  readonly checksum: ObjectChecksum;
}

/** A part being received. Dispose it in any case. */
export interface StagedPart extends AsyncDisposable {
  write(piece: Uint8Array): Promise<void>;
  /** @throws {S3Error} NoSuchUpload. */
  commit(input: { readonly etag: string; readonly checksum: ObjectChecksum }): Promise<UploadPart>;
}

/** Makes a part from a range of a stored version, by hard link where that allows it. */
export interface CopyPart {
  readonly source: ObjectVersion;
  /** Within the source; all of it when nothing was asked for. */
  readonly range: ByteRange;
  readonly bucket: string;
  readonly key: string;
  readonly uploadId: string;
  readonly partNumber: number;
  /** Of the part: the upload's own, or the default of uploads without one. */
  readonly checksumAlgorithm: ChecksumAlgorithm;
}

/** A part as the client lists it at completion. */
export interface CompletedPart {
  readonly partNumber: number;
  /** Without quotes. */
  readonly etag: string;
  /** Checksums the client repeated for the part, by algorithm. */
  readonly checksums: Readonly<Partial<Record<ChecksumAlgorithm, string>>>;
}

export interface CompleteUpload {
  readonly bucket: string;
  readonly key: string;
  readonly uploadId: string;
  readonly parts: readonly CompletedPart[];
  readonly conditions: WriteConditions;
  /** Full-object or composite value the client expects, base64 (composite may carry `-N`). */
  readonly expectedChecksum:
    { readonly algorithm: ChecksumAlgorithm; readonly value: string } | undefined;
  readonly expectedChecksumType: ChecksumType | undefined;
  /** `x-amz-mp-object-size`. */
  readonly expectedSizeBytes: number | undefined;
  readonly partSizeBytesMin: number;
  readonly objectSizeBytesMax: number;
}

export interface ListObjects {
  readonly bucket: string;
  readonly prefix: string;
  /** Empty means none; may be any text. */
  readonly delimiter: string;
  /** Entries are strictly after this key; empty starts at the beginning. */
  readonly after: string;
  /** `after` is a common prefix: skip everything that starts with it. */
  readonly afterIsCommonPrefix: boolean;
  /** 0 to 1,000. */
  readonly countMax: number;
}

export interface ObjectPage {
  readonly objects: readonly ObjectVersion[];
  readonly commonPrefixes: readonly string[];
  readonly isTruncated: boolean;
  /** Last entry of the page and what it was; undefined on an empty page. */
  readonly last: { readonly name: string; readonly isCommonPrefix: boolean } | undefined;
}

export interface ListUploads {
  readonly bucket: string;
  readonly prefix: string;
  readonly delimiter: string;
  readonly keyMarker: string;
  /** Ignored without `keyMarker`. */
  readonly uploadIdMarker: string;
  readonly countMax: number;
}

export interface UploadPage {
  readonly uploads: readonly Upload[];
  readonly commonPrefixes: readonly string[];
  readonly isTruncated: boolean;
  readonly nextKeyMarker: string;
  readonly nextUploadIdMarker: string;
}

export interface Store {
  /** Starts a request: later reads see everything acknowledged before this call. */
  refresh(): void;

  findBucket(bucket: string): Bucket | undefined;
  bucketCounters(bucket: string): BucketCounters;
  /** @throws {S3Error} BucketAlreadyExists, BucketAlreadyOwnedByYou. */
  createBucket(input: {
    readonly bucket: string;
    readonly account: string;
    readonly region: string;
    readonly configurations?: BucketConfigurations;
  }): Promise<Bucket>;
  /** The document as it was put; undefined when there is none. @throws {S3Error} NoSuchBucket. */
  bucketConfiguration(bucket: string, name: BucketConfigurationName): string | undefined;
  /** @throws {S3Error} InsufficientStorage, NoSuchBucket. */
  putBucketConfiguration(
    bucket: string,
    name: BucketConfigurationName,
    document: string,
  ): Promise<void>;
  /** An absent one is deleted already. @throws {S3Error} NoSuchBucket. */
  deleteBucketConfiguration(bucket: string, name: BucketConfigurationName): Promise<void>;
  /** Discards uploads in progress. @throws {S3Error} BucketNotEmpty, NoSuchBucket. */
  deleteBucket(bucket: string): Promise<void>;
  /** Buckets of an account in name order, strictly after `after`. */
  listBuckets(input: {
    readonly account: string;
    readonly prefix: string;
    /** Undefined means any. */
    readonly region?: string | undefined;
    readonly after: string;
    readonly countMax: number;
  }): { readonly buckets: readonly Bucket[]; readonly isTruncated: boolean };

  /**
   * The record of an object. `versionId` undefined means the latest.
   *
   * @throws {S3Error} NoSuchBucket, NoSuchKey, NoSuchVersion; InvalidArgument for a malformed id.
   */
  headObject(bucket: string, key: string, versionId?: string): ObjectVersion;
  /** The current version of a key, if there is one. @throws {S3Error} NoSuchBucket. */
  findObject(bucket: string, key: string): ObjectVersion | undefined;
  /** Opens the payload of what `headObject` would return now. @throws like headObject. */
  openObject(bucket: string, key: string, versionId?: string): Promise<OpenObject>;
  /** The part of a multipart object, or undefined when the number is beyond its parts. */
  objectPart(version: ObjectVersion, partNumber: number): ObjectPart | undefined;
  /** Parts in order, strictly after `afterPartNumber`; empty for a single-part object. */
  objectParts(
    version: ObjectVersion,
    afterPartNumber: number,
    countMax: number,
  ): readonly ObjectPart[];

  /** @param input.sizeBytes - payload bytes if known; decides the placement early. */
  stageObject(input: {
    readonly bucket: string;
    readonly key: string;
    readonly sizeBytes: number | undefined;
  }): Promise<StagedObject>;
  copyObject(input: CopyObject): Promise<ObjectVersion>;
  /**
   * Stages bytes behind those of an object. No byte that lies in a file is copied. The commit takes
   * ETag and checksum of the appended bytes alone, and attributes for an object that is created.
   *
   * @throws {S3Error} InsufficientStorage, NoSuchBucket, OperationAborted, TooManyParts; at the
   * commit InvalidWriteOffset when the object has grown meanwhile, OperationAborted when it was
   * replaced by one of the same size.
   */
  stageAppend(input: AppendObject): Promise<StagedObject>;
  /**
   * Moves an object to another key in one transaction: no reader of any process sees both or none.
   * ETag, checksum, attributes and date stay; what the key held before is replaced.
   *
   * @throws {S3Error} IdempotencyParameterMismatch, InsufficientStorage, NoSuchBucket, NoSuchKey,
   * OperationAborted, PreconditionFailed.
   */
  renameObject(input: RenameObject): Promise<ObjectVersion>;
  /**
   * Replaces the tags of a version; everything else about it stays, its time too.
   *
   * @throws {S3Error} InsufficientStorage, InvalidArgument, NoSuchBucket, NoSuchKey, NoSuchVersion;
   * OperationAborted when the object kept changing.
   */
  setObjectTags(input: SetObjectTags): Promise<void>;
  /**
   * Removes the latest version. Absent keys are not an error.
   *
   * @returns whether something was removed.
   * @throws {S3Error} NoSuchBucket, NoSuchVersion, PreconditionFailed.
   */
  deleteObject(input: {
    readonly bucket: string;
    readonly key: string;
    readonly versionId?: string | undefined;
    readonly ifMatch?: string | undefined;
  }): Promise<boolean>;
  /** Removes many keys in one transaction; the n-th result belongs to the n-th entry. */
  deleteObjects(
    bucket: string,
    entries: readonly {
      readonly key: string;
      readonly versionId?: string | undefined;
      readonly ifMatch?: string | undefined;
    }[],
  ): Promise<readonly (undefined | Error)[]>;
  /** @throws {S3Error} NoSuchBucket. */
  listObjects(input: ListObjects): ObjectPage;

  createUpload(input: {
    readonly bucket: string;
    readonly key: string;
    readonly attributes: ObjectAttributes;
    readonly tags: Tags;
    readonly checksumAlgorithm: ChecksumAlgorithm | undefined;
    readonly checksumType: ChecksumType;
    readonly account: string;
  }): Promise<Upload>;
  /** @throws {S3Error} NoSuchBucket, NoSuchUpload. */
  headUpload(bucket: string, key: string, uploadId: string): Upload;
  stagePart(input: {
    readonly bucket: string;
    readonly key: string;
    readonly uploadId: string;
    readonly partNumber: number;
    readonly sizeBytes: number | undefined;
  }): Promise<StagedPart>;
  /**
   * Adds a part that holds the source as it was when this was called.
   *
   * @throws {S3Error} NoSuchBucket, NoSuchUpload; OperationAborted when the source has changed.
   */
  copyPart(input: CopyPart): Promise<UploadPart>;
  /**
   * Publishes the listed parts as one object without copying bytes. Repeating a successful call
   * with the same parts returns the same version.
   *
   * @throws {S3Error} BadDigest, ConditionalRequestConflict, EntityTooLarge, EntityTooSmall,
   * InvalidPart, InvalidPartOrder, InvalidRequest, NoSuchBucket, NoSuchKey, NoSuchUpload,
   * PreconditionFailed.
   */
  completeUpload(input: CompleteUpload): Promise<ObjectVersion>;
  /** @throws {S3Error} NoSuchBucket, NoSuchUpload. */
  abortUpload(bucket: string, key: string, uploadId: string): Promise<void>;
  /** Parts in order, strictly after `afterPartNumber`. @throws {S3Error} NoSuchUpload. */
  listParts(
    upload: Upload,
    afterPartNumber: number,
    countMax: number,
  ): { readonly parts: readonly UploadPart[]; readonly isTruncated: boolean };
  listUploads(input: ListUploads): UploadPage;

  /** Finishes queued writes and closes files. No method may be called afterwards. */
  close(): Promise<void>;
}
