/**
 * Sees to it that one metadata directory is served by one primary.
 *
 * The lock is an abstract unix socket (Linux) named for the directory's device and inode, so two
 * paths to one directory meet, and nothing is left behind by a crash: the kernel drops the name
 * with its process. Whoever connects is told the holder's process id. Processes in different
 * network namespaces do not see each other's names; the store's epoch still fences the older one.
 *
 * @module
 */

import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { connect, createServer, type Server } from 'node:net';

import { StartError } from './start-error.js';

const HOLDER_ANSWER_MS_MAX = 500;

/**
 * Takes the lock; it is held until the process ends.
 *
 * @throws {StartError} when another primary holds it.
 */
export async function lockMetadata(metadataPath: string): Promise<Server> {
  const { dev, ino } = await stat(metadataPath, { bigint: true });
  const name = createHash('sha256').update(`${dev}:${ino}`).digest('hex').slice(0, 40);
  const path = `\0s3ish-${name}`;
  const server = createServer((socket) => {
    socket.on('error', () => socket.destroy());
    socket.end(String(process.pid));
  });
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen({ path }, resolve);
    });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    const holder = await askHolder(path);
    throw new StartError(
      `Cannot serve ${metadataPath}: another s3ish${holder} serves it already. Stop it first, or name another [storage] base_path.`,
      { cause: error },
    );
  }
  // The lock alone is no reason to keep the process running.
  server.unref();
  return server;
}

/** ` (process 123)`, or nothing when the holder does not answer. */
async function askHolder(path: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect({ path });
    let answer = '';
    socket.setTimeout(HOLDER_ANSWER_MS_MAX, () => socket.destroy());
    socket.setEncoding('utf8');
    socket.on('data', (piece: string) => (answer += piece));
    // An error is followed by a close, which settles the answer.
    socket.on('error', () => socket.destroy());
    socket.on('close', () => {
      resolve(/^\d+$/.test(answer) ? ` (process ${answer})` : '');
    });
  });
}
