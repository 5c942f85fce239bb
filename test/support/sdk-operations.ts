/**
 * Every operation of S3, as the AWS SDK knows it.
 *
 * @module
 */

import assert from 'node:assert/strict';

import * as s3 from '@aws-sdk/client-s3';

export interface SdkOperation {
  readonly name: string;
  /** In the form of the registry: `PUT /{bucket}/{key}?tagging`. */
  readonly requestLine: string;
}

/** Commands that other endpoints answer: those of directory buckets and of Object Lambda. */
const OTHER_ENDPOINTS = new Set(['ListDirectoryBuckets', 'WriteGetObjectResponse']);

type CommandClass = new (input: object) => { readonly schema?: unknown };

/** All operations in the order of their names. */
export function sdkOperations(): readonly SdkOperation[] {
  return Object.entries(s3 as Readonly<Record<string, unknown>>)
    .map(([name, command]) => ({ name: /^([A-Z]\w*)Command$/.exec(name)?.[1] ?? '', command }))
    .filter(({ name }) => name !== '' && !OTHER_ENDPOINTS.has(name))
    .map(({ name, command }) => ({ name, requestLine: requestLineOf(command as CommandClass) }))
    .sort((one, other) => (one.name < other.name ? -1 : 1));
}

/** The SDK keeps method and path below the bucket in the schema of a command. */
function requestLineOf(command: CommandClass): string {
  const { schema } = new command({});
  const traits: unknown = Array.isArray(schema) ? schema[3] : undefined;
  const http = traits as { readonly http?: readonly [method: string, path: string] } | undefined;
  assert(http?.http !== undefined, `the SDK says how ${command.name} is sent`);
  const [method, path] = http.http;
  const [place = '', query = ''] = path.split('?');
  const target = place === '/' ? '/{bucket}' : '/{bucket}/{key}';
  const keys = query.split('&').filter((key) => key !== '' && !key.startsWith('x-id='));
  return `${method} ${target}${keys.length === 0 ? '' : `?${keys.join('&')}`}`;
}
