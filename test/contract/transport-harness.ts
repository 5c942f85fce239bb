/**
 * Starts a transport around a handler, for the tests of both transports.
 *
 * @module
 */

import type { TestContext } from 'node:test';

import { openTransport } from '#src/server/open-transport.js';
import type { TransportChoice } from '#src/server/open-transport.js';
import type {
  Exchange,
  ExchangeHandler,
  ReplyOutcome,
  Transport,
  TransportBody,
  TransportOptions,
} from '#src/server/transport.js';

/** A transport that listens, and what went wrong in it. */
export interface Running {
  readonly transport: Transport;
  readonly port: number;
  readonly faults: { readonly fault: unknown; readonly context: string }[];
}

/** Listens on a free port of 127.0.0.1 and is closed with the test. */
export async function startTransport(
  context: TestContext,
  choice: TransportChoice,
  handler: ExchangeHandler,
  options: Partial<TransportOptions> = {},
): Promise<Running> {
  const faults: { fault: unknown; context: string }[] = [];
  const transport = await openTransport({
    host: '127.0.0.1',
    port: 0,
    readTimeoutMs: 30_000,
    writeTimeoutMs: 30_000,
    idleTimeoutMs: 30_000,
    handler,
    onFault: (fault, where) => faults.push({ fault, context: where }),
    choice,
    onWarning: (message) => {
      throw new Error(message);
    },
    ...options,
  });
  const port = await transport.listen();
  context.after(() => transport.close());
  return { transport, port, faults };
}

/** Answers 200 with a body, or what `parts` say. */
export function reply(
  exchange: Exchange,
  body: TransportBody,
  parts: { status?: number; headers?: Record<string, string>; closeConnection?: boolean } = {},
): Promise<ReplyOutcome> {
  return exchange.respond({
    status: parts.status ?? 200,
    headers: parts.headers ?? {},
    body,
    closeConnection: parts.closeConnection ?? false,
  });
}

/** Reads a whole body. */
export async function readAll(exchange: Exchange): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for await (const piece of exchange.body) pieces.push(Buffer.from(piece));
  return Buffer.concat(pieces);
}

/** A promise and the means to settle it. */
export function deferred<T = void>(): { promise: Promise<T>; resolve: (value: T) => void } {
  let resolve: (value: T) => void = () => undefined;
  const promise = new Promise<T>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}

/** A stream reply made of pieces. */
export function streamOf(pieces: Iterable<Uint8Array>, sizeBytes: number): TransportBody {
  return {
    sizeBytes,
    chunks: {
      async *[Symbol.asyncIterator]() {
        yield* pieces;
      },
    },
  };
}
