/**
 * Requests of every kind that end at a random byte: of the request, or of the answer.
 *
 * @module
 */

import { once } from 'node:events';
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

import { requestSigner, type Target } from '../../support/prepared-request.js';
import { openSocket, randomFrom } from './sockets.js';

export interface CutParameters {
  readonly target: Target;
  readonly bucket: string;
  /** Of a large object of the bucket. */
  readonly largeKey: string;
  readonly count: number;
  readonly parallel: number;
  readonly seed: number;
}

export interface CutResult {
  /** How many ended in which way. */
  readonly ways: Readonly<Record<string, number>>;
}

const ANSWER_MS_MAX = 2_000;
const SMALL = Buffer.alloc(3000, 'small');
const LARGE = Buffer.alloc(200_000, 'large');

export async function cutRequests(parameters: CutParameters): Promise<CutResult> {
  const { target, count, parallel, seed } = parameters;
  const random = randomFrom(seed);
  const requests = requestsOf(parameters);
  const ways: Record<string, number> = {};
  let startedCount = 0;
  const drive = async (): Promise<void> => {
    while (startedCount < count) {
      startedCount += 1;
      const request = requests[Math.floor(random() * requests.length)] ?? SMALL;
      const way = await cutOne(target, request, random);
      ways[way] = (ways[way] ?? 0) + 1;
    }
  };
  await Promise.all(Array.from({ length: parallel }, drive));
  return { ways };
}

function requestsOf({ target, bucket, largeKey }: CutParameters): readonly Buffer[] {
  const sign = requestSigner(target);
  const path = `/${bucket}/cut`;
  const document = Buffer.from(`<Delete><Object><Key>cut</Key></Object></Delete>`);
  return [
    sign({ method: 'PUT', path, body: SMALL }),
    sign({ method: 'PUT', path, body: LARGE }),
    sign({ method: 'GET', path: `/${bucket}/small` }),
    sign({ method: 'GET', path: `/${bucket}/${largeKey}` }),
    sign({ method: 'GET', path: `/${bucket}`, query: 'list-type=2' }),
    sign({ method: 'POST', path: `/${bucket}`, query: 'delete=', body: document }),
    sign({ method: 'POST', path: `/${bucket}/cut`, query: 'uploads=' }),
    sign({ method: 'HEAD', path: `/${bucket}/small` }),
  ];
}

/** Sends all of it or a part, and leaves at once, politely, by a reset, or within the answer. */
async function cutOne(target: Target, request: Buffer, random: () => number): Promise<string> {
  const socket = openSocket(target);
  await Promise.race([once(socket, 'connect'), once(socket, 'close')]);
  if (socket.closed) return 'refused';
  const isWhole = random() < 0.3;
  const end = isWhole ? request.length : Math.floor(random() * request.length);
  const written = new Promise<void>((resolve) =>
    socket.write(request.subarray(0, end), () => resolve()),
  );
  await Promise.race([written, once(socket, 'close')]);
  if (isWhole && random() < 0.7) {
    await Promise.race([answerBytes(socket, random() * 100_000), sleep(ANSWER_MS_MAX)]);
    socket.destroy();
    return 'within the answer';
  }
  const choice = random();
  if (choice < 0.4) {
    socket.destroy();
    return 'closed';
  }
  if (choice < 0.8) {
    socket.resetAndDestroy();
    return 'reset';
  }
  socket.end();
  socket.resume();
  await Promise.race([once(socket, 'close'), once(socket, 'end'), sleep(ANSWER_MS_MAX)]);
  socket.destroy();
  return 'closed by half';
}

function answerBytes(socket: Socket, count: number): Promise<void> {
  let receivedBytes = 0;
  return new Promise((resolve) => {
    socket.on('data', (piece: Buffer) => {
      receivedBytes += piece.length;
      // Small answers end before.
      if (receivedBytes >= count || receivedBytes < 2000) resolve();
    });
    socket.on('close', () => resolve());
    socket.on('end', () => resolve());
  });
}
