/**
 * The admin endpoint: `/_health`, `/_ready` and `/_metrics`, on a port of its own.
 *
 * The primary serves it, so it answers for the whole server and keeps answering while server
 * processes come and go. It is for probes and Prometheus, carries no secrets and asks for none.
 *
 * @module
 */

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';

import type { Address } from '../util/address.js';

/** How the server is doing. */
export interface ServingState {
  /** Server processes there should be. */
  readonly serverCount: number;
  /** Those that accept requests. */
  readonly servingCount: number;
  /** Objects known to be damaged: shown, but no reason to send traffic elsewhere. */
  readonly damagedCount: number;
  /** Server processes that failed to start three times in a row, or more often. */
  readonly failingCount: number;
  /** Processes that write nothing to a disk that failed. */
  readonly fencedCount: number;
  /** Whether the server is going down on purpose. */
  readonly isStopping: boolean;
}

export interface AdminOptions {
  readonly address: Address;
  readonly state: () => ServingState;
  readonly metrics: () => Promise<{ readonly contentType: string; readonly text: string }>;
  readonly onFault: (fault: unknown) => void;
}

/** A probe that does not send its request in this time is cut off. */
const REQUEST_TIMEOUT_MS = 10_000;

interface Answer {
  readonly status: number;
  readonly contentType: string;
  readonly text: string;
}

/** @throws the error of `listen` when the address cannot be used. */
export async function startAdmin(options: AdminOptions): Promise<Server> {
  const server = createServer((request, response) => {
    answer(request, options).then(
      (result) => write(request, response, result),
      (fault: unknown) => {
        options.onFault(fault);
        write(request, response, json(500, { error: 'The figures could not be collected' }));
      },
    );
  });
  server.requestTimeout = REQUEST_TIMEOUT_MS;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ ...options.address, exclusive: true }, resolve);
  });
  server.on('error', options.onFault);
  return server;
}

async function answer(request: IncomingMessage, options: AdminOptions): Promise<Answer> {
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    return json(405, { error: 'Only GET and HEAD' });
  }
  const [path] = (request.url ?? '').split('?', 1);
  switch (path) {
    case '/_health':
      return probe(options.state(), isHealthy);
    case '/_ready':
      return probe(options.state(), isComplete);
    case '/_metrics':
      return { status: 200, ...(await options.metrics()) };
    default:
      return json(404, { error: 'Known paths: /_health /_ready /_metrics' });
  }
}

/** More than half of the processes serve, and none of the others fails for good. */
function isHealthy({ servingCount, serverCount, failingCount }: ServingState): boolean {
  return servingCount * 2 > serverCount && failingCount === 0;
}

function isComplete({ servingCount, serverCount, isStopping }: ServingState): boolean {
  return servingCount === serverCount && !isStopping;
}

function probe(state: ServingState, holds: (state: ServingState) => boolean): Answer {
  const isGood = holds(state);
  return json(isGood ? 200 : 503, { status: statusOf(state, isGood), ...state });
}

/** Reads go on with a failed disk, so traffic is still welcome; the operator is told by the word. */
function statusOf({ fencedCount }: ServingState, isGood: boolean): string {
  if (!isGood) return 'unavailable';
  return fencedCount > 0 ? 'degraded' : 'ok';
}

function json(status: number, value: object): Answer {
  return { status, contentType: 'application/json', text: `${JSON.stringify(value)}\n` };
}

function write(request: IncomingMessage, response: ServerResponse, result: Answer): void {
  response.writeHead(result.status, {
    'Content-Type': result.contentType,
    'Content-Length': Buffer.byteLength(result.text),
    'Cache-Control': 'no-store',
  });
  response.end(request.method === 'HEAD' ? undefined : result.text);
}
