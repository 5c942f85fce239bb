/**
 * Checksums inside a record.
 *
 * ```text
 * checksum = 0 | algorithm:u8 type:u8 digest:bytes
 * ```
 *
 * @module
 */

import type { ChecksumAlgorithm, ChecksumType, ObjectChecksum } from '../s3/object-attributes.js';
import type { RecordReader, RecordWriter } from './record-codec.js';

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

export function putChecksum(writer: RecordWriter, checksum: ObjectChecksum | undefined): void {
  putAlgorithm(writer, checksum?.algorithm);
  if (checksum === undefined) return;
  putChecksumType(writer, checksum.type);
  writer.bytes(Buffer.from(checksum.value, 'base64'));
}

export function checksumOf(reader: RecordReader): ObjectChecksum | undefined {
  const algorithm = algorithmOf(reader);
  if (algorithm === undefined) return undefined;
  const type = checksumTypeOf(reader);
  return { algorithm, type, value: reader.base64() };
}

export function putAlgorithm(
  writer: RecordWriter,
  algorithm: ChecksumAlgorithm | undefined,
): RecordWriter {
  return writer.u8(ALGORITHMS.indexOf(algorithm ?? 'none'));
}

export function algorithmOf(reader: RecordReader): ChecksumAlgorithm | undefined {
  const algorithm = reader.member(ALGORITHMS, 'checksum algorithm');
  return algorithm === 'none' ? undefined : algorithm;
}

export function putChecksumType(writer: RecordWriter, type: ChecksumType): RecordWriter {
  return writer.u8(CHECKSUM_TYPES.indexOf(type));
}

export function checksumTypeOf(reader: RecordReader): ChecksumType {
  return reader.member(CHECKSUM_TYPES, 'checksum type');
}
