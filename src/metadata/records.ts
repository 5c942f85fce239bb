/**
 * Records of buckets, objects, uploads, parts, layouts, manifests and garbage, and their bytes.
 *
 * The grammar of each record stands above its encoder; all share the frame of record-codec.ts, and
 * all but garbage and inline payloads may end in extensions. Lists of names below are append-only.
 *
 * @see docs/ON_DISK_FORMAT.md, "Records"
 * @module
 */

import type { ChecksumAlgorithm, ChecksumType, ObjectChecksum } from '../s3/object-attributes.js';
import { attributesOf, putAttributes } from './attributes-codec.js';
import type { ObjectAttributes } from '../s3/object-attributes.js';
import type { Tags } from '../s3/tags.js';
import { DamagedRecordError, RecordReader, RecordWriter, type Extensible } from './record-codec.js';
import { splitTags, withTags } from './tags-codec.js';

export interface BucketRecord extends Extensible {
  readonly id: number;
  readonly account: string;
  readonly region: string;
  readonly createdMs: number;
}

/** One configuration of a bucket: the document that reading it answers, opaque to the index. */
export interface ConfigurationRecord extends Extensible {
  readonly document: string;
}

export interface CountersRecord extends Extensible {
  readonly objectCount: number;
  readonly objectBytes: number;
  readonly uploadCount: number;
}

export type PlacementRecord =
  | { readonly kind: 'inline' }
  | { readonly kind: 'plain'; readonly blobId: string }
  | { readonly kind: 'parts'; readonly blobId: string; readonly uploadId: string };

export interface ObjectRecord extends Extensible {
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
  readonly tags: Tags;
}

export interface UploadRecord extends Extensible {
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
  readonly tags: Tags;
}

export interface PartRecord extends Extensible {
  readonly blobId: string;
  readonly sizeBytes: number;
  readonly md5Hex: string;
  readonly lastModifiedMs: number;
  readonly checksum: ObjectChecksum;
}

export interface LayoutRecord extends Extensible {
  readonly sizeBytes: number;
  readonly blockSizeBytes: number;
  readonly blockChecksums: Uint32Array;
}

