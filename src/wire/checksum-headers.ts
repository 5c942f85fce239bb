/**
 * Checksums in headers and trailers: which one a request promises, how an upload in parts asks
 * for one, and how answers show it.
 *
 * @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html
 * @module
 */

import {
  CHECKSUM_ALGORITHMS,
  checksumTypeAllowed,
  defaultChecksumType,
  isChecksumValue,
} from '../s3/checksums.js';
import { invalidRequest, S3Error } from '../s3/errors.js';
import type { ChecksumAlgorithm, ChecksumType, ObjectChecksum } from '../s3/object-attributes.js';
import type { HeaderRecord, Headers } from './headers.js';

/** The checksum a request promises for its body. */
export interface RequestChecksum {
  readonly algorithm: ChecksumAlgorithm;
  /** Base64 digest from the header; undefined when it comes in the trailer. */
  readonly value: string | undefined;
  /** Name of the trailer field, lower-case, when it comes there. */
  readonly trailerName: string | undefined;
}

const PREFIX = 'x-amz-checksum-';
const TRAILER = 'x-amz-trailer';
const SDK_ALGORITHM = 'x-amz-sdk-checksum-algorithm';

// These share the prefix without being values.
const SETTINGS: ReadonlySet<string> = new Set([
  'x-amz-checksum-algorithm',
  'x-amz-checksum-mode',
  'x-amz-checksum-type',
]);

const HEADER_NAMES: Readonly<Record<ChecksumAlgorithm, string>> = {
  CRC32: 'x-amz-checksum-crc32',
  CRC32C: 'x-amz-checksum-crc32c',
  CRC64NVME: 'x-amz-checksum-crc64nvme',
  SHA1: 'x-amz-checksum-sha1',
  SHA256: 'x-amz-checksum-sha256',
  SHA512: 'x-amz-checksum-sha512',
  MD5: 'x-amz-checksum-md5',
  XXHASH64: 'x-amz-checksum-xxhash64',
  XXHASH3: 'x-amz-checksum-xxhash3',
  XXHASH128: 'x-amz-checksum-xxhash128',
};

const ALGORITHM_OF_HEADER: ReadonlyMap<string, ChecksumAlgorithm> = new Map(
  CHECKSUM_ALGORITHMS.map((algorithm) => [HEADER_NAMES[algorithm], algorithm]),
);

/** The header that carries values of an algorithm. */
export function checksumHeaderName(algorithm: ChecksumAlgorithm): string {
  return HEADER_NAMES[algorithm];
}

/** Says whether a header carries a checksum value of any algorithm, known or not. */
export function isChecksumValueHeader(name: string): boolean {
  return name.startsWith(PREFIX) && !SETTINGS.has(name);
}

/**
 * The checksum that a body must have, or undefined when the request promises none and the server
 * computes its default.
 *
 * @throws {S3Error} InvalidRequest, MalformedTrailerError.
 */
export function requestChecksum(headers: Headers): RequestChecksum | undefined {
  const header = valueHeader(headers);
  const trailer = headers.get(TRAILER);
  if (header !== undefined && trailer !== undefined) {
    throw invalidRequest('Expecting a single x-amz-checksum- header, either as header or trailer');
  }
  const named = algorithmHeader(headers, SDK_ALGORITHM);
  const promised = header ?? (trailer === undefined ? undefined : trailerChecksum(trailer));
  if (promised === undefined) {
    assertNotStreaming(headers, named);
    return undefined;
  }
  if (named !== undefined && named !== promised.algorithm) throw invalidValue(SDK_ALGORITHM);
  return promised;
}

/**
 * The value that a trailer delivered for a {@link RequestChecksum} that announced one.
 *
 * @param trailers - fields as received, names lower-case.
 * @throws {S3Error} InvalidRequest, MalformedTrailerError.
 */
export function trailerValue(
  checksum: RequestChecksum,
  trailers: ReadonlyMap<string, string>,
): string {
  const name = checksum.trailerName ?? HEADER_NAMES[checksum.algorithm];
  const value = trailers.get(name);
  if (value === undefined || trailers.size !== 1) throw new S3Error('MalformedTrailerError');
  return checkedValue(checksum.algorithm, name, value);
}

/** The error of a body whose checksum is not the promised one. */
export function checksumMismatch(algorithm: ChecksumAlgorithm): S3Error {
  const message = `The ${algorithm} you specified did not match the calculated checksum.`;
  return new S3Error('BadDigest', {}, { message });
}

/**
 * What CreateMultipartUpload asks for. Without an algorithm the upload completes as CRC64NVME over
 * the full object.
 *
 * @throws {S3Error} InvalidRequest.
 */
export function uploadChecksum(headers: Headers): {
  readonly algorithm: ChecksumAlgorithm | undefined;
  readonly type: ChecksumType;
} {
  const algorithm = algorithmHeader(headers, 'x-amz-checksum-algorithm');
  const type = checksumType(headers);
  if (type === undefined) return { algorithm, type: defaultChecksumType(algorithm) };
  if (algorithm === undefined) {
    const message =
      'The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header';
    throw invalidRequest(message);
  }
  if (!checksumTypeAllowed(algorithm, type)) {
    throw invalidRequest(
      `The ${type} checksum type cannot be used with the ${algorithm.toLowerCase()} checksum algorithm.`,
    );
  }
  return { algorithm, type };
}

