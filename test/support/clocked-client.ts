/**
 * A server and a client whose clock stands still but for what a test does to it.
 *
 * @module
 */

import type { S3Client } from '@aws-sdk/client-s3';

import { s3Client, type Access } from './s3-client.js';

/** Time that a test moves. */
export interface Clock {
  nowMs: number;
}

/** A client that signs by this clock. */
export function clockedClient(access: Access, clock: Clock): S3Client {
  const client = s3Client(access);
  // Set again and again: the SDK goes by the date of each answer.
  client.middlewareStack.add(
    (next) => (args) => {
      client.config.systemClockOffset = clock.nowMs - Date.now();
      return next(args);
    },
    { step: 'initialize' },
  );
  return client;
}
