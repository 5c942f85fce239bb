/**
 * What the server needs from HTTP, independent of the library that speaks it.
 *
 * Two implementations: `uws-transport.ts` (default) and `node-transport.ts` (fallback and
 * reference). `test/contract/transport-*.suite.ts` run against both.
 *
 * @module
 */

import type { ByteSource } from '../util/byte-source.js';

/** The request line and headers, copied out of the library while they were valid. */
export interface RequestHead {
  /** As sent, for example `GET`. Never normalised. */
  readonly method: string;
  /** Path byte for byte as sent, percent-escapes kept, always starting with `/`. */
  readonly rawPath: string;
  /** Query as sent without the `?`; empty when there is none. */
  readonly rawQuery: string;
  /** Lower-case names to values; copies of a repeated header are joined with `, ` in order. */
  readonly headers: ReadonlyMap<string, string>;
  /** Names that arrived more than once, lower-case. Empty for almost every request. */
  readonly repeatedHeaders: ReadonlySet<string>;
  /** Bytes of the request line and headers as received, approximated to CRLF framing. */
  readonly headBytes: number;
}

/** One answer, in the only shape a transport accepts. */
export interface TransportReply {
  readonly status: number;
  /** Header names as they shall appear. `Content-Length` and `Date` are the transport's. */
  readonly headers: Readonly<Record<string, string>>;
  /** For HEAD the length is announced and the body is never sent or pulled. */
  readonly body: TransportBody;
  /** Close the connection after this answer. */
  readonly closeConnection: boolean;
}

/**
 * - `undefined`: no body. 204 and 304 carry no Content-Length, everything else `Content-Length: 0`.
 * - bytes or text: sent in one piece.
 * - stream: exactly `sizeBytes` bytes, pulled with the socket's back-pressure; if `chunks` throws
 *   or ends early after the head was sent, the connection is destroyed. One that can be resumed at
 *   any of its bytes gives up its memory while its reader does not read.
 */
export type TransportBody =
  | undefined
  | string
  | Uint8Array
  | {
      readonly sizeBytes: number;
      readonly chunks: AsyncIterable<Uint8Array>;
      /** The rest of the same bytes; `chunks` may be iterated first, up to any point. */
      readonly resume?: ((offsetBytes: number) => AsyncIterable<Uint8Array>) | undefined;
    };

/** How an answer ended. */
export interface ReplyOutcome {
  /** False when the client left, stalled beyond the write timeout, or the stream failed. */
  readonly completed: boolean;
  /** Body bytes handed to the socket. */
  readonly bodyBytes: number;
  /** What the body stream threw, if it did. */
  readonly failure?: unknown;
  /**
   * True when the stream failed before its first piece: nothing has been sent, and the request can
   * still be answered by calling `respond` again.
   */
  readonly isUnsent?: true;
}

/** One request and the means to answer it once. */
export interface Exchange {
  readonly head: RequestHead;
  /** The body as received (before any aws-chunked decoding). `contentLength` 0 means no body. */
  readonly body: ByteSource;
  /** True when the request used `Transfer-Encoding: chunked`. */
  readonly isChunked: boolean;
  /** True when the request came after `stopAccepting`, on a connection that was kept. */
  readonly isTooLate: boolean;
  /** Peer address in text form. Empty when it is first read after the answer is out or the client gone. */
  readonly remoteAddress: string;
  /** True once the client is gone; nothing can be sent any more. */
  readonly isAborted: boolean;
  /** Calls back once when the client goes away before the answer was complete. One per request. */
  onAborted(callback: () => void): void;
  /**
   * Sends the answer; the first call wins and later calls throw. Body bytes that were not read
   * are drained, or the connection is closed when that is cheaper or asked for; in both cases the
   * body can no longer be read. Never rejects.
   *
   * @throws {AssertionError} Answered before, or a header value holds a line break.
   */
  respond(reply: TransportReply): Promise<ReplyOutcome>;
}

/** Runs one request to its end. Must not reject: the transport treats that as a bug and closes. */
export type ExchangeHandler = (exchange: Exchange) => Promise<void>;

/** A guard refused the request before a handler could run; the transport answers it barely. */
export interface TransportOptions {
  readonly host: string;
  /** 0 picks a free port. */
  readonly port: number;
  /** A request body that delivers nothing for this long ends with BodyError `timeout`. */
  readonly readTimeoutMs: number;
  /** Bytes a second, over `readTimeoutMs`, below which a body is given up; 0 unless told. */
  readonly uploadRateMin?: number;
  /** Connections that may be open; those beyond are closed at once. No limit unless told. */
  readonly connectionsCountMax?: number;
  /** A reader that accepts nothing for this long is disconnected. */
  readonly writeTimeoutMs: number;
  /** Kept connections without a request are closed after this long, where the library allows. */
  readonly idleTimeoutMs: number;
  readonly handler: ExchangeHandler;
  /** Called for handler rejections and library surprises, with a short context. */
  readonly onFault: (fault: unknown, context: string) => void;
}

/** A listening HTTP server. */
export interface Transport {
  readonly name: 'uws' | 'node';
  /** Binds and listens (SO_REUSEPORT under uws). @returns the port in use. @throws when taken. */
  listen(): Promise<number>;
  /** Requests being handled now. */
  readonly inFlightCount: number;
  /** Stops accepting; answers already under way carry `Connection: close`. */
  stopAccepting(): void;
  /** Closes every connection at once. */
  close(): void;
}
