/**
 * Keys of the metadata tables. Raw bytes, so that LMDB's order is the order S3 lists in.
 *
 * ```text
 * buckets         name
 * configurations  bucketId:u32 name                                  document, by sub-resource
 * counters        bucketId:u32
 * objects         bucketId:u32 key                                   current version, never a marker
 * versions        bucketId:u32 key 00 kind:u8 inverted-sequence:u64  other versions, newest first
 * inline          sequence:u64                                       payload of the version
 * layouts         blobId:16
 * manifests       uploadId
 * uploads         bucketId:u32 key 00 uploadId
 * parts           uploadId partNumber:u16
 * garbage         sequence:u64 index:u32
 * system          name
 * ```
 *
 * Numbers are big-endian. A key never contains a NUL byte and is valid UTF-8, so 00 ends it and
 * FF is above all that start with it. The longest key is 4 + 1024 + 1 + 32 bytes; LMDB allows 1978.
 *
 * @see docs/ON_DISK_FORMAT.md, "Metadata tables"
 * @module
 */

import { asBuffer } from '../util/bytes.js';

/** Of everything under `metadata_path` and `base_path`; see docs/ON_DISK_FORMAT.md, "Versions". */
export const INDEX_FORMAT = 1;
/** LMDB's own limit. */
export const KEY_BYTES_MAX = 1978;

export const SEQUENCE_KEY = Buffer.from('sequence');
export const EPOCH_KEY = Buffer.from('epoch');
export const NEXT_BUCKET_ID_KEY = Buffer.from('next-bucket-id');
export const FORMAT_KEY = Buffer.from('format');
/** Not 0: blobs that the index does not know stay, because the index may be older than they are. */
export const KEEP_ORPHANS_KEY = Buffer.from('keep-orphans');

export const UPLOAD_ID_BYTES = 32;

/** Kind byte in the suffix of a version key. */
export const VERSION_KIND = 0x01;

export function bucketKey(name: string): Buffer {
  // Not latin1: that drops the upper bytes of characters, and `/ŢŵţūťŴ` would lead to `bucket`.
  return Buffer.from(name, 'utf8');
}

export function bucketIdKey(bucketId: number): Buffer {
  const key = Buffer.allocUnsafe(4);
  key.writeUInt32BE(bucketId, 0);
  return key;
}

/** Key of a document that configures a bucket, `tagging` for instance. */
export function configurationKey(bucketId: number, name: string): Buffer {
  return Buffer.concat([bucketIdKey(bucketId), Buffer.from(name, 'latin1')]);
}

export function objectKey(bucketId: number, key: string): Buffer {
  const bytes = Buffer.allocUnsafe(4 + Buffer.byteLength(key));
  bytes.writeUInt32BE(bucketId, 0);
  bytes.write(key, 4, 'utf8');
  return bytes;
}

/** Key of a version that is not the current one; newer versions sort first. */
export function versionKey(bucketId: number, key: string, sequence: number): Buffer {
  const suffix = Buffer.allocUnsafe(10);
  suffix[0] = 0;
  suffix[1] = VERSION_KIND;
  suffix.writeBigUInt64BE(0xffff_ffff_ffff_ffffn - BigInt(sequence), 2);
  return Buffer.concat([objectKey(bucketId, key), suffix]);
}

/** The object key inside a key of `objects`. */
export function keyOfObjectKey(bytes: Uint8Array): string {
  return asBuffer(bytes).toString('utf8', 4);
}

/** First byte string above everything that starts with `prefix`, given UTF-8 content. */
export function afterPrefix(prefix: Uint8Array): Buffer {
  return Buffer.concat([prefix, Buffer.of(0xff)]);
}

/** First byte string above `key` itself. */
export function justAfter(key: Uint8Array): Buffer {
  return Buffer.concat([key, Buffer.of(0)]);
}

export function sequenceKey(sequence: number): Buffer {
  const key = Buffer.allocUnsafe(8);
  key.writeBigUInt64BE(BigInt(sequence), 0);
  return key;
}

export function blobIdKey(blobId: string): Buffer {
  return Buffer.from(blobId, 'hex');
}

export function uploadKey(bucketId: number, key: string, uploadId: string): Buffer {
  return Buffer.concat([objectKey(bucketId, key), Buffer.of(0), Buffer.from(uploadId, 'latin1')]);
}

/** Splits a key of `uploads`. */
export function partsOfUploadKey(bytes: Uint8Array): { key: string; uploadId: string } {
  const buffer = asBuffer(bytes);
  const separator = buffer.length - UPLOAD_ID_BYTES - 1;
  return {
    key: buffer.toString('utf8', 4, separator),
    uploadId: buffer.toString('latin1', separator + 1),
  };
}

export function manifestKey(uploadId: string): Buffer {
  return Buffer.from(uploadId, 'latin1');
}

export function partKey(uploadId: string, partNumber: number): Buffer {
  const key = Buffer.allocUnsafe(UPLOAD_ID_BYTES + 2);
  key.write(uploadId, 0, 'latin1');
  key.writeUInt16BE(partNumber, UPLOAD_ID_BYTES);
  return key;
}

export function partNumberOfKey(bytes: Uint8Array): number {
  return asBuffer(bytes).readUInt16BE(UPLOAD_ID_BYTES);
}

export function garbageKey(sequence: number, index: number): Buffer {
  const key = Buffer.allocUnsafe(12);
  key.writeBigUInt64BE(BigInt(sequence), 0);
  key.writeUInt32BE(index, 8);
  return key;
}

export function sequenceOfGarbageKey(bytes: Uint8Array): number {
  return Number(asBuffer(bytes).readBigUInt64BE(0));
}
