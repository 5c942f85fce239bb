/**
 * What a client may say about an object besides its bytes, and gets back on GET and HEAD.
 *
 * @module
 */

/** Stored as sent; absent members were not given. */
export interface ObjectAttributes {
  readonly contentType?: string;
  readonly cacheControl?: string;
  readonly contentDisposition?: string;
  /** Without the `aws-chunked` token. */
  readonly contentEncoding?: string;
  readonly contentLanguage?: string;
  /** Opaque text, never parsed. */
  readonly expires?: string;
  readonly websiteRedirectLocation?: string;
  /** Absent means STANDARD. */
  readonly storageClass?: string;
  /** Names lower-case, without the `x-amz-meta-` prefix. */
  readonly userMetadata: Readonly<Record<string, string>>;
}

/** The checksum algorithms of the S3 API. */
export type ChecksumAlgorithm =
  | 'CRC32'
  | 'CRC32C'
  | 'CRC64NVME'
  | 'SHA1'
  | 'SHA256'
  | 'SHA512'
  | 'MD5'
  | 'XXHASH64'
  | 'XXHASH3'
  | 'XXHASH128';

/** Whether a checksum covers the object's bytes or the list of its parts' checksums. */
export type ChecksumType = 'FULL_OBJECT' | 'COMPOSITE';

/** One stored checksum. */
export interface ObjectChecksum {
  readonly algorithm: ChecksumAlgorithm;
  readonly type: ChecksumType;
  /** Base64 of the digest, big-endian; for COMPOSITE without the `-N` suffix. */
  readonly value: string;
}

/** Conditions on the object a write would replace. */
export interface WriteConditions {
  /** ETag without quotes, or `*`. */
  readonly ifMatch?: string;
  /** Only `*` exists for writes. */
  readonly ifNoneMatch?: '*';
  /** Of RenameObject alone: there must be an object, and one that is newer than this. */
  readonly ifModifiedSinceMs?: number;
  /** Of RenameObject alone: an object that is there must not be newer than this. */
  readonly ifUnmodifiedSinceMs?: number;
}
