/**
 * What tests of operations share: the same tests on every backend, with a server and a client.
 *
 *     onEveryBackend('CopyObject', (use) => {
 *       test('X05 ...', async () => {
 *         const { client, bucket } = await use();
 *
 * @module
 */

import assert from 'node:assert/strict';
import { after, before, describe } from 'node:test';

import { CreateBucketCommand, S3ServiceException, type S3Client } from '@aws-sdk/client-s3';

import type { OperationLimits } from '#src/operations/operation.js';

import {
  BACKENDS,
  startInProcessServer,
  type InProcessOptions,
  type InProcessServer,
} from './in-process-server.js';
import { rawRequest, type RawReply, type RawRequest } from './raw-request.js';
import { s3Client } from './s3-client.js';

/** What a test works with: a server of its backend and a new bucket. */
export interface Fixture {
  readonly server: InProcessServer;
  readonly client: S3Client;
  /** Exists and is empty. */
  readonly bucket: string;
  /** A request signed by the bucket's owner. */
  raw(request: RawRequest): Promise<RawReply>;
}

/** Defines a suite once per backend. Every call of `use` gives a new bucket on its server. */
export function onEveryBackend(
  operation: string,
  define: (use: () => Promise<Fixture>) => void,
  limits: Partial<OperationLimits> = {},
  options: Omit<InProcessOptions, 'backend' | 'limits'> = {},
): void {
  for (const backend of BACKENDS) {
    describe(`${operation} on the ${backend} backend`, () => {
      let server: InProcessServer;
      let client: S3Client;
      let bucketCount = 0;
      before(async () => {
        server = await startInProcessServer({ ...options, backend, limits });
        client = s3Client(server);
      });
      after(async () => {
        client.destroy();
        await server.stop();
        assert.deepEqual(server.faults, [], 'no request ends in a fault');
      });
      define(async () => {
        bucketCount += 1;
        const bucket = `bucket-${bucketCount}`;
        await client.send(new CreateBucketCommand({ Bucket: bucket }));
        return { server, client, bucket, raw: (request) => rawRequest(server, request) };
      });
    });
  }
}

/** The error that a call of the SDK ends with: its code and status. */
export async function refusal(
  call: Promise<unknown>,
): Promise<{ readonly code: string; readonly status: number | undefined }> {
  try {
    await call;
  } catch (error) {
    if (!(error instanceof S3ServiceException)) throw error;
    return { code: error.name, status: error.$metadata.httpStatusCode };
  }
  assert.fail('the call was expected to be refused');
}
