/**
 * The AWS SDK pointed at a test server.
 *
 * @module
 */

import { S3Client } from '@aws-sdk/client-s3';

import type { TestServer } from './server.js';

/** What a client needs to know; a {@link TestServer} has all of it. */
export type Access = Pick<TestServer, 'endpoint' | 'accessKey' | 'secretKey' | 'region'>;

/** A client that tries once, so that tests see what the server did and not what a retry mended. */
export function s3Client(access: Access): S3Client {
  return new S3Client({
    endpoint: access.endpoint,
    region: access.region,
    forcePathStyle: true,
    maxAttempts: 1,
    credentials: { accessKeyId: access.accessKey, secretAccessKey: access.secretKey },
  });
}
