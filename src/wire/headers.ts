/**
 * The headers that describe an object: what a write says about it and a read returns.
 *
 * @see https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html#API_PutObject_RequestSyntax
 * @see https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html#API_GetObject_ResponseSyntax
 * @module
 */

import { invalidRequest, S3Error } from '../s3/errors.js';
import type { ObjectAttributes } from '../s3/object-attributes.js';
import { parseStorageClass } from '../s3/storage-class.js';
import { addMetadataHeaders, userMetadata } from './user-metadata.js';

/** Lower-case header names to values. */
export type Headers = ReadonlyMap<string, string>;

/** Response headers being put together; undefined values are left out. */
export type HeaderRecord = Record<string, string | undefined>;

const DEFAULT_CONTENT_TYPE = 'binary/octet-stream';
const REDIRECT_LOCATION = /^(?:\/|https?:\/\/)/;
// A presigned URL can put any character where a header could not.
const CONTROL_CHARACTER = /[^\P{Cc}\t]/u;

const OVERRIDES: ReadonlyMap<string, string> = new Map([
  ['response-cache-control', 'cache-control'],
  ['response-content-disposition', 'content-disposition'],
  ['response-content-encoding', 'content-encoding'],
  ['response-content-language', 'content-language'],
  ['response-content-type', 'content-type'],
  ['response-expires', 'expires'],
]);

/** Besides the content type, which has a default. */
const ATTRIBUTE_HEADERS = [
  ['cacheControl', 'cache-control'],
  ['contentDisposition', 'content-disposition'],
  ['contentEncoding', 'content-encoding'],
  ['contentLanguage', 'content-language'],
  ['expires', 'expires'],
  ['websiteRedirectLocation', 'x-amz-website-redirect-location'],
  ['storageClass', 'x-amz-storage-class'],
] as const satisfies readonly (readonly [keyof ObjectAttributes, string])[];

type Mutable<Type> = { -readonly [Name in keyof Type]: Type[Name] };

/**
 * What a write says about its object.
 *
 * @throws {S3Error} InvalidArgument, InvalidRedirectLocation, InvalidStorageClass,
 * MetadataTooLarge.
 */
export function objectAttributes(headers: Headers): ObjectAttributes {
  const attributes: Mutable<ObjectAttributes> = { userMetadata: userMetadata(headers) };
  const contentType = headerText(headers, 'content-type');
  if (contentType !== undefined) attributes.contentType = contentType;
  const cacheControl = headerText(headers, 'cache-control');
  if (cacheControl !== undefined) attributes.cacheControl = cacheControl;
  const contentDisposition = headerText(headers, 'content-disposition');
  if (contentDisposition !== undefined) attributes.contentDisposition = contentDisposition;
  const contentEncoding = storedEncoding(headerText(headers, 'content-encoding'));
  if (contentEncoding !== undefined) attributes.contentEncoding = contentEncoding;
  const contentLanguage = headerText(headers, 'content-language');
  if (contentLanguage !== undefined) attributes.contentLanguage = contentLanguage;
  const expires = headerText(headers, 'expires');
  if (expires !== undefined) attributes.expires = expires;
  const redirect = redirectLocation(headerText(headers, 'x-amz-website-redirect-location'));
  if (redirect !== undefined) attributes.websiteRedirectLocation = redirect;
  const storageClass = parseStorageClass(headers.get('x-amz-storage-class'));
  if (storageClass !== undefined) attributes.storageClass = storageClass;
  return attributes;
}

/** The headers that GET and HEAD return for what {@link objectAttributes} read. */
export function attributeHeaders(attributes: ObjectAttributes): HeaderRecord {
  const headers: HeaderRecord = { 'content-type': attributes.contentType ?? DEFAULT_CONTENT_TYPE };
  for (const [member, name] of ATTRIBUTE_HEADERS) {
    const value = attributes[member];
    if (value !== undefined) headers[name] = value;
  }
  addMetadataHeaders(headers, attributes.userMetadata);
  return headers;
}

/**
 * The `response-*` parameters of a read as the headers they replace, or undefined.
 *
 * @throws {S3Error} InvalidArgument; InvalidRequest when the caller is anonymous.
 */
export function responseOverrides(
  query: ReadonlyMap<string, readonly string[]>,
  isAnonymous: boolean,
): HeaderRecord | undefined {
  let headers: HeaderRecord | undefined;
  for (const [parameter, values] of query) {
    const header = OVERRIDES.get(parameter);
    const value = values[0];
    if (header === undefined || value === undefined || value === '') continue;
    if (isAnonymous) {
      const message = 'Request specific response headers cannot be used for anonymous GET requests';
      throw invalidRequest(message);
    }
    headers ??= {};
    headers[header] = plainText(parameter, value);
  }
  return headers;
}

function headerText(headers: Headers, name: string): string | undefined {
  const value = headers.get(name);
  return value === undefined || value === '' ? undefined : plainText(name, value);
}

function plainText(name: string, value: string): string {
  if (!CONTROL_CHARACTER.test(value)) return value;
  throw new S3Error('InvalidArgument', { ArgumentName: name, ArgumentValue: value });
}

// aws-chunked describes the request's framing, not the object.
function storedEncoding(contentEncoding: string | undefined): string | undefined {
  if (contentEncoding === undefined || !/aws-chunked/i.test(contentEncoding)) {
    return contentEncoding;
  }
  const tokens = contentEncoding.split(',').map((token) => token.trim());
  const kept = tokens.filter((token) => token !== '' && token.toLowerCase() !== 'aws-chunked');
  return kept.length === 0 ? undefined : kept.join(',');
}

function redirectLocation(location: string | undefined): string | undefined {
  if (location === undefined || REDIRECT_LOCATION.test(location)) return location;
  throw new S3Error('InvalidRedirectLocation');
}
