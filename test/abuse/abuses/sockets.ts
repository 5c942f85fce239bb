/**
 * Raw sockets to a server, many at a time.
 *
 * @module
 */

import { once } from 'node:events';
import { connect, type OnReadOpts, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

import type { Target } from '../../support/prepared-request.js';

/** Few enough at once that the queue of the listening socket holds them. */
const BATCH = 200;

/** A connection that never fails by an exception: a reset is one of the ways to be closed. */
export function openSocket(target: Target, onread?: OnReadOpts): Socket {
  const place = { host: target.host, port: target.port, noDelay: true, allowHalfOpen: true };
  const socket = connect(onread === undefined ? place : { ...place, onread });
  socket.on('error', () => undefined);
  return socket;
}

/** Opens so many, a batch after the other, and waits until each is connected or closed. */
export async function openSockets(
  target: Target,
  count: number,
  onread?: (index: number) => OnReadOpts,
): Promise<Socket[]> {
  const sockets: Socket[] = [];
  while (sockets.length < count) {
    const batch = Array.from({ length: Math.min(BATCH, count - sockets.length) }, (_, index) =>
      openSocket(target, onread?.(sockets.length + index)),
    );
    await Promise.all(
      batch.map((socket) => Promise.race([once(socket, 'connect'), once(socket, 'close')])),
    );
    sockets.push(...batch);
  }
  return sockets;
}

/** Waits until the other side has closed all of them, or the time is over. */
export async function waitUntilClosed(
  sockets: readonly Socket[],
  timeoutMs: number,
): Promise<number> {
  const deadline = performance.now() + timeoutMs;
  const openCount = (): number =>
    sockets.filter((socket) => !socket.closed && !socket.readableEnded).length;
  while (openCount() > 0 && performance.now() < deadline) await sleep(50);
  return openCount();
}

/** Numbers that a seed determines: mulberry32. */
export function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** The value below which so much of the sorted list lies; 0 when it is empty. */
export function percentile(values: readonly number[], part: number): number {
  const sorted = [...values].sort((one, other) => one - other);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0;
}
