/**
 * Records of buckets, objects, uploads and parts, and their bytes.
 *
 * The grammar of each record stands above its encoder; all share the frame of record-codec.ts and
 * may end in extensions. Those about payloads are in payload-records.ts.
 *
 * @see docs/ON_DISK_FORMAT.md, "Records"
 * @module
 */

import type {
  ChecksumAlgorithm,
  ChecksumType,
  ObjectAttributes,
  ObjectChecksum,
} from '../s3/object-attributes.js';
import type { Tags } from '../s3/tags.js';
import { attributesOf, putAttributes } from './attributes-codec.js';
import {
  algorithmOf,
  checksumOf,
  checksumTypeOf,
  putAlgorithm,
  putChecksum,
  putChecksumType,
} from './checksum-codec.js';
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

const FORMAT = 1;
const MD5_BYTES = 16;
// The position in these lists is the number in the record: append only.
const PLACEMENTS = ['inline', 'plain', 'parts'] as const;
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
 * lastModifiedMs:varint checksum placement attributes`, `placement = 0 | 1 blobId:bytes | 2 blobId:bytes uploadId:text`
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
  putChecksum(writer, record.checksum);
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
    md5Hex: reader.rawAs('hex', MD5_BYTES),
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
    .text(record.account);
  putAlgorithm(writer, record.checksumAlgorithm);
  putChecksumType(writer, record.checksumType);
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
    checksumType: checksumTypeOf(reader),
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
  putChecksum(writer, record.checksum);
  return writer.extensions(record.extensions).finish();
}

export function decodePart(bytes: Uint8Array): PartRecord {
  const reader = new RecordReader(bytes, FORMAT, 'part');
  const record = {
    blobId: reader.hex(),
    sizeBytes: reader.varint(),
    md5Hex: reader.rawAs('hex', MD5_BYTES),
    lastModifiedMs: reader.varint(),
    checksum: checksumOf(reader),
    ...reader.extensions(),
  };
  if (record.checksum === undefined) throw new DamagedRecordError('part record has no checksum');
  return { ...record, checksum: record.checksum };
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
