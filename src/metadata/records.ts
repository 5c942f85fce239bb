/**
 * Records of buckets, objects, uploads, parts, layouts, manifests and garbage, and their bytes.
 *
 * The grammar of each record stands above its encoder; all share the frame of record-codec.ts.
 *
 * @see docs/ON_DISK_FORMAT.md, "Records"
 * @module
 */

import type { ChecksumAlgorithm, ChecksumType, ObjectChecksum } from '../s3/object-attributes.js';
import { attributesOf, putAttributes } from './attributes-codec.js';
import type { ObjectAttributes } from '../s3/object-attributes.js';
import { RecordReader, RecordWriter } from './record-codec.js';

export interface BucketRecord {
  readonly id: number;
  readonly account: string;
  readonly region: string;
  readonly createdMs: number;
}

export interface CountersRecord {
  readonly objectCount: number;
  readonly objectBytes: number;
  readonly uploadCount: number;
}

export type PlacementRecord =
  | { readonly kind: 'inline' }
  | { readonly kind: 'plain'; readonly blobId: string }
  | { readonly kind: 'parts'; readonly blobId: string; readonly uploadId: string };

export interface ObjectRecord {
  readonly sequence: number;
  /** Empty for the null version, else the text of the version id. */
  readonly versionId: string;
  readonly sizeBytes: number;
  /** MD5 hex, of the bytes or of the part MD5s. */
  readonly md5Hex: string;
  /** 0 for an object that is not multipart. */
  readonly partsCount: number;
  readonly lastModifiedMs: number;
  readonly checksum: ObjectChecksum | undefined;
  readonly placement: PlacementRecord;
  readonly attributes: ObjectAttributes;
}

export interface UploadRecord {
  readonly initiatedMs: number;
  /** Grows with every part, so that a completion can tell whether its view is still right. */
  readonly revision: number;
  /** Last write of the store when the upload began. */
  readonly startSequence: number;
  /** The key was deleted since the upload began. */
  readonly isKeyDeleted: boolean;
  readonly account: string;
  readonly checksumAlgorithm: ChecksumAlgorithm | undefined;
  readonly checksumType: ChecksumType;
  readonly attributes: ObjectAttributes;
}

export interface PartRecord {
  readonly blobId: string;
  readonly sizeBytes: number;
  readonly md5Hex: string;
  readonly lastModifiedMs: number;
  readonly checksum: ObjectChecksum;
}

export interface LayoutRecord {
  readonly sizeBytes: number;
  readonly blockSizeBytes: number;
  readonly blockChecksums: Uint32Array;
}

export interface ManifestRecord {
  readonly parts: readonly { readonly partNumber: number; readonly sizeBytes: number }[];
}

/** Payload that no record refers to any more, to be removed once nobody reads it. */
export type GarbageRecord =
  | {
      readonly kind: 'blob';
      readonly bucket: string;
      readonly key: string;
      readonly blobId: string;
    }
  /** All parts of an upload, and the manifest blob if it was completed. */
  | {
      readonly kind: 'upload';
      readonly bucket: string;
      readonly key: string;
      readonly uploadId: string;
      readonly blobId: string;
    };

const FORMAT = 1;
// The position in this list is the number in the record: append only.
const ALGORITHMS: readonly ChecksumAlgorithm[] = [
  'CRC32',
  'CRC32C',
  'CRC64NVME',
  'SHA1',
  'SHA256',
  'SHA512',
  'MD5',
  'XXHASH64',
  'XXHASH3',
  'XXHASH128',
];
const writer = new RecordWriter();

/** `bucket = id:varint account:text region:text createdMs:varint` */
export function encodeBucket(record: BucketRecord): Buffer {
  return writer
    .start(FORMAT)
    .varint(record.id)
    .text(record.account)
    .text(record.region)
    .varint(record.createdMs)
    .finish();
}

export function decodeBucket(bytes: Uint8Array): BucketRecord {
  const reader = new RecordReader(bytes, FORMAT, 'bucket');
  return {
    id: reader.varint(),
    account: reader.text(),
    region: reader.text(),
    createdMs: reader.varint(),
  };
}