/** What the client of CompleteMultipartUpload expects of the object. */
export interface CompletionChecksum {
  /** The value may end in `-N` when it is composite. */
  readonly checksum: { readonly algorithm: ChecksumAlgorithm; readonly value: string } | undefined;
  readonly type: ChecksumType | undefined;
  /** `x-amz-mp-object-size`. */
  readonly sizeBytes: number | undefined;
}

/**
 * Reads the expectations of CompleteMultipartUpload.
 *
 * @throws {S3Error} InvalidRequest.
 */
export function completionChecksum(headers: Headers): CompletionChecksum {
  const header = valueHeader(headers, true);
  return {
    checksum: header && { algorithm: header.algorithm, value: header.value },
    type: checksumType(headers),
    sizeBytes: objectSizeBytes(headers),
  };
}

/**
 * The algorithm a copy asks for, or undefined to keep the source's.
 *
 * @throws {S3Error} InvalidRequest.
 */
export function copyChecksumAlgorithm(headers: Headers): ChecksumAlgorithm | undefined {
  return algorithmHeader(headers, 'x-amz-checksum-algorithm');
}

/** Says whether a read wants to see the checksum. */
export function isChecksumModeEnabled(headers: Headers): boolean {
  return headers.get('x-amz-checksum-mode')?.toUpperCase() === 'ENABLED';
}

/** A checksum as documents and headers show it: composite values end in `-N`. */
export function checksumText(checksum: ObjectChecksum, partsCount: number | undefined): string {
  return checksum.type === 'COMPOSITE' && partsCount !== undefined
    ? `${checksum.value}-${partsCount}`
    : checksum.value;
}

/** The response headers of a checksum; none for undefined. */
export function checksumHeaders(
  checksum: ObjectChecksum | undefined,
  partsCount?: number,
): HeaderRecord {
  if (checksum === undefined) return {};
  return {
    [HEADER_NAMES[checksum.algorithm]]: checksumText(checksum, partsCount),
    'x-amz-checksum-type': checksum.type,
  };
}

interface ChecksumValue extends RequestChecksum {
  readonly value: string;
}

function valueHeader(headers: Headers, isSuffixAllowed = false): ChecksumValue | undefined {
  let found: ChecksumValue | undefined;
  for (const [name, value] of headers) {
    if (!isChecksumValueHeader(name)) continue;
    if (found !== undefined) {
      throw invalidRequest(
        'Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.',
      );
    }
    const algorithm = ALGORITHM_OF_HEADER.get(name);
    if (algorithm === undefined) {
      throw invalidRequest(
        'The algorithm type you specified in x-amz-checksum- header is invalid.',
      );
    }
    const digest = isSuffixAllowed ? value.replace(/-\d{1,5}$/, '') : value;
    checkedValue(algorithm, name, digest);
    found = { algorithm, value, trailerName: undefined };
  }
  return found;
}

function trailerChecksum(trailer: string): RequestChecksum {
  const trailerName = trailer.trim().toLowerCase();
  const algorithm = ALGORITHM_OF_HEADER.get(trailerName);
  if (algorithm === undefined) throw new S3Error('MalformedTrailerError');
  return { algorithm, value: undefined, trailerName };
}

// A plain body may name an algorithm without a value: AWS then stores its default.
function assertNotStreaming(headers: Headers, named: ChecksumAlgorithm | undefined): void {
  if (named === undefined) return;
  if (headers.get('x-amz-content-sha256')?.startsWith('STREAMING-') !== true) return;
  throw invalidRequest(
    `${SDK_ALGORITHM} specified, but no corresponding x-amz-checksum-* or x-amz-trailer headers were found.`,
  );
}

function checkedValue(algorithm: ChecksumAlgorithm, name: string, value: string): string {
  if (!isChecksumValue(algorithm, value)) throw invalidValue(name);
  return value;
}

function algorithmHeader(headers: Headers, name: string): ChecksumAlgorithm | undefined {
  const value = headers.get(name);
  if (value === undefined) return undefined;
  const upper = value.toUpperCase();
  const algorithm = CHECKSUM_ALGORITHMS.find((candidate) => candidate === upper);
  if (algorithm !== undefined) return algorithm;
  throw invalidRequest(
    `Checksum algorithm provided is unsupported. Please try again with any of the valid types: [${CHECKSUM_ALGORITHMS.join(', ')}]`,
  );
}

function checksumType(headers: Headers): ChecksumType | undefined {
  const value = headers.get('x-amz-checksum-type');
  if (value === undefined || value === 'FULL_OBJECT' || value === 'COMPOSITE') return value;
  throw invalidValue('x-amz-checksum-type');
}

function objectSizeBytes(headers: Headers): number | undefined {
  const value = headers.get('x-amz-mp-object-size');
  if (value === undefined) return undefined;
  if (!/^\d{1,15}$/.test(value)) throw invalidValue('x-amz-mp-object-size');
  return Number(value);
}

function invalidValue(name: string): S3Error {
  return invalidRequest(`Value for ${name} header is invalid.`);
}
