/**
 * Readers of one large object that take a little of it each second, and then nothing.
 *
 * @module
 */

import { createHash, type Hash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';

import { requestSigner, type Target } from '../../support/prepared-request.js';
import type { Control } from '../abuser.js';
import { openSockets } from './sockets.js';

export interface ReaderParameters {
  readonly target: Target;
  readonly path: string;
  readonly sizeBytes: number;
  readonly count: number;
  /** For this long 1 KiB a second. */
  readonly readMs: number;
  /** At the end so many read all of it, as fast as they can. */
  readonly finishersCount: number;
}

export interface ReaderResult {
  /** Bytes that each had read, on average, when all stopped. */
  readonly bytesEach: number;
  /** Connections that the server closed although their time was not over. */
  readonly closedCount: number;
  /** SHA-256 of each body that was read to its end. */
  readonly digests: readonly string[];
}

const READ_BYTES = 1024;
const STEP_MS = 1000;
const FINISH_STEP_MS = 20;
/** So long without a byte: 20 s. */
const STALL_STEPS = 1000;

/** One reader. While it is not `isEager`, every piece stops it until it is let go on. */
class Reader {
  readonly buffer = Buffer.alloc(READ_BYTES);
  readonly hash: Hash = createHash('sha256');
  bodyBytes = 0;
  receivedBytes = 0;
  isEager = false;
  #head = '';

  take(bytes: number): boolean {
    this.receivedBytes += bytes;
    const piece = this.buffer.subarray(0, bytes);
    const body = this.bodyBytes > 0 ? piece : this.#bodyIn(piece);
    this.hash.update(body);
    this.bodyBytes += body.byteLength;
    return this.isEager;
  }

  #bodyIn(piece: Buffer): Buffer {
    const before = this.#head.length;
    this.#head += piece.toString('latin1');
    const end = this.#head.indexOf('\r\n\r\n');
    return end < 0 ? Buffer.alloc(0) : piece.subarray(end + 4 - before);
  }
}

export async function readSlowly(
  parameters: ReaderParameters,
  control: Control,
): Promise<ReaderResult> {
  const { target, path, sizeBytes, count, readMs, finishersCount } = parameters;
  const readers = Array.from({ length: count }, () => new Reader());
  const sockets = await openSockets(target, count, (index) => {
    const reader = readers[index] ?? new Reader();
    return { buffer: reader.buffer, callback: (bytes) => reader.take(bytes) };
  });
  const request = requestSigner(target)({ method: 'GET', path });
  for (const socket of sockets) socket.write(request);
  control.tell('begun', count);
  for (let passedMs = 0; passedMs < readMs; passedMs += STEP_MS) {
    await sleep(STEP_MS);
    for (const socket of sockets) socket.resume();
  }
  control.tell('stopped', count);
  await control.ended;
  const bytesEach = readers.reduce((total, { receivedBytes }) => total + receivedBytes, 0) / count;
  const closedCount = sockets.filter((socket) => socket.closed).length;
  const digests = await Promise.all(
    readers.slice(0, finishersCount).map(async (reader, index) => {
      reader.isEager = true;
      sockets[index]?.resume();
      // One that gets nothing more is told by its digest.
      let lastBytes = -1;
      for (let step = 0; reader.bodyBytes < sizeBytes; step += 1) {
        if (sockets[index]?.closed !== false) break;
        if (step % STALL_STEPS === 0) {
          if (reader.bodyBytes === lastBytes) break;
          lastBytes = reader.bodyBytes;
        }
        await sleep(FINISH_STEP_MS);
      }
      return reader.hash.digest('hex');
    }),
  );
  for (const socket of sockets) socket.destroy();
  return { bytesEach, closedCount, digests };
}