/** `counters = objectCount:varint objectBytes:varint uploadCount:varint` */
export function encodeCounters(record: CountersRecord): Buffer {
  return writer
    .start(FORMAT)
    .varint(record.objectCount)
    .varint(record.objectBytes)
    .varint(record.uploadCount)
    .finish();
}

export function decodeCounters(bytes: Uint8Array | undefined): CountersRecord {
  if (bytes === undefined) return { objectCount: 0, objectBytes: 0, uploadCount: 0 };
  const reader = new RecordReader(bytes, FORMAT, 'counters');
  return {
    objectCount: reader.varint(),
    objectBytes: reader.varint(),
    uploadCount: reader.varint(),
  };
}

/**
 * `object = sequence:varint versionId:text sizeBytes:varint md5:16 partsCount:varint
 * lastModifiedMs:varint checksum placement attributes`, `checksum = 0 | algorithm:u8 type:u8
 * digest:bytes`, `placement = 0 | 1 blobId:bytes | 2 blobId:bytes uploadId:text`
 */
export function encodeObject(record: ObjectRecord): Buffer {
  writer
    .start(FORMAT)
    .varint(record.sequence)
    .text(record.versionId)
    .varint(record.sizeBytes)
    .raw(Buffer.from(record.md5Hex, 'hex'))
    .varint(record.partsCount)
    .varint(record.lastModifiedMs);
  putChecksum(record.checksum);
  putPlacement(record.placement);
  putAttributes(writer, record.attributes);
  return writer.finish();
}

export function decodeObject(bytes: Uint8Array): ObjectRecord {
  const reader = new RecordReader(bytes, FORMAT, 'object');
  return {
    sequence: reader.varint(),
    versionId: reader.text(),
    sizeBytes: reader.varint(),
    md5Hex: reader.raw(16).toString('hex'),
    partsCount: reader.varint(),
    lastModifiedMs: reader.varint(),
    checksum: checksumOf(reader),
    placement: placementOf(reader),
    attributes: attributesOf(reader),
  };
}

/**
 * `upload = initiatedMs:varint revision:varint startSequence:varint isKeyDeleted:u8 account:text
 * algorithm:u8 type:u8 attributes`
 */
export function encodeUpload(record: UploadRecord): Buffer {
  writer
    .start(FORMAT)
    .varint(record.initiatedMs)
    .varint(record.revision)
    .varint(record.startSequence)
    .u8(record.isKeyDeleted ? 1 : 0)
    .text(record.account)
    .u8(
      record.checksumAlgorithm === undefined ? 0 : ALGORITHMS.indexOf(record.checksumAlgorithm) + 1,
    )
    .u8(record.checksumType === 'COMPOSITE' ? 1 : 0);
  putAttributes(writer, record.attributes);
  return writer.finish();
}

export function decodeUpload(bytes: Uint8Array): UploadRecord {
  const reader = new RecordReader(bytes, FORMAT, 'upload');
  return {
    initiatedMs: reader.varint(),
    revision: reader.varint(),
    startSequence: reader.varint(),
    isKeyDeleted: reader.u8() === 1,
    account: reader.text(),
    checksumAlgorithm: ALGORITHMS[reader.u8() - 1],
    checksumType: reader.u8() === 1 ? 'COMPOSITE' : 'FULL_OBJECT',
    attributes: attributesOf(reader),
  };
}

/** `part = blobId:bytes sizeBytes:varint md5:16 lastModifiedMs:varint checksum` */
export function encodePart(record: PartRecord): Buffer {
  writer
    .start(FORMAT)
    .hex(record.blobId)
    .varint(record.sizeBytes)
    .raw(Buffer.from(record.md5Hex, 'hex'))
    .varint(record.lastModifiedMs);
  putChecksum(record.checksum);
  return writer.finish();
}

export function decodePart(bytes: Uint8Array): PartRecord {
  const reader = new RecordReader(bytes, FORMAT, 'part');
  const record = {
    blobId: reader.hex(),
    sizeBytes: reader.varint(),
    md5Hex: reader.raw(16).toString('hex'),
    lastModifiedMs: reader.varint(),
    checksum: checksumOf(reader),
  };
  if (record.checksum === undefined) throw new Error('part record has no checksum');
  return { ...record, checksum: record.checksum };
}

