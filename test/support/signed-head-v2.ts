/**
 * Request heads signed in version 2, by arithmetic of their own.
 *
 * @module
 */

import { createHmac } from 'node:crypto';

import type { Head } from './signed-head.js';

/** Query keys that version 2 covers; the tests need no others. */
const COVERED =
  /^(acl|delete|partNumber|response-content-type|tagging|uploadId|uploads|versionId)$/;

export interface HeadV2Input {
  readonly method?: string;
  readonly rawPath?: string;
  readonly rawQuery?: string;
  /** Lower-case names; `date` or `x-amz-date` is the caller's. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly repeatedHeaders?: readonly string[];
  readonly accessKey: string;
  readonly secret: string;
}

/** A head signed in its `Authorization` header. */
export function signedHeadV2(input: HeadV2Input): Head {
  const { method = 'GET', rawPath = '/bucket/key', rawQuery = '', headers = {} } = input;
  const amz = Object.keys(headers).filter((name) => name.startsWith('x-amz-'));
  const covered = rawQuery
    .split('&')
    .filter((pair) => COVERED.test(pair.replace(/=.*/, '')))
    .map((pair) => decodeURIComponent(pair.replace(/=$/, '')))
    .sort();
  const text = [
    method,
    headers['content-md5'] ?? '',
    headers['content-type'] ?? '',
    'x-amz-date' in headers ? '' : (headers['date'] ?? ''),
    ...amz.sort().map((name) => `${name}:${headers[name]?.trim() ?? ''}`),
    covered.length === 0 ? rawPath : `${rawPath}?${covered.join('&')}`,
  ].join('\n');
  const signature = createHmac('sha1', input.secret).update(text).digest('base64');
  const authorization = `AWS ${input.accessKey}:${signature}`;
  return {
    ...{ method, rawPath, rawQuery },
    headers: new Map(Object.entries({ ...headers, authorization })),
    repeatedHeaders: new Set(input.repeatedHeaders),
  };
}
