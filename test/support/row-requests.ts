/**
 * A request for any row of the operation registry, made from its request line, and what it needs to
 * find in the store.
 *
 * @module
 */

import assert from 'node:assert/strict';

import {
  CreateMultipartUploadCommand,
  PutObjectCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3';

import type { Fixture } from './operation-suite.js';
import type { HeadInput } from './signed-head.js';

/** A bucket with an object `key` and an upload of one part for it. */
export interface Prepared extends Fixture {
  readonly uploadId: string;
}

/** Puts an object and an upload into a new bucket. */
export async function prepared(fixture: Fixture): Promise<Prepared> {
  const { client, bucket } = fixture;
  await client.send(new PutObjectCommand({ Bucket: bucket, Key: 'key', Body: 'kept' }));
  const upload = { Bucket: bucket, Key: 'key' };
  const { UploadId: uploadId = '' } = await client.send(new CreateMultipartUploadCommand(upload));
  const part = { ...upload, UploadId: uploadId, PartNumber: 1, Body: 'part' };
  await client.send(new UploadPartCommand(part));
  return { ...fixture, uploadId };
}

/** The request of a row. A bucket to be created is a new one; every other is the fixture's. */
export function requestOf(name: string, requestLine: string, fixture: Prepared): HeadInput {
  const [, method = '', path = '', query = '', header] =
    /^(\S+) ([^\s?]+)(?:\?(\S+))?(?: \+(\S+))?$/.exec(requestLine) ?? [];
  assert(method !== '', `the request line of ${name} is read`);
  const bucket = name === 'CreateBucket' ? `${fixture.bucket}-new` : fixture.bucket;
  const values: Record<string, string> = { partNumber: '1', uploadId: fixture.uploadId };
  return {
    method,
    rawPath: path.replace('{bucket}', bucket).replace('{key}', 'key'),
    rawQuery: query
      .split('&')
      .filter((key) => key !== '')
      .map((key) => (key.includes('=') ? key : `${key}=${values[key] ?? ''}`))
      .sort()
      .join('&'),
    headers: header === undefined ? {} : { [header]: `${fixture.bucket}/key` },
  };
}
