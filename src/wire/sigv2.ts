/**
 * Signature Version 2 for S3: the text that is signed, and its signature.
 *
 * ```text
 * METHOD \n Content-MD5 \n Content-Type \n Date \n
 * x-amz-name:value \n ...            sorted; with x-amz-date, the Date above is empty
 * /bucket/key?subresource&name=value
 * ```
 *
 * Every `x-amz-*` header is covered, of the query only the names below, of the payload nothing.
 * Values of the query are signed decoded.
 *
 * @see https://docs.aws.amazon.com/AmazonS3/latest/API/RESTAuthentication.html
 * @module
 */

import { createHmac } from 'node:crypto';

import { queryKeyKind } from '../s3/subresources.js';
import type { QueryParameters } from './query.js';

/** Query keys that are signed. */
const SIGNED_PARAMETERS: ReadonlySet<string> = new Set([
  'accelerate',
  'acl',
  'analytics',
  'cors',
  'defaultObjectAcl',
  'delete',
  'inventory',
  'lifecycle',
  'location',
  'logging',
  'metrics',
  'notification',
  'object-lock',
  'partNumber',
  'policy',
  'replication',
  'requestPayment',
  'response-cache-control',
  'response-content-disposition',
  'response-content-encoding',
  'response-content-language',
  'response-content-type',
  'response-expires',
  'restore',
  'select',
  'select-type',
  'storageClass',
  'tagging',
  'torrent',
  'uploadId',
  'uploads',
  'versionId',
  'versioning',
  'versions',
  'website',
]);

const AMZ_PREFIX = 'x-amz-';

/** The parts of a request that the signature covers. */
export interface StringToSignV2Input {
  readonly method: string;
  /** Bucket that the host names; empty when the path names it. */
  readonly hostBucket: string;
  /** Byte for byte as sent: here it is signed so. */
  readonly rawPath: string;
  readonly query: QueryParameters;
  /** Lower-case names; copies of a repeated header joined with `, `. */
  readonly headers: ReadonlyMap<string, string>;
  readonly repeatedHeaders: ReadonlySet<string>;
}

/** The string to sign of a request. */
export function stringToSignV2(input: StringToSignV2Input): string {
  const { headers } = input;
  const date = headers.has('x-amz-date') ? '' : (headers.get('date') ?? '');
  const md5 = headers.get('content-md5') ?? '';
  const type = headers.get('content-type') ?? '';
  return `${input.method}\n${md5}\n${type}\n${date}\n${amzHeaders(input)}${resource(input)}`;
}

/** The signature of a string to sign, in base64. */
export function signatureV2(secret: string | Uint8Array, text: string): string {
  return createHmac('sha1', secret).update(text).digest('base64');
}

/**
 * Whether a signature covers what a query means.
 *
 * It does not cover sub-resources that are younger than it. And since values are signed bare, a
 * value that holds `&acl` and two parameters have one signature: only the two are taken.
 */
export function isQueryCoveredV2(query: QueryParameters): boolean {
  for (const [name, values] of query) {
    if (!SIGNED_PARAMETERS.has(name)) {
      if (queryKeyKind(name) === 'subresource') return false;
    } else if (values.some(holdsParameter)) return false;
  }
  return true;
}

function amzHeaders({ headers, repeatedHeaders }: StringToSignV2Input): string {
  const names = [...headers.keys()].filter((name) => name.startsWith(AMZ_PREFIX)).sort();
  let text = '';
  for (const name of names) {
    const value = headers.get(name) ?? '';
    const joined = repeatedHeaders.has(name) ? value.replaceAll(', ', ',') : value;
    text += `${name}:${joined.trim()}\n`;
  }
  return text;
}

function resource({ hostBucket, rawPath, query }: StringToSignV2Input): string {
  const path = hostBucket === '' ? rawPath : `/${hostBucket}${rawPath}`;
  const names = [...query.keys()].filter((name) => SIGNED_PARAMETERS.has(name)).sort();
  let text = '';
  for (const name of names) {
    for (const value of query.get(name) ?? []) {
      // `?acl` and `?acl=` mean the same, and clients sign both by the name alone.
      text += `${text === '' ? '?' : '&'}${name}${value === '' ? '' : `=${value}`}`;
    }
  }
  return path + text;
}

function holdsParameter(value: string): boolean {
  const [, ...others] = value.split('&');
  return others.some((text) => SIGNED_PARAMETERS.has(text.split('=', 1)[0] ?? ''));
}
