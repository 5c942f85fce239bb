/**
 * Checksums in answer documents.
 *
 * @module
 */

import type { ObjectChecksum } from '../../s3/object-attributes.js';
import { checksumText } from '../checksum-headers.js';

/** The value under the element of its algorithm, and the type; nothing for undefined. */
export function checksumElements(
  checksum: ObjectChecksum | undefined,
  partsCount?: number,
): string {
  if (checksum === undefined) return '';
  const { algorithm, type } = checksum;
  const value = checksumText(checksum, partsCount);
  return `${checksumValueElement(algorithm, value)}<ChecksumType>${type}</ChecksumType>`;
}

/** How an object is checksummed, without the value, as listings say it; nothing for undefined. */
export function checksumKindElements(checksum: ObjectChecksum | undefined): string {
  return checksum === undefined
    ? ''
    : `<ChecksumAlgorithm>${checksum.algorithm}</ChecksumAlgorithm>` +
        `<ChecksumType>${checksum.type}</ChecksumType>`;
}

/** A value under the element of its algorithm. */
export function checksumValueElement(algorithm: string, value: string): string {
  return `<Checksum${algorithm}>${value}</Checksum${algorithm}>`;
}
