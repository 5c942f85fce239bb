/**
 * Part numbers: 1 to 10,000, in query strings and request documents.
 *
 * @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html
 * @module
 */

import { S3Error } from './errors.js';
import { PARTS_COUNT_MAX } from './limits.js';

const DIGITS = /^\d{1,9}$/;

/**
 * Reads a part number.
 *
 * @param text - the value as sent; undefined and empty values are refused too.
 * @throws {S3Error} InvalidArgument.
 */
export function parsePartNumber(
  text: string | undefined,
  partsCountMax: number = PARTS_COUNT_MAX,
): number {
  const partNumber = text !== undefined && DIGITS.test(text) ? Number(text) : 0;
  if (partNumber >= 1 && partNumber <= partsCountMax) return partNumber;
  throw new S3Error(
    'InvalidArgument',
    { ArgumentName: 'partNumber', ArgumentValue: text ?? '' },
    { message: `Part number must be an integer between 1 and ${partsCountMax}, inclusive` },
  );
}
