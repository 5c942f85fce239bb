/**
 * The seam between an exchange and the library that sends its answer.
 *
 * @module
 */

import type { PieceSink } from './stream-body.js';
import type { StreamPlaces } from './stream-places.js';
import type { Ticked } from './tick-clock.js';
import type { TransportReply } from './transport.js';

/** What an exchange needs of the transport it belongs to. */
export interface ExchangeHost {
  /** The transport stops: every answer closes its connection. */
  readonly isDraining: boolean;
  /** More ticks than these without progress are a timeout. */
  readonly readTicksMax: number;
  readonly writeTicksMax: number;
  /** A body that brings less in the ticks of the read timeout is given up. */
  readonly readBytesMin: number;
  readonly lingerTicksMax: number;
  /** Shared by all answers of the process. */
  readonly streamPlaces: StreamPlaces;
  readonly onFault: (fault: unknown, context: string) => void;
  /** The connection needs no more ticks. */
  forget(exchange: Ticked): void;
  /** The handler has returned and the answer has ended. */
  leave(): void;
}

/**
 * Writes one answer to one connection. The order is `begin`, then `sendAtOnce` or any number of
 * `writePiece`, then `closeWhenFlushed` for an answer that closes.
 */
export interface Responder extends PieceSink {
  /** True when nothing can be sent any more: the answer is complete, or the connection is gone. */
  readonly isOver: boolean;
  /** Body bytes the socket has taken. */
  readonly sentBytes: number;
  /** True from `begin` until the head goes out with the first bytes. */
  readonly isHeadUnsent: boolean;
  /** Peer address; empty when it was never asked for before the answer was out. */
  remoteAddress(): string;
  pause(): void;
  resume(): void;
  /** Time passes; a peer that took nothing for more than `ticksMax` ticks is disconnected. */
  tick(ticksMax: number): void;
  /** Prepares an answer; nothing is written yet. A closing answer leaves the connection to us. */
  begin(reply: TransportReply, isClosing: boolean): void;
  /** Sends the whole answer begun; with a body only when it does not close. */
  sendAtOnce(reply: TransportReply): void;
  /** Sends one piece of the body, with the head before the first; the last one completes it. */
  writePiece(piece: Uint8Array): boolean | Promise<boolean>;
  /** Lets go of the piece that `writePiece` waits with; see {@link PieceSink}. */
  forgetPiece(): boolean;
  /** Closes the connection as soon as the socket has taken all of the answer. Never rejects. */
  closeWhenFlushed(): Promise<void>;
  /** The connection is gone: whoever waits for it is told. */
  lose(): void;
  /** Cuts the connection; the exchange learns of it through its `abort`. */
  destroy(): void;
}
