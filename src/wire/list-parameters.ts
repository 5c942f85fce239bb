/**
 * Query parameters of the listing operations.
 *
 * @see https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html
 * @module
 */

import { S3Error } from '../s3/errors.js';
import { LIST_BUCKETS_COUNT_MAX, LIST_COUNT_MAX, PARTS_COUNT_MAX } from '../s3/limits.js';
import { assertVersionId } from '../s3/version-id.js';
import type { ListPosition } from './continuation-token.js';
import { decodeContinuationToken } from './continuation-token.js';

/** Decoded query: every value of every name. */
export type Query = ReadonlyMap<string, readonly string[]>;

/** What every listing of names takes. */
export interface NameListParameters {
  readonly prefix: string;
  /** Empty means none. */
  readonly delimiter: string;
  /** 0 to 1,000. */
  readonly countMax: number;
  /** Names are percent-encoded in the answer. */
  readonly isUrlEncoded: boolean;
}

/** Parameters of ListObjects. */
export interface ListObjectsParameters extends NameListParameters {
  readonly marker: string;
}

/** Parameters of ListObjectsV2. */
export interface ListObjectsV2Parameters extends NameListParameters {
  /** Empty means none; ignored when there is a token. */
  readonly startAfter: string;
  /** As sent, to be echoed. */
  readonly continuationToken: string | undefined;
  /** The decoded token. */
  readonly position: ListPosition | undefined;
  readonly isOwnerWanted: boolean;
}

/** Parameters of ListObjectVersions. */
export interface ListVersionsParameters extends NameListParameters {
  readonly keyMarker: string;
  /** Empty means none. */
  readonly versionIdMarker: string;
}

/** Parameters of ListMultipartUploads. */
export interface ListUploadsParameters extends NameListParameters {
  readonly keyMarker: string;
  readonly uploadIdMarker: string;
}

/** Parameters of ListParts. */
export interface ListPartsParameters {
  readonly partNumberMarker: number;
  readonly countMax: number;
}

/** Parameters of ListBuckets. */
export interface ListBucketsParameters {
  readonly prefix: string;
  /** Undefined means any. */
  readonly region: string | undefined;
  /** Buckets come strictly after this name; empty starts at the beginning. */
  readonly after: string;
  readonly countMax: number;
}

// AWS takes any 31-bit count and cuts it to the page.
const COUNT_ACCEPTED_MAX = 2 ** 31 - 1;
const REGION = /^[a-z]{2,}(?:-[a-z]+)+-\d{1,2}$/;

/** The first value of a query parameter. */
export function queryValue(query: Query, name: string): string | undefined {
  return query.get(name)?.[0];
}

/** @throws {S3Error} InvalidArgument. */
export function listObjectsParameters(query: Query): ListObjectsParameters {
  return { ...nameParameters(query, 'max-keys'), marker: text(query, 'marker') };
}

/** @throws {S3Error} InvalidArgument. */
export function listObjectsV2Parameters(query: Query): ListObjectsV2Parameters {
  const continuationToken = queryValue(query, 'continuation-token');
  return {
    ...nameParameters(query, 'max-keys'),
    startAfter: text(query, 'start-after'),
    continuationToken,
    position:
      continuationToken === undefined ? undefined : decodeContinuationToken(continuationToken),
    isOwnerWanted: queryValue(query, 'fetch-owner') === 'true',
  };
}

/** @throws {S3Error} InvalidArgument. */
export function listVersionsParameters(query: Query): ListVersionsParameters {
  const keyMarker = text(query, 'key-marker');
  return {
    ...nameParameters(query, 'max-keys'),
    keyMarker,
    versionIdMarker: versionIdMarker(query, keyMarker),
  };
}

/** @throws {S3Error} InvalidArgument. */
export function listUploadsParameters(query: Query): ListUploadsParameters {
  const keyMarker = text(query, 'key-marker');
  return {
    ...nameParameters(query, 'max-uploads'),
    keyMarker,
    // Without the key it belongs to, an upload id is no position.
    uploadIdMarker: keyMarker === '' ? '' : text(query, 'upload-id-marker'),
  };
}

/** @throws {S3Error} InvalidArgument. */
export function listPartsParameters(query: Query): ListPartsParameters {
  return {
    partNumberMarker: Math.min(count(query, 'part-number-marker', 0, 0), PARTS_COUNT_MAX),
    countMax: pageCount(query, 'max-parts'),
  };
}

/**
 * @param serverRegion - the region of this server, valid whatever it looks like.
 * @throws {S3Error} InvalidArgument.
 */
export function listBucketsParameters(query: Query, serverRegion: string): ListBucketsParameters {
  const countMax = count(query, 'max-buckets', LIST_BUCKETS_COUNT_MAX, 1);
  if (countMax > LIST_BUCKETS_COUNT_MAX) throw invalidCount(query, 'max-buckets');
  const token = queryValue(query, 'continuation-token');
  const region = text(query, 'bucket-region');
  if (region !== '' && region !== serverRegion && !REGION.test(region)) {
    throw invalid('bucket-region', region, `Argument value ${region} is not a valid AWS Region`);
  }
  return {
    prefix: text(query, 'prefix'),
    region: region === '' ? undefined : region,
    after: token === undefined || token === '' ? '' : decodeContinuationToken(token).name,
    countMax,
  };
}

function nameParameters(query: Query, countName: string): NameListParameters {
  return {
    prefix: text(query, 'prefix'),
    delimiter: text(query, 'delimiter'),
    countMax: pageCount(query, countName),
    isUrlEncoded: isUrlEncoded(query),
  };
}

function versionIdMarker(query: Query, keyMarker: string): string {
  const name = 'version-id-marker';
  const marker = queryValue(query, name);
  if (marker === undefined) return '';
  if (marker === '') throw invalid(name, marker, 'A version-id marker cannot be empty.');
  if (keyMarker === '') {
    const message = 'A version-id marker cannot be specified without a key marker.';
    throw invalid(name, marker, message);
  }
  assertVersionId(marker, name);
  return marker;
}

function text(query: Query, name: string): string {
  return queryValue(query, name) ?? '';
}

function isUrlEncoded(query: Query): boolean {
  const value = queryValue(query, 'encoding-type');
  if (value === undefined) return false;
  if (value === 'url') return true;
  throw invalid('encoding-type', value, 'Invalid Encoding Method specified in Request');
}

function pageCount(query: Query, name: string): number {
  return Math.min(count(query, name, LIST_COUNT_MAX, 0), LIST_COUNT_MAX);
}

function count(query: Query, name: string, countDefault: number, countMin: number): number {
  const value = queryValue(query, name);
  if (value === undefined) return countDefault;
  // Empty markers are what clients send for "from the start".
  if (value === '' && countDefault === 0) return 0;
  const number = /^\d{1,10}$/.test(value) ? Number(value) : -1;
  if (number < countMin || number > COUNT_ACCEPTED_MAX) throw invalidCount(query, name);
  return number;
}

function invalidCount(query: Query, name: string): S3Error {
  const message = `Provided ${name} not an integer or within integer range`;
  return invalid(name, text(query, name), message);
}

function invalid(name: string, value: string, message: string): S3Error {
  return new S3Error('InvalidArgument', { ArgumentName: name, ArgumentValue: value }, { message });
}
