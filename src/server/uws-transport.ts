/**
 * The transport on uWebSockets.js: the only file that imports it.
 *
 * What the library cannot do, measured and tested in `test/contract/`:
 * - HTTP/1.0, absolute-form targets, `OPTIONS *` and control characters in the target get a bare
 *   505; a head above HEAD_BYTES_MAX or HEADERS_COUNT_MAX gets a bare 431.
 * - A malformed header line (bare LF, folded line, space before the colon, control character) is
 *   never executed, but also not answered: the connection is closed within 12 s.
 * - Bytes from 0x80 at either end of a header value are cut off before we see them.
 * - A header line with an empty name hides itself and all lines after it.
 * - A second request while the first is pending closes the connection, and so does a half-close.
 * - `Expect: 100-continue` is answered before the handler runs, in lower case only.
 * - Connections without a request are closed after 10 s, whatever `idleTimeoutMs` says.
 * - Trailers after a chunked body are read as a request: such connections end with the answer.
 *
 * @module
 */

import type * as uws from 'uWebSockets.js';

import { RecycledBuffers } from '../util/recycled-buffers.js';
import { HeadGuard } from './head-guard.js';
import type { HeadRefusal } from './head-guard.js';
import { HttpExchange } from './http-exchange.js';
import { OverflowArea, type LentPiece } from './overflow-area.js';
import { refusalText, statusText } from './reply-framing.js';
import type { ExchangeHost } from './responder.js';
import { StreamPlaces } from './stream-places.js';
import { TickClock } from './tick-clock.js';
import type { Ticked } from './tick-clock.js';
import {
  HEAD_BYTES_MAX,
  LINGER_MS_MAX,
  RECEIVE_BUFFER_BYTES,
  RECEIVE_BUFFER_BYTES_MIN,
  RECEIVE_BUFFERS_KEPT_MAX,
  RECEIVE_SMALL_BUFFER_BYTES,
  STREAM_PLACES_COUNT,
} from './transport-limits.js';
import type { Transport, TransportOptions } from './transport.js';
import { UwsResponder } from './uws-responder.js';

type UwsLibrary = typeof uws;

/** The library's private switch for leaving out its `uWebSockets` response header. */
type WithSwitches = UwsLibrary & { readonly _cfg?: (name: string) => void };

/** Above the library's 16 KiB cork buffer, so that a refusal is sent at once. */
const REFUSAL_BYTES = 17 * 1024;

