/**
 * The transport on `node:http`: the fallback where uWebSockets.js has no binary, and the reference
 * it is compared with.
 *
 * Where they differ is a table in `test/contract/transport-differential.test.ts`. In short: Node
 * answers malformed heads with 400 at once, knows a fixed list of methods, and takes no bytes above
 * 0x7E in the request line.
 *
 * @module
 */

import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';

import { HeadGuard } from './head-guard.js';
import type { GuardedHead, HeadRefusal } from './head-guard.js';
import { HttpExchange } from './http-exchange.js';
import { NodeResponder } from './node-responder.js';
import { refusalText, statusText } from './reply-framing.js';
import type { ExchangeHost } from './responder.js';
import { StreamPlaces } from './stream-places.js';
import { TickClock } from './tick-clock.js';
import type { Ticked } from './tick-clock.js';
import {
  HEAD_BYTES_MAX,
  HEAD_TIMEOUT_MS,
  LINGER_MS_MAX,
  STREAM_PLACES_COUNT,
} from './transport-limits.js';
import type { Transport, TransportOptions } from './transport.js';

const BAD_VERSION: HeadRefusal = { status: 505, reason: 'The only version offered is HTTP/1.1' };
const CONNECT: HeadRefusal = { status: 505, reason: 'The request target must be a path' };

/** See the module comment. */
export class NodeTransport implements Transport, ExchangeHost {
  readonly name = 'node';
  readonly readTicksMax: number;
  readonly writeTicksMax: number;
  readonly lingerTicksMax: number;
  readonly readBytesMin: number;
  readonly streamPlaces = new StreamPlaces(STREAM_PLACES_COUNT);
  readonly onFault: (fault: unknown, context: string) => void;
  readonly #options: TransportOptions;
  readonly #server: Server;
  readonly #guard = new HeadGuard();
  readonly #clock: TickClock;
  /** The last exchange of each connection. */
  readonly #exchanges = new WeakMap<Socket, HttpExchange>();
  readonly #refused = new WeakSet<Socket>();
  #inFlightCount = 0;
  #isDraining = false;

