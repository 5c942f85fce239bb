/**
 * Connections that never make a request of what they send: heads byte by byte, bytes that are no
 * HTTP, requests behind requests, and halves that are closed.
 *
 * @module
 */

import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

import { requestSigner, type Target } from '../../support/prepared-request.js';
import { openSockets, randomFrom, waitUntilClosed } from './sockets.js';

export interface MalformedParameters {
  readonly target: Target;
  readonly bucket: string;
  /** Connections of each kind. */
  readonly count: number;
  readonly seed: number;
}

export interface MalformedResult {
  /** Of each kind: connections that the server did not close within a minute. */
  readonly leftCounts: Readonly<Record<string, number>>;
  /** Of each kind: bytes of answers that were 200. */
  readonly served: Readonly<Record<string, number>>;
}

const PATIENCE_MS = 60_000;
const BYTE_MS = 200;

type Kind = (socket: Socket, random: () => number) => void | Promise<void>;

export async function sendMalformed(parameters: MalformedParameters): Promise<MalformedResult> {
  const random = randomFrom(parameters.seed);
  const leftCounts: Record<string, number> = {};
  const served: Record<string, number> = {};
  await Promise.all(
    Object.entries(kindsOf(parameters)).map(async ([name, send]) => {
      const sockets = await openSockets(parameters.target, parameters.count);
      for (const socket of sockets) {
        socket.on('data', (piece: Buffer) => {
          const count = piece.toString('latin1').split('HTTP/1.1 200').length - 1;
          served[name] = (served[name] ?? 0) + count;
        });
        socket.on('end', () => socket.end());
        void send(socket, random);
      }
      leftCounts[name] = await waitUntilClosed(sockets, PATIENCE_MS);
      for (const socket of sockets) socket.destroy();
    }),
  );
  return { leftCounts, served };
}

function kindsOf({ target, bucket }: MalformedParameters): Readonly<Record<string, Kind>> {
  const sign = requestSigner(target);
  const put = sign({ method: 'PUT', path: `/${bucket}/never`, body: Buffer.alloc(100_000) });
  const whole = sign({ method: 'PUT', path: `/${bucket}/whole`, body: Buffer.alloc(100_000) });
  const garbage = (random: () => number, bytes: number): Buffer =>
    Buffer.from(Array.from({ length: bytes }, () => Math.floor(random() * 256)));
  return {
    'a head byte by byte': async (socket) => {
      for (let index = 0; index < 300 && socket.writable; index += 1) {
        socket.write(put.subarray(index, index + 1));
        await sleep(BYTE_MS);
      }
    },
    'nothing at all': () => undefined,
    'bytes that are no HTTP': (socket, random) => void socket.write(garbage(random, 500)),
    'a body without its end, closed by half': (socket) =>
      void socket.end(put.subarray(0, put.length - 1)),
    'a whole request and bytes behind it': (socket, random) =>
      void socket.write(Buffer.concat([whole, garbage(random, 500)])),
    'a header that never ends': async (socket) => {
      socket.write('GET / HTTP/1.1\r\nx: ');
      for (let index = 0; index < 100 && socket.writable; index += 1) {
        socket.write('x'.repeat(1000));
        await sleep(BYTE_MS);
      }
    },
  };
}
