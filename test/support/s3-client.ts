/**
 * The AWS SDK pointed at a test server.
 *
 * @module
 */

import { Agent } from 'node:http';
import { connect, type Socket } from 'node:net';

import { S3Client } from '@aws-sdk/client-s3';

import type { TestServer } from './server.js';

/** What a client needs to know; a {@link TestServer} has all of it. */
export type Access = Pick<TestServer, 'endpoint' | 'accessKey' | 'secretKey' | 'region'>;

const IDLE_MS_MAX = 4_000;

/** A client that tries once, so that tests see what the server did and not what a retry mended. */
export function s3Client(access: Access): S3Client {
  return new S3Client({
    endpoint: access.endpoint,
    region: access.region,
    forcePathStyle: true,
    maxAttempts: 1,
    // A kept connection is closed by the server when it idles for 10 s; one that is used again in
    // that moment fails. Retries would hide it, so connections are given up well before.
    requestHandler: {
      httpAgent: new Agent({ keepAlive: true, maxSockets: 50, timeout: IDLE_MS_MAX }),
    },
    credentials: { accessKeyId: access.accessKey, secretAccessKey: access.secretKey },
  });
}

/** Uses a client for a while and closes its connections. */
export async function withClient<Output>(
  access: Access,
  use: (client: S3Client) => Promise<Output>,
): Promise<Output> {
  const client = s3Client(access);
  try {
    return await use(client);
  } finally {
    client.destroy();
  }
}

/** Where a client believes it is, and where its connections go. */
export interface OtherPlace {
  /** Signed for and named in `Host`. */
  readonly endpoint: string;
  /** Of 127.0.0.1: no test needs DNS. */
  readonly port: number;
  /** Puts the bucket in front of the host. */
  readonly isVirtualHosted?: boolean;
}

/** A client of an endpoint whose name leads to a port of this machine. */
export function s3ClientAt(access: Access, place: OtherPlace): S3Client {
  return new S3Client({
    endpoint: place.endpoint,
    region: access.region,
    forcePathStyle: place.isVirtualHosted !== true,
    maxAttempts: 1,
    credentials: { accessKeyId: access.accessKey, secretAccessKey: access.secretKey },
    requestHandler: { httpAgent: new LoopbackAgent(place.port) },
  });
}

/** Connects to one port of this machine, whatever the URL says. */
export class LoopbackAgent extends Agent {
  readonly #port: number;

  constructor(port: number) {
    super({ keepAlive: true });
    this.#port = port;
  }

  override createConnection(): Socket {
    return connect(this.#port, '127.0.0.1');
  }
}