  constructor(options: TransportOptions) {
    this.#options = options;
    this.onFault = options.onFault;
    const shortestTimeoutMs = Math.min(options.readTimeoutMs, options.writeTimeoutMs);
    this.#clock = new TickClock(shortestTimeoutMs, options.onFault);
    this.readTicksMax = this.#clock.ticksFor(options.readTimeoutMs);
    this.writeTicksMax = this.#clock.ticksFor(options.writeTimeoutMs);
    this.readBytesMin = ((options.uploadRateMin ?? 0) * options.readTimeoutMs) / 1000;
    this.lingerTicksMax = this.#clock.ticksFor(LINGER_MS_MAX);
    this.#server = createServer({
      maxHeaderSize: HEAD_BYTES_MAX,
      insecureHTTPParser: false,
      // Our guard does that: Node would answer, but still execute what comes in the same packet.
      requireHostHeader: false,
      keepAliveTimeout: options.idleTimeoutMs,
      headersTimeout: HEAD_TIMEOUT_MS,
      // A body may take as long as it likes while it moves: the read timeout watches that.
      requestTimeout: 0,
      connectionsCheckingInterval: Math.min(2_000, HEAD_TIMEOUT_MS),
      noDelay: true,
    });
    // Without a limit of its own, or headers above it would be dropped and not refused.
    this.#server.maxHeadersCount = 0;
    // Those beyond are closed at once, like on uWebSockets.js.
    if (options.connectionsCountMax !== undefined) {
      this.#server.maxConnections = options.connectionsCountMax;
    }
    this.#server.on('request', (req, res) => this.#onRequest(req, res));
    this.#server.on('checkExpectation', (req, res) => this.#onRequest(req, res));
    this.#server.on('checkContinue', (req: IncomingMessage, res: ServerResponse) => {
      res.writeContinue();
      this.#onRequest(req, res);
    });
    this.#server.on('connect', (_req, socket) => refuse(socket, CONNECT));
  }

  get inFlightCount(): number {
    return this.#inFlightCount;
  }

  get isDraining(): boolean {
    return this.#isDraining;
  }

  listen(): Promise<number> {
    const { host, port } = this.#options;
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen({ host, port }, () => {
        this.#server.off('error', reject);
        this.#server.on('error', (fault) => this.onFault(fault, 'server'));
        this.#clock.start();
        const address = this.#server.address();
        resolve(typeof address === 'object' && address !== null ? address.port : port);
      });
    });
  }

  stopAccepting(): void {
    this.#isDraining = true;
    this.#server.close();
  }

  close(): void {
    this.stopAccepting();
    this.#clock.stop();
    this.#server.closeAllConnections();
  }

  forget(exchange: Ticked): void {
    this.#clock.delete(exchange);
  }

  leave(): void {
    this.#inFlightCount -= 1;
  }

  #onRequest(req: IncomingMessage, res: ServerResponse): void {
    const { socket } = req;
    try {
      if (this.#refused.has(socket)) return;
      if (this.#exchanges.get(socket)?.isFinished === false) {
        // Pipelined while the request before is pending, like on uWebSockets.js.
        socket.destroy();
        return;
      }
      const guarded = this.#guardHead(req);
      if ('reason' in guarded) {
        this.#refused.add(socket);
        refuse(socket, guarded);
        return;
      }
      const exchange = new HttpExchange(guarded, new NodeResponder(req, res), this);
      this.#exchanges.set(socket, exchange);
      this.#inFlightCount += 1;
      this.#clock.add(exchange);
      connect(req, res, exchange);
      this.#run(exchange);
    } catch (fault) {
      this.onFault(fault, 'request');
      socket.destroy();
    }
  }

  #guardHead(req: IncomingMessage): GuardedHead | HeadRefusal {
    if (req.httpVersion !== '1.1') return BAD_VERSION;
    const guard = this.#guard;
    const target = req.url ?? '';
    const queryStart = target.indexOf('?');
    const path = queryStart < 0 ? target : target.slice(0, queryStart);
    guard.begin(req.method ?? '', path, queryStart < 0 ? '' : target.slice(queryStart + 1));
    const lines = req.rawHeaders;
    for (let index = 0; index + 1 < lines.length; index += 2) {
      guard.add((lines[index] ?? '').toLowerCase(), utf8Text(lines[index + 1] ?? ''));
    }
    return guard.end();
  }

  #run(exchange: HttpExchange): void {
    const onRejected = (fault: unknown): void => {
      exchange.settle(fault ?? new Error('The handler rejected without a reason'));
    };
    try {
      this.#options.handler(exchange).then(() => exchange.settle(), onRejected);
    } catch (fault) {
      onRejected(fault);
    }
  }
}

function connect(req: IncomingMessage, res: ServerResponse, exchange: HttpExchange): void {
  res.on('close', () => exchange.abort());
  res.on('error', () => exchange.abort());
  req.on('error', () => exchange.abort());
  if (exchange.isBodyComplete) return;
  req.on('data', (piece: Buffer) => {
    exchange.receive(exchange.wantsBody ? piece : undefined, piece.byteLength, false);
  });
  req.on('end', () => exchange.receive(undefined, 0, true));
}

/** Answers barely and closes. */
function refuse(socket: Duplex, refusal: HeadRefusal): void {
  const text = refusalText(refusal);
  socket.end(
    `HTTP/1.1 ${statusText(refusal.status)}\r\nContent-Type: text/plain\r\nConnection: close\r\n` +
      `Content-Length: ${text.length}\r\n\r\n${text}`,
    () => socket.destroy(),
  );
}

/** Node hands header bytes over as latin1 text; bytes that are not UTF-8 become U+FFFD. */
function utf8Text(text: string): string {
  for (let index = 0; index < text.length; index += 1) {
    if (text.charCodeAt(index) > 0x7f) return Buffer.from(text, 'latin1').toString('utf8');
  }
  return text;
}
