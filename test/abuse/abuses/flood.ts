/**
 * More requests than can be served: sent at a fixed rate, whether answers come or not.
 *
 * @module
 */

import { setTimeout as sleep } from 'node:timers/promises';

import { requestSigner, type RequestParts, type Target } from '../../support/prepared-request.js';
import { openSocket, percentile } from './sockets.js';

/** The same request with other keys, so that neither side profits from repetition. */
export interface FloodRequests {
  readonly target: Target;
  readonly method: RequestParts['method'];
  /** `#` becomes a number. */
  readonly path: string;
  readonly query?: string;
  readonly bodyBytes?: number;
  readonly variantsCount: number;
  /** Signs with a wrong key. */
  readonly isForged?: boolean;
}

export interface FloodParameters extends FloodRequests {
  readonly ratePerSecond: number;
  readonly durationMs: number;
  readonly connectionsCountMax: number;
}

export interface FloodResult {
  readonly sentCount: number;
  /** Not sent, because every connection waited for its answer. */
  readonly heldBackCount: number;
  readonly statuses: Readonly<Record<string, number>>;
  readonly goodPerSecond: number;
  readonly refusalP50Ms: number;
  readonly refusalP99Ms: number;
  /** Refusals that did not say when to come again, or were not SlowDown. */
  readonly oddRefusalsCount: number;
}

const STEP_MS = 5;
const LAST_ANSWERS_MS = 5_000;
const LENGTH = /\r\ncontent-length: (\d+)/i;

interface Tally {
  readonly statuses: Record<string, number>;
  readonly refusalsMs: number[];
  oddRefusalsCount: number;
}

/** A connection that is free or waits for one answer. */
class FloodConnection {
  readonly #target: Target;
  readonly #tally: Tally;
  #socket = undefined as ReturnType<typeof openSocket> | undefined;
  #sentMs = 0;
  #missingBytes = -1;
  #onFree: (() => void) | undefined;

  constructor(target: Target, tally: Tally) {
    this.#target = target;
    this.#tally = tally;
  }

  send(request: Buffer, onFree: () => void): void {
    this.#onFree = onFree;
    this.#sentMs = performance.now();
    this.#missingBytes = -1;
    this.#socket ??= this.#open();
    this.#socket.write(request);
  }

  close(): void {
    this.#onFree = undefined;
    this.#socket?.destroy();
  }

  #open(): ReturnType<typeof openSocket> {
    const socket = openSocket(this.#target);
    socket.on('data', (piece: Buffer) => this.#receive(piece));
    socket.on('end', () => socket.destroy());
    socket.on('close', () => {
      if (this.#socket !== socket) return;
      this.#socket = undefined;
      this.#finish('closed');
    });
    return socket;
  }

  /** Heads are sent in one piece. */
  #receive(piece: Buffer): void {
    if (this.#missingBytes < 0) {
      const headEnd = piece.indexOf('\r\n\r\n');
      const head = piece.toString('latin1', 0, headEnd);
      const status = head.slice(9, 12);
      if (status === '503') this.#noteRefusal(head, piece);
      this.#tally.statuses[status] = (this.#tally.statuses[status] ?? 0) + 1;
      this.#missingBytes = Number(LENGTH.exec(head)?.[1] ?? 0) - (piece.length - headEnd - 4);
    } else {
      this.#missingBytes -= piece.length;
    }
    if (this.#missingBytes === 0) this.#finish(undefined);
  }

  #noteRefusal(head: string, piece: Buffer): void {
    this.#tally.refusalsMs.push(performance.now() - this.#sentMs);
    const isOdd = !/\r\nretry-after: 1\r\n/i.test(head) || !piece.includes('<Code>SlowDown</Code>');
    if (isOdd) this.#tally.oddRefusalsCount += 1;
  }

  #finish(outcome: string | undefined): void {
    const onFree = this.#onFree;
    if (onFree === undefined) return;
    this.#onFree = undefined;
    if (outcome !== undefined) {
      this.#tally.statuses[outcome] = (this.#tally.statuses[outcome] ?? 0) + 1;
    }
    onFree();
  }
}

export async function floodServer(parameters: FloodParameters): Promise<FloodResult> {
  const { ratePerSecond, durationMs, connectionsCountMax } = parameters;
  const requests = signedRequests(parameters);
  const tally: Tally = { statuses: {}, refusalsMs: [], oddRefusalsCount: 0 };
  const free: FloodConnection[] = [];
  const all: FloodConnection[] = [];
  let [sentCount, dueCount, heldBackCount] = [0, 0, 0];
  const startedMs = performance.now();
  for (let passedMs = 0; passedMs < durationMs; passedMs = performance.now() - startedMs) {
    const untilCount = Math.floor((passedMs / 1000) * ratePerSecond);
    for (; dueCount < untilCount; dueCount += 1) {
      let connection = free.pop();
      if (connection === undefined && all.length < connectionsCountMax) {
        connection = new FloodConnection(parameters.target, tally);
        all.push(connection);
      }
      if (connection === undefined) {
        heldBackCount += 1;
        continue;
      }
      const sender = connection;
      sentCount += 1;
      sender.send(requests[dueCount % requests.length] ?? Buffer.alloc(0), () => free.push(sender));
    }
    await sleep(STEP_MS);
  }
  const elapsedSeconds = (performance.now() - startedMs) / 1000;
  const goodPerSecond = (tally.statuses['200'] ?? 0) / elapsedSeconds;
  const deadline = performance.now() + LAST_ANSWERS_MS;
  while (free.length < all.length && performance.now() < deadline) await sleep(STEP_MS);
  for (const connection of all) connection.close();
  return {
    sentCount,
    heldBackCount,
    statuses: tally.statuses,
    goodPerSecond,
    refusalP50Ms: percentile(tally.refusalsMs, 0.5),
    refusalP99Ms: percentile(tally.refusalsMs, 0.99),
    oddRefusalsCount: tally.oddRefusalsCount,
  };
}

/** What the server does when each connection waits for its answer. */
export async function measurePeak(
  parameters: FloodRequests & { readonly durationMs: number; readonly connectionsCount: number },
): Promise<number> {
  const requests = signedRequests(parameters);
  const tally: Tally = { statuses: {}, refusalsMs: [], oddRefusalsCount: 0 };
  const endMs = performance.now() + parameters.durationMs;
  let next = 0;
  const drive = async (): Promise<void> => {
    const connection = new FloodConnection(parameters.target, tally);
    while (performance.now() < endMs) {
      next += 1;
      const request = requests[next % requests.length] ?? Buffer.alloc(0);
      await new Promise<void>((resolve) => connection.send(request, resolve));
    }
    connection.close();
  };
  await Promise.all(Array.from({ length: parameters.connectionsCount }, drive));
  return ((tally.statuses['200'] ?? 0) / parameters.durationMs) * 1000;
}

function signedRequests(parameters: FloodRequests): readonly Buffer[] {
  const { target, method, path, query, bodyBytes, variantsCount, isForged } = parameters;
  const sign = requestSigner(isForged === true ? { ...target, secretKey: 'wrong' } : target);
  return Array.from({ length: variantsCount }, (_, index) =>
    sign({
      method,
      path: path.replace('#', String(index)),
      ...(query === undefined ? {} : { query }),
      ...(bodyBytes === undefined ? {} : { body: Buffer.alloc(bodyBytes, index) }),
    }),
  );
}