export interface ManifestRecord extends Extensible {
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
// The position in these lists is the number in the record: append only.
const ALGORITHMS: readonly (ChecksumAlgorithm | 'none')[] = [
  'none',
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
const CHECKSUM_TYPES: readonly ChecksumType[] = ['FULL_OBJECT', 'COMPOSITE'];
const PLACEMENTS = ['inline', 'plain', 'parts'] as const;
const GARBAGE_KINDS = [undefined, 'blob', 'upload'] as const;
const writer = new RecordWriter();

/** `bucket = id:varint account:text region:text createdMs:varint` */
export function encodeBucket(record: BucketRecord): Buffer {
  return writer
    .start(FORMAT)
    .varint(record.id)
    .text(record.account)
    .text(record.region)
    .varint(record.createdMs)
    .extensions(record.extensions)
    .finish();
}

export function decodeBucket(bytes: Uint8Array): BucketRecord {
  const reader = new RecordReader(bytes, FORMAT, 'bucket');
  return {
    id: reader.varint(),
    account: reader.text(),
    region: reader.text(),
    createdMs: reader.varint(),
    ...reader.extensions(),
  };
}

/** `configuration = document:text` */
export function encodeConfiguration(record: ConfigurationRecord): Buffer {
  return writer.start(FORMAT).text(record.document).extensions(record.extensions).finish();
}

export function decodeConfiguration(bytes: Uint8Array): ConfigurationRecord {
  const reader = new RecordReader(bytes, FORMAT, 'configuration');
  return { document: reader.text(), ...reader.extensions() };
}

/** `counters = objectCount:varint objectBytes:varint uploadCount:varint` */
export function encodeCounters(record: CountersRecord): Buffer {
  return writer
    .start(FORMAT)
    .varint(record.objectCount)
    .varint(record.objectBytes)
    .varint(record.uploadCount)
    .extensions(record.extensions)
    .finish();
}

export function decodeCounters(bytes: Uint8Array | undefined): CountersRecord {
  if (bytes === undefined) return { objectCount: 0, objectBytes: 0, uploadCount: 0 };
  const reader = new RecordReader(bytes, FORMAT, 'counters');
  return {
    objectCount: reader.varint(),
    objectBytes: reader.varint(),
    uploadCount: reader.varint(),
    ...reader.extensions(),
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
  return writer.extensions(withTags(record.tags, record.extensions)).finish();
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
    ...splitTags(reader.extensions()),
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
    .u8(ALGORITHMS.indexOf(record.checksumAlgorithm ?? 'none'))
    .u8(CHECKSUM_TYPES.indexOf(record.checksumType));
  putAttributes(writer, record.attributes);
  return writer.extensions(withTags(record.tags, record.extensions)).finish();
}

export function decodeUpload(bytes: Uint8Array): UploadRecord {
  const reader = new RecordReader(bytes, FORMAT, 'upload');
  return {
    initiatedMs: reader.varint(),
    revision: reader.varint(),
    startSequence: reader.varint(),
    isKeyDeleted: reader.u8() === 1,
    account: reader.text(),
    checksumAlgorithm: algorithmOf(reader),
    checksumType: reader.member(CHECKSUM_TYPES, 'checksum type'),
    attributes: attributesOf(reader),
    ...splitTags(reader.extensions()),
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
  return writer.extensions(record.extensions).finish();
}

export function decodePart(bytes: Uint8Array): PartRecord {
  const reader = new RecordReader(bytes, FORMAT, 'part');
  const record = {
    blobId: reader.hex(),
    sizeBytes: reader.varint(),
    md5Hex: reader.raw(16).toString('hex'),
    lastModifiedMs: reader.varint(),
    checksum: checksumOf(reader),
    ...reader.extensions(),
  };
  if (record.checksum === undefined) throw new DamagedRecordError('part record has no checksum');
  return { ...record, checksum: record.checksum };
}

/** `layout = sizeBytes:varint blockSizeBytes:varint crc32:u32le*`, one CRC for each begun block */
export function encodeLayout(record: LayoutRecord): Buffer {
  const { blockChecksums } = record;
  return writer
    .start(FORMAT)
    .varint(record.sizeBytes)
    .varint(record.blockSizeBytes)
    .raw(
      new Uint8Array(blockChecksums.buffer, blockChecksums.byteOffset, blockChecksums.byteLength),
    )
    .extensions(record.extensions)
    .finish();
}

export function decodeLayout(bytes: Uint8Array): LayoutRecord {
  const reader = new RecordReader(bytes, FORMAT, 'layout');
  const sizeBytes = reader.varint();
  const blockSizeBytes = reader.varint();
  if (blockSizeBytes === 0) throw new DamagedRecordError('layout record has blocks of 0 bytes');
  const blockCount = Math.ceil(sizeBytes / blockSizeBytes);
  const raw = Uint8Array.from(reader.raw(blockCount * 4));
  const blockChecksums = new Uint32Array(raw.buffer);
  return { sizeBytes, blockSizeBytes, blockChecksums, ...reader.extensions() };
}

/** `manifest = count:varint (partNumber:varint sizeBytes:varint)*` */
export function encodeManifest(record: ManifestRecord): Buffer {
  writer.start(FORMAT).varint(record.parts.length);
  for (const part of record.parts) writer.varint(part.partNumber).varint(part.sizeBytes);
  return writer.extensions(record.extensions).finish();
}

export function decodeManifest(bytes: Uint8Array): ManifestRecord {
  const reader = new RecordReader(bytes, FORMAT, 'manifest');
  const count = reader.varint();
  const parts: { partNumber: number; sizeBytes: number }[] = [];
  for (let index = 0; index < count; index += 1) {
    parts.push({ partNumber: reader.varint(), sizeBytes: reader.varint() });
  }
  return { parts, ...reader.extensions() };
}

/** `garbage = 1 bucket:text key:text blobId:bytes | 2 bucket key uploadId:text blobId:bytes` */
export function encodeGarbage(record: GarbageRecord): Buffer {
  writer.start(FORMAT).u8(GARBAGE_KINDS.indexOf(record.kind)).text(record.bucket).text(record.key);
  if (record.kind === 'upload') writer.text(record.uploadId);
  return writer.hex(record.blobId).finish();
}

export function decodeGarbage(bytes: Uint8Array): GarbageRecord {
  const reader = new RecordReader(bytes, FORMAT, 'garbage');
  const kind = reader.member(GARBAGE_KINDS, 'kind');
  const place = { bucket: reader.text(), key: reader.text() };
  if (kind === 'blob') return { kind, ...place, blobId: reader.hex() };
  return { kind, ...place, uploadId: reader.text(), blobId: reader.hex() };
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
  writer.u8(ALGORITHMS.indexOf(checksum?.algorithm ?? 'none'));
  if (checksum === undefined) return;
  writer.u8(CHECKSUM_TYPES.indexOf(checksum.type)).bytes(Buffer.from(checksum.value, 'base64'));
}

function checksumOf(reader: RecordReader): ObjectChecksum | undefined {
  const algorithm = algorithmOf(reader);
  if (algorithm === undefined) return undefined;
  const type = reader.member(CHECKSUM_TYPES, 'checksum type');
  return { algorithm, type, value: reader.bytes().toString('base64') };
}

function algorithmOf(reader: RecordReader): ChecksumAlgorithm | undefined {
  const algorithm = reader.member(ALGORITHMS, 'checksum algorithm');
  return algorithm === 'none' ? undefined : algorithm;
}

function putPlacement(placement: PlacementRecord): void {
  writer.u8(PLACEMENTS.indexOf(placement.kind));
  if (placement.kind === 'inline') return;
  writer.hex(placement.blobId);
  if (placement.kind === 'parts') writer.text(placement.uploadId);
}

function placementOf(reader: RecordReader): PlacementRecord {
  const kind = reader.member(PLACEMENTS, 'placement');
  if (kind === 'inline') return { kind };
  const blobId = reader.hex();
  return kind === 'plain' ? { kind, blobId } : { kind, blobId, uploadId: reader.text() };
}
