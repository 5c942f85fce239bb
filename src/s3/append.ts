/**
 * The rules of appending: where it may begin, and which checksums can go on.
 *
 * @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/directory-buckets-objects-append.html
 * @module
 */

import {
  combineFullObject,
  DEFAULT_CHECKSUM_ALGORITHM,
  isCombinable,
  type CombinableAlgorithm,
} from './checksums.js';
import { invalidRequest, S3Error } from './errors.js';
import type { ChecksumAlgorithm, ObjectChecksum } from './object-attributes.js';

/** What an append looks at in the object it goes on with. */
export interface AppendBase {
  readonly sizeBytes: number;
  readonly checksum: ObjectChecksum | undefined;
}

/** The refusal of an offset that is not the end of the object; an absent one has none. */
export function invalidWriteOffset(offsetBytes: number, objectSizeBytes: number): S3Error {
  return new S3Error('InvalidWriteOffset', {
    WriteOffset: offsetBytes,
    ObjectSize: objectSizeBytes,
  });
}

/**
 * The algorithm of appended bytes: that of the object, or of the request that creates it. Only
 * checksums of the whole object can be continued without reading it again.
 *
 * @param requested - the algorithm that the request names, if any.
 * @throws {S3Error} InvalidRequest.
 */
export function appendAlgorithm(
  base: AppendBase | undefined,
  requested: ChecksumAlgorithm | undefined,
): CombinableAlgorithm {
  const expected = base === undefined ? requested : base.checksum?.algorithm;
  const algorithm = expected ?? DEFAULT_CHECKSUM_ALGORITHM;
  if (requested !== undefined && requested !== algorithm) {
    throw invalidRequest(
      `Checksum Type mismatch occurred, expected checksum Type: ${algorithm.toLowerCase()}, actual checksum Type: ${requested.toLowerCase()}`,
    );
  }
  const isWhole = base === undefined || base.checksum?.type === 'FULL_OBJECT';
  if (isWhole && isCombinable(algorithm)) return algorithm;
  throw invalidRequest(
    'Data can only be appended to objects with a full object checksum of type crc32, crc32c or crc64nvme.',
  );
}

/** The checksum of an object with more bytes at its end. */
export function appendedChecksum(
  base: AppendBase | undefined,
  appended: ObjectChecksum,
  appendedBytes: number,
): ObjectChecksum {
  if (base?.checksum === undefined) return appended;
  const value = combineFullObject(appended.algorithm as CombinableAlgorithm, [
    { value: base.checksum.value, sizeBytes: base.sizeBytes },
    { value: appended.value, sizeBytes: appendedBytes },
  ]);
  return { ...appended, value };
}
