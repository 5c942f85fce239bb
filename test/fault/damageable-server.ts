/**
 * A real server whose files can be damaged under it, and two witnesses: what GET answers, and what
 * verification says, which is what the scrubber runs.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { closeSync, openSync, readSync, writeSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { Agent } from 'node:http';
import { join } from 'node:path';

import { blobPaths } from '#src/blobs/layout.js';
import type { Damage } from '#src/store/damage.js';
import { openStore, type OpenStore } from '#src/store/open-store.js';
import { readSidecar, type Sidecar } from '#src/store/sidecar.js';

import { rawRequest } from '../support/raw-request.js';
import { startServer, type ServerOptions, type TestServer } from '../support/server.js';

export const BUCKET = 'bucket';

/** Figures in full size, as `make fault` wants them. */
export const IS_FULL_SIZE = process.env['S3ISH_RELIABILITY'] === 'record';

/** A living blob on disk. */
export interface StoredBlob {
  readonly sidecar: Sidecar;
  readonly directory: string;
  readonly dataFile: string;
  readonly sidecarFile: string;
}

/** What a read got: exactly the bytes, an error instead of them, or a connection that broke. */
export type Outcome = 'exact' | 'refused' | 'cut';

export interface DamageableServer {
  readonly server: TestServer;
  readonly store: OpenStore;
  put(key: string, body: Uint8Array): Promise<void>;
  /** Blobs of a key, oldest first, those that were replaced among them. */
  blobsOf(key: string): Promise<readonly StoredBlob[]>;
  /** Reads [startByte, endByte), or all of it without a range. Wrong bytes fail the test. */
  read(key: string, body: Buffer, range?: readonly [number, number]): Promise<Outcome>;
  scrub(key: string): Promise<readonly Damage[]>;
  stop(): Promise<void>;
}

/** Starts one with an empty bucket, that keeps every payload in a file and does not scrub. */
export async function startDamageableServer(
  storage: NonNullable<ServerOptions['settings']>[string] = {},
): Promise<DamageableServer> {
  const server = await startServer({
    settings: {
      storage: { inline_max_kb: 0, scrub_interval_hours: 0, ...storage },
      limits: { min_part_size_mb: 0 },
      log: { level: 'error' },
    },
  });
  const store = await openStore({
    ...{ backend: 'file', basePath: server.dataPath, isFsyncEnabled: true, inlineBytesMax: 0 },
    ...{ metadataPath: join(server.dataPath, '.s3ish/metadata'), incarnation: 'observer' },
  });
  const agent = new Agent({ keepAlive: true });
  const send = (method: string, path: string, body?: Uint8Array, range?: string) =>
    rawRequest(server, {
      ...{ method, path, agent },
      ...(body && { body }),
      ...(range !== undefined && { headers: { range } }),
    });
  const created = await send('PUT', `/${BUCKET}`);
  assert.equal(created.status, 200);
  return {
    server,
    store,
    put: async (key, body) => {
      const { status, text } = await send('PUT', `/${BUCKET}/${key}`, body);
      assert.equal(status, 200, text);
    },
    blobsOf: (key) => blobsOf(server, key),
    read: async (key, body, range) => {
      const [startByte, endByte] = range ?? [0, body.length];
      const header = range && `bytes=${startByte}-${endByte - 1}`;
      try {
        const reply = await send('GET', `/${BUCKET}/${key}`, undefined, header);
        if (reply.status === 500) {
          assert.equal(reply.code, 'InternalError');
          return 'refused';
        }
        assert.equal(reply.status, range === undefined ? 200 : 206, reply.text);
        assert(reply.body.equals(body.subarray(startByte, endByte)), 'WRONG BYTES were served');
        return 'exact';
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        if (code !== 'ECONNRESET') throw error;
        return 'cut';
      }
    },
    scrub: async (key) => {
      const { damages } = await store.verifier.verify({ bucket: BUCKET, key }, () => undefined);
      return damages;
    },
    stop: async () => {
      agent.destroy();
      await server.stop();
      await store.close();
    },
  };
}

/** Changes one bit of a file in place; doing it twice undoes it. */
export function flipBit(file: string, byteIndex: number, bitIndex: number): void {
  const descriptor = openSync(file, 'r+');
  try {
    const byte = Buffer.alloc(1);
    assert.equal(readSync(descriptor, byte, 0, 1, byteIndex), 1, 'the byte to flip is there');
    byte.writeUInt8(byte.readUInt8(0) ^ (1 << bitIndex), 0);
    writeSync(descriptor, byte, 0, 1, byteIndex);
  } finally {
    closeSync(descriptor);
  }
}

async function blobsOf(server: TestServer, key: string): Promise<readonly StoredBlob[]> {
  const { key: root } = blobPaths(server.dataPath, { bucket: BUCKET, key, blobId: '0'.repeat(32) });
  const found: StoredBlob[] = [];
  for (const blobId of (await readdir(root)).sort()) {
    const directory = join(root, blobId);
    const sidecarFile = join(directory, 'metadata.json');
    const { sidecar } = readSidecar(await readFile(sidecarFile, 'utf8'));
    found.push({ sidecar, directory, dataFile: join(directory, 'data'), sidecarFile });
  }
  return found;
}
