/**
 * Connections that do almost nothing: each asks for a small object now and then.
 *
 * @module
 */

import { setTimeout as sleep } from 'node:timers/promises';

import { requestSigner, type Target } from '../../support/prepared-request.js';
import type { Control } from '../abuser.js';
import { openSockets, waitUntilClosed } from './sockets.js';

export interface IdleParameters {
  readonly target: Target;
  readonly count: number;
  /** Of an object of a few bytes. */
  readonly path: string;
  /** Each connection is used again after this long. */
  readonly touchMs: number;
}

export interface IdleResult {
  readonly openCount: number;
  readonly requestsCount: number;
  readonly answersCount: number;
  /** Closed before the test said that no more requests come. */
  readonly lostCount: number;
  /** Still open when they had been left alone for a minute, and how long the others took. */
  readonly leftCount: number;
  readonly closedMs: number;
}

const STEPS = 40;

export async function holdIdle(parameters: IdleParameters, control: Control): Promise<IdleResult> {
  const { target, count, path, touchMs } = parameters;
  const request = requestSigner(target)({ method: 'GET', path });
  const state = { isEnded: false };
  void control.ended.then(() => (state.isEnded = true));
  let [requestsCount, answersCount, lostCount] = [0, 0, 0];
  const sockets = await openSockets(target, count);
  const openCount = sockets.filter((socket) => !socket.closed).length;
  for (const socket of sockets) {
    if (socket.closed) continue;
    socket.on('data', (piece: Buffer) => {
      if (piece.toString('latin1', 0, 15) === 'HTTP/1.1 200 OK') answersCount += 1;
    });
    socket.on('end', () => socket.end());
    socket.on('close', () => (lostCount += state.isEnded ? 0 : 1));
  }
  control.tell('open', openCount);
  for (let step = 0; !state.isEnded; step = (step + 1) % STEPS) {
    for (let index = step; index < sockets.length; index += STEPS) {
      const socket = sockets[index];
      if (socket?.writable !== true || socket.closed) continue;
      socket.write(request);
      requestsCount += 1;
    }
    await sleep(touchMs / STEPS);
  }
  const endedMs = performance.now();
  const leftCount = await waitUntilClosed(sockets, 60_000);
  const closedMs = performance.now() - endedMs;
  return { openCount, requestsCount, answersCount, lostCount, leftCount, closedMs };
}