/** See the module comment. */
export class UwsTransport implements Transport, ExchangeHost {
  readonly name = 'uws';
  readonly readTicksMax: number;
  readonly writeTicksMax: number;
  readonly lingerTicksMax: number;
  readonly readBytesMin: number;
  readonly streamPlaces = new StreamPlaces(STREAM_PLACES_COUNT);
  readonly onFault: (fault: unknown, context: string) => void;
  readonly #library: UwsLibrary;
  readonly #options: TransportOptions;
  readonly #app: uws.TemplatedApp;
  readonly #guard = new HeadGuard();
  readonly #clock: TickClock;
  readonly #overflow = new OverflowArea();
  readonly #receiveBuffers = new RecycledBuffers(RECEIVE_BUFFER_BYTES, RECEIVE_BUFFERS_KEPT_MAX);
  readonly #smallBuffers = new RecycledBuffers(
    RECEIVE_SMALL_BUFFER_BYTES,
    RECEIVE_BUFFERS_KEPT_MAX,
  );
  #listenSocket: uws.us_listen_socket | undefined;
  #inFlightCount = 0;
  #connectionsCount = 0;
  #isDraining = false;

  private constructor(library: UwsLibrary, options: TransportOptions) {
    this.#library = library;
    this.#options = options;
    this.onFault = options.onFault;
    const shortestTimeoutMs = Math.min(options.readTimeoutMs, options.writeTimeoutMs);
    this.#clock = new TickClock(shortestTimeoutMs, options.onFault);
    this.readTicksMax = this.#clock.ticksFor(options.readTimeoutMs);
    this.writeTicksMax = this.#clock.ticksFor(options.writeTimeoutMs);
    this.readBytesMin = ((options.uploadRateMin ?? 0) * options.readTimeoutMs) / 1000;
    this.lingerTicksMax = this.#clock.ticksFor(LINGER_MS_MAX);
    this.#app = library.App();
    const { connectionsCountMax = Infinity } = options;
    this.#app.filter((res, change) => {
      this.#connectionsCount += change;
      // Nothing can be said yet: the library takes an answer only to a request.
      if (change > 0 && this.#connectionsCount > connectionsCountMax) res.close();
    });
    this.#app.any('/*', (res, req) => this.#onRequest(res, req));
  }

  /**
   * Loads the library and creates a transport that does not listen yet.
   *
   * @throws {Error} There is no binary for this platform.
   */
  static async open(options: TransportOptions): Promise<UwsTransport> {
    // The library reads this once, when its binary is loaded; its default is 4,096 bytes.
    process.env['UWS_HTTP_MAX_HEADERS_SIZE'] ??= String(HEAD_BYTES_MAX);
    const library: WithSwitches = await import('uWebSockets.js');
    library._cfg?.('silent');
    return new UwsTransport(library, options);
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
      this.#app.listen(host, port, (listenSocket) => {
        if (listenSocket === false) {
          const error = new Error(`Cannot listen on ${host}:${port}: taken, or not permitted`);
          reject(Object.assign(error, { code: 'EADDRINUSE' }));
          return;
        }
        this.#listenSocket = listenSocket;
        this.#clock.start();
        resolve(this.#library.us_socket_local_port(listenSocket));
      });
    });
  }

  stopAccepting(): void {
    this.#isDraining = true;
    if (this.#listenSocket === undefined) return;
    this.#library.us_listen_socket_close(this.#listenSocket);
    this.#listenSocket = undefined;
  }

  close(): void {
    this.stopAccepting();
    this.#clock.stop();
    this.#app.close();
  }

  forget(exchange: Ticked): void {
    this.#clock.delete(exchange);
  }

  leave(): void {
    this.#inFlightCount -= 1;
  }

  /** An exception that reached the library from here would end the process. */
  #onRequest(res: uws.HttpResponse, req: uws.HttpRequest): void {
    try {
      this.#accept(res, req);
    } catch (fault) {
      this.onFault(fault, 'request');
      try {
        res.close();
      } catch {
        // It is closed already.
      }
    }
  }

  #accept(res: uws.HttpResponse, req: uws.HttpRequest): void {
    const guard = this.#guard;
    // The library's type says that the query is never undefined, but without `?` it is.
    const rawQuery = req.getQuery() as string | undefined;
    guard.begin(req.getCaseSensitiveMethod(), req.getUrl(), rawQuery ?? '');
    req.forEach(guard.add);
    const guarded = guard.end();
    if ('reason' in guarded) {
      refuse(res, guarded);
      return;
    }
    const responder = new UwsResponder(res, guarded.head.method === 'HEAD', this.onFault);
    const exchange = new HttpExchange(guarded, responder, this);
    res.onAborted(() => exchange.abort());
    if (!exchange.isBodyComplete) {
      res.onData((chunk, isLast) => this.#onData(exchange, chunk, isLast));
    }
    this.#inFlightCount += 1;
    this.#clock.add(exchange);
    this.#run(exchange);
  }

  /** @param chunk - A view on the library's buffer, gone when this returns. */
  #onData(exchange: HttpExchange, chunk: ArrayBuffer, isLast: boolean): void {
    try {
      if (chunk.byteLength > RECEIVE_BUFFER_BYTES && !exchange.isPaused) {
        this.#receiveInParts(exchange, chunk, isLast);
        return;
      }
      const piece = exchange.wantsBody ? this.#keep(exchange, new Uint8Array(chunk)) : undefined;
      exchange.receive(piece, chunk.byteLength, isLast);
    } catch (fault) {
      this.onFault(fault, 'onData');
    }
  }

  #receiveInParts(exchange: HttpExchange, chunk: ArrayBuffer, isLast: boolean): void {
    for (let start = 0; start < chunk.byteLength; start += RECEIVE_BUFFER_BYTES) {
      const bytes = Math.min(RECEIVE_BUFFER_BYTES, chunk.byteLength - start);
      const part = new Uint8Array(chunk, start, bytes);
      const piece = exchange.wantsBody ? this.#copyOf(part) : undefined;
      exchange.receive(piece, bytes, isLast && start + bytes === chunk.byteLength);
    }
  }

  #keep(exchange: HttpExchange, chunk: Uint8Array): Uint8Array | LentPiece {
    return (exchange.isPaused ? this.#overflow.hold(chunk) : undefined) ?? this.#copyOf(chunk);
  }

  #copyOf(chunk: Uint8Array): Uint8Array | LentPiece {
    // The smallest come out of Buffer's pool, which is cheaper than memory of their own.
    if (chunk.byteLength < RECEIVE_BUFFER_BYTES_MIN) return Buffer.from(chunk);
    const isSmall = chunk.byteLength <= RECEIVE_SMALL_BUFFER_BYTES;
    const buffers = isSmall ? this.#smallBuffers : this.#receiveBuffers;
    const bytes = buffers.take(chunk.byteLength);
    bytes.set(chunk);
    return { bytes, heldBytes: bytes.buffer.byteLength, release: () => buffers.give(bytes) };
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

/**
 * Answers barely and closes the connection before the library parses on: what follows in the same
 * packet must not be executed. A close drops what is still corked, so the text is padded until the
 * cork buffer overflows; and a complete response could not be closed any more, so the last call
 * announces one byte more than the first, which is the one that writes the length.
 */
function refuse(res: uws.HttpResponse, refusal: HeadRefusal): void {
  res.onAborted(() => undefined);
  const text = refusalText(refusal).padEnd(REFUSAL_BYTES - 1, ' ');
  res.writeStatus(statusText(refusal.status));
  res.writeHeader('Content-Type', 'text/plain');
  res.writeHeader('Connection', 'close');
  res.tryEnd(text, REFUSAL_BYTES);
  res.tryEnd('\n', REFUSAL_BYTES + 1);
  res.close();
}
