/**
 * Uploads that trickle.
 *
 * @module
 */

import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

import type { Target } from '../../support/prepared-request.js';
import { headerSigned, wireHead } from '../../support/signed-request.js';
import type { Control } from '../abuser.js';
import { openSockets } from './sockets.js';

export interface UploadParameters {
  readonly target: Target;
  readonly bucket: string;
  readonly count: number;
  readonly sizeBytes: number;
  readonly bytesPerSecond: number;
  /** Pause between two pieces of one upload. */
  readonly stepMs: number;
}

export interface UploadResult {
  /** How many ended with which status; `closed` without any. */
  readonly outcomes: Readonly<Record<string, number>>;
}

/** Parts of a step; in each, one part of the uploads sends its piece. */
const TURNS_COUNT = 25;

/** The byte that an upload repeats. */
export function fillOf(index: number): number {
  return 65 + (index % 26);
}

export async function uploadSlowly(
  parameters: UploadParameters,
  control: Control,
): Promise<UploadResult> {
  const { target, bucket, count, sizeBytes, bytesPerSecond, stepMs } = parameters;
  const pieceBytes = Math.ceil((bytesPerSecond * stepMs) / 1000);
  const sockets = await openSockets(target, count);
  const outcomes: Record<string, number> = {};
  const done = sockets.map((socket) =>
    outcomeOf(socket).then((outcome) => {
      outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
      socket.destroy();
    }),
  );
  const state = { isOver: false };
  const all = Promise.all(done).then(() => (state.isOver = true));
  sockets.forEach((socket, index) => {
    const rawPath = `/${bucket}/upload-${index}`;
    const head = headerSigned(target, { method: 'PUT', rawPath, payloadHash: 'UNSIGNED-PAYLOAD' });
    socket.write(wireHead(head, `content-length: ${sizeBytes}\r\n`));
  });
  control.tell('begun', sockets.length);
  const pieces = Array.from({ length: 26 }, (_, index) => Buffer.alloc(pieceBytes, fillOf(index)));
  const startedMs = performance.now();
  for (let sentBytes = 0; sentBytes < sizeBytes && !state.isOver; sentBytes += pieceBytes) {
    const rest = sizeBytes - sentBytes;
    // Clients that know nothing of each other do not send all at the same moment.
    for (let turn = 0; turn < TURNS_COUNT; turn += 1) {
      for (let index = turn; index < sockets.length; index += TURNS_COUNT) {
        const piece = (pieces[index % 26] ?? Buffer.alloc(0)).subarray(0, rest);
        const socket = sockets[index];
        if (socket?.writable === true) socket.write(piece);
      }
      const share = (turn + 1) / TURNS_COUNT;
      const dueMs = startedMs + ((sentBytes + pieceBytes * share) / bytesPerSecond) * 1000;
      await sleep(Math.max(1, dueMs - performance.now()));
    }
  }
  await all;
  return { outcomes };
}

/** The status of the first answer, or `closed`. */
export function outcomeOf(socket: Socket): Promise<string> {
  return new Promise((resolve) => {
    let text = '';
    socket.on('data', (piece: Buffer) => {
      text += piece.toString('latin1');
      const [, status] = /^HTTP\/1\.1 (\d{3})[^]*?\r\n\r\n/.exec(text) ?? [];
      if (status !== undefined) resolve(status);
    });
    socket.on('end', () => resolve('closed'));
    socket.on('close', () => resolve('closed'));
  });
}
