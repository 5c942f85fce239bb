/**
 * Byte ranges of reads and of copies.
 *
 * A read ignores a Range header it does not understand (200, whole object) and refuses one that
 * starts past the end. A copy refuses both.
 *
 * @see https://www.rfc-editor.org/rfc/rfc9110#name-range
 * @module
 */

import { invalidRequest, S3Error } from './errors.js';

/** Bytes of an object: inclusive start, exclusive end. */
export interface ByteRange {
  readonly startByte: number;
  readonly endByte: number;
}

// One range only: S3 never answers with multipart/byteranges.
const RANGE = /^bytes=(\d*)-(\d*)$/i;
const COPY_RANGE = /^bytes=(\d+)-(\d+)$/;

// Digits that a number holds exactly; longer ones go through BigInt and are cut to "too large".
const EXACT_DIGITS_MAX = 15;
const BEYOND_EVERY_OBJECT = Number.MAX_SAFE_INTEGER;

/**
 * Reads a Range header against an object's size.
 *
 * @returns the range, cut to the object, or undefined when the whole object is wanted.
 * @throws {S3Error} InvalidRange.
 */
export function parseRange(header: string | undefined, sizeBytes: number): ByteRange | undefined {
  if (header === undefined) return undefined;
  const match = RANGE.exec(header);
  if (match === null) return undefined;
  const [, first = '', last = ''] = match;
  if (first === '') return last === '' ? undefined : suffixRange(header, last, sizeBytes);

  if (last !== '' && isGreater(first, last)) return undefined;
  const startByte = byteNumber(first);
  if (startByte >= sizeBytes) throw invalidRange(header, sizeBytes);
  const endByte = last === '' ? sizeBytes : Math.min(byteNumber(last) + 1, sizeBytes);
  return { startByte, endByte };
}

/** `Content-Range` of a partial answer. */
export function contentRange(range: ByteRange, sizeBytes: number): string {
  return `bytes ${range.startByte}-${range.endByte - 1}/${sizeBytes}`;
}

/**
 * Reads `x-amz-copy-source-range`, which must name both ends and lie within the source.
 *
 * @throws {S3Error} InvalidArgument, InvalidRequest.
 */
export function parseCopySourceRange(
  header: string | undefined,
  sizeBytes: number,
): ByteRange | undefined {
  if (header === undefined) return undefined;
  const match = COPY_RANGE.exec(header);
  const [, first = '', last = ''] = match ?? [];
  if (match === null || isGreater(first, last)) {
    throw invalidCopyRange(
      header,
      'The x-amz-copy-source-range value must be of the form bytes=first-last where first and ' +
        'last are the zero-based offsets of the first and last bytes to copy',
    );
  }
  const startByte = byteNumber(first);
  const lastByte = byteNumber(last);
  if (startByte >= sizeBytes) {
    const message = 'The specified copy range is invalid for the source object size';
    throw invalidRequest(message);
  }
  if (lastByte >= sizeBytes) {
    const message = `Range specified is not valid for source object of size: ${sizeBytes}`;
    throw invalidCopyRange(header, message);
  }
  return { startByte, endByte: lastByte + 1 };
}

function suffixRange(header: string, suffix: string, sizeBytes: number): ByteRange {
  const suffixBytes = byteNumber(suffix);
  if (suffixBytes === 0 || sizeBytes === 0) throw invalidRange(header, sizeBytes);
  return { startByte: Math.max(0, sizeBytes - suffixBytes), endByte: sizeBytes };
}

function byteNumber(digits: string): number {
  if (digits.length <= EXACT_DIGITS_MAX) return Number(digits);
  const exact = BigInt(digits);
  return exact > BigInt(BEYOND_EVERY_OBJECT - 1) ? BEYOND_EVERY_OBJECT - 1 : Number(exact);
}

function isGreater(first: string, last: string): boolean {
  const isExact = first.length <= EXACT_DIGITS_MAX && last.length <= EXACT_DIGITS_MAX;
  return isExact ? Number(first) > Number(last) : BigInt(first) > BigInt(last);
}

function invalidRange(header: string, sizeBytes: number): S3Error {
  return new S3Error(
    'InvalidRange',
    { ActualObjectSize: sizeBytes, RangeRequested: header },
    { headers: { 'content-range': `bytes */${sizeBytes}` } },
  );
}

function invalidCopyRange(header: string, message: string): S3Error {
  const details = { ArgumentName: 'x-amz-copy-source-range', ArgumentValue: header };
  return new S3Error('InvalidArgument', details, { message });
}