/** `layout = sizeBytes:varint blockSizeBytes:varint crc32:u32le*` */
export function encodeLayout(record: LayoutRecord): Buffer {
  const { blockChecksums } = record;
  return writer
    .start(FORMAT)
    .varint(record.sizeBytes)
    .varint(record.blockSizeBytes)
    .raw(
      new Uint8Array(blockChecksums.buffer, blockChecksums.byteOffset, blockChecksums.byteLength),
    )
    .finish();
}

export function decodeLayout(bytes: Uint8Array): LayoutRecord {
  const reader = new RecordReader(bytes, FORMAT, 'layout');
  const sizeBytes = reader.varint();
  const blockSizeBytes = reader.varint();
  const raw = Uint8Array.from(reader.rest());
  return { sizeBytes, blockSizeBytes, blockChecksums: new Uint32Array(raw.buffer) };
}

/** `manifest = (partNumber:varint sizeBytes:varint)*` preceded by their count */
export function encodeManifest(record: ManifestRecord): Buffer {
  writer.start(FORMAT).varint(record.parts.length);
  for (const part of record.parts) writer.varint(part.partNumber).varint(part.sizeBytes);
  return writer.finish();
}

export function decodeManifest(bytes: Uint8Array): ManifestRecord {
  const reader = new RecordReader(bytes, FORMAT, 'manifest');
  const parts = Array.from({ length: reader.varint() }, () => ({
    partNumber: reader.varint(),
    sizeBytes: reader.varint(),
  }));
  return { parts };
}

/** `garbage = 1 bucket:text key:text blobId:bytes | 2 bucket key uploadId:text blobId:bytes` */
export function encodeGarbage(record: GarbageRecord): Buffer {
  writer
    .start(FORMAT)
    .u8(record.kind === 'blob' ? 1 : 2)
    .text(record.bucket)
    .text(record.key);
  if (record.kind === 'upload') writer.text(record.uploadId);
  return writer.hex(record.blobId).finish();
}

export function decodeGarbage(bytes: Uint8Array): GarbageRecord {
  const reader = new RecordReader(bytes, FORMAT, 'garbage');
  const kind = reader.u8();
  const place = { bucket: reader.text(), key: reader.text() };
  if (kind === 1) return { kind: 'blob', ...place, blobId: reader.hex() };
  return { kind: 'upload', ...place, uploadId: reader.text(), blobId: reader.hex() };
}

/** `inline = the payload`; the frame's checksum covers it. */
export function encodeInline(payload: Uint8Array): Buffer {
  return writer.start(FORMAT).raw(payload).finish();
}

/** @returns a copy that may be kept. */
export function decodeInline(bytes: Uint8Array): Buffer {
  return Buffer.from(new RecordReader(bytes, FORMAT, 'inline payload').rest());
}

function putChecksum(checksum: ObjectChecksum | undefined): void {
  if (checksum === undefined) {
    writer.u8(0);
    return;
  }
  writer
    .u8(ALGORITHMS.indexOf(checksum.algorithm) + 1)
    .u8(checksum.type === 'COMPOSITE' ? 1 : 0)
    .bytes(Buffer.from(checksum.value, 'base64'));
}

function checksumOf(reader: RecordReader): ObjectChecksum | undefined {
  const algorithm = ALGORITHMS[reader.u8() - 1];
  if (algorithm === undefined) return undefined;
  const type = reader.u8() === 1 ? 'COMPOSITE' : 'FULL_OBJECT';
  return { algorithm, type, value: reader.bytes().toString('base64') };
}

function putPlacement(placement: PlacementRecord): void {
  if (placement.kind === 'inline') writer.u8(0);
  else if (placement.kind === 'plain') writer.u8(1).hex(placement.blobId);
  else writer.u8(2).hex(placement.blobId).text(placement.uploadId);
}

function placementOf(reader: RecordReader): PlacementRecord {
  const kind = reader.u8();
  if (kind === 0) return { kind: 'inline' };
  const blobId = reader.hex();
  return kind === 1
    ? { kind: 'plain', blobId }
    : { kind: 'parts', blobId, uploadId: reader.text() };
}
