/**
 * The headers of GetObjectAttributes: what to tell, and which page of the parts.
 *
 * @see https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObjectAttributes.html
 * @module
 */

import { invalidRequest, S3Error } from '../s3/errors.js';
import { LIST_COUNT_MAX, PARTS_COUNT_MAX } from '../s3/limits.js';
import type { Headers } from './headers.js';

const NAMES = ['ETag', 'Checksum', 'ObjectParts', 'StorageClass', 'ObjectSize'] as const;

/** Something GetObjectAttributes can tell of an object. */
export type AttributeName = (typeof NAMES)[number];

/** A page of parts. */
export interface PartsPageParameters {
  readonly partNumberMarker: number;
  /** 0 to 1,000. */
  readonly countMax: number;
}

const ATTRIBUTES = 'x-amz-object-attributes';
const COUNT_ACCEPTED_MAX = 2 ** 31 - 1;

/** The attributes asked for, each once. @throws {S3Error} InvalidArgument, InvalidRequest. */
export function requestedAttributes(headers: Headers): ReadonlySet<AttributeName> {
  const value = headers.get(ATTRIBUTES) ?? '';
  const requested = value.split(',').map((name) => name.trim());
  if (requested.every((name) => name === '')) {
    const message = `The ${ATTRIBUTES} header specifying the attributes to be retrieved is either missing or empty`;
    throw invalidRequest(message);
  }
  const found = new Set<AttributeName>();
  for (const name of requested) {
    const known = NAMES.find((candidate) => candidate === name);
    if (known === undefined) throw invalid(ATTRIBUTES, value, 'Invalid attribute name specified.');
    found.add(known);
  }
  return found;
}

/** Which parts to list. @throws {S3Error} InvalidArgument. */
export function requestedParts(headers: Headers): PartsPageParameters {
  return {
    partNumberMarker: Math.min(count(headers, 'x-amz-part-number-marker', 0), PARTS_COUNT_MAX),
    countMax: Math.min(count(headers, 'x-amz-max-parts', LIST_COUNT_MAX), LIST_COUNT_MAX),
  };
}

function count(headers: Headers, name: string, countDefault: number): number {
  const value = headers.get(name);
  if (value === undefined) return countDefault;
  const number = /^\d{1,10}$/.test(value) ? Number(value) : -1;
  if (number >= 0 && number <= COUNT_ACCEPTED_MAX) return number;
  const message = `Provided ${name} not an integer or within integer range`;
  throw invalid(name, value, message);
}

function invalid(name: string, value: string, message: string): S3Error {
  return new S3Error('InvalidArgument', { ArgumentName: name, ArgumentValue: value }, { message });
}
