/**
 * Records about payloads, and their bytes: layouts of blobs, manifests of parts, payloads that are
 * kept in the index, and those that nobody refers to any more.
 *
 * The grammar of each record stands above its encoder; all share the frame of record-codec.ts, and
 * layouts and manifests may end in extensions.
 *
 * @see docs/ON_DISK_FORMAT.md, "Records"
 * @module
 */

import { DamagedRecordError, RecordReader, RecordWriter, type Extensible } from './record-codec.js';

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
// The position in this list is the number in the record: append only.
const GARBAGE_KINDS = [undefined, 'blob', 'upload'] as const;
const writer = new RecordWriter();

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
