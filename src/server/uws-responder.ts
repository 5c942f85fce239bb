/**
 * The sending half of a request on uWebSockets.js, and the only code that touches its response.
 *
 * The library ends the process for mistakes that elsewhere are exceptions. Invariants:
 * 1. The response is not touched after it was aborted, after `end` or `endWithoutBody`, or after a
 *    `tryEnd` that completed: `isOver` says so.
 * 2. `pause` and `resume` alternate, and nothing is written while paused: a paused socket is not
 *    polled for writing either, and a `resume` without `pause` leaves it deaf.
 * 3. An answer that closes the connection is never completed for the library; we close it when it
 *    is flushed (see `#beginClosing`). With the library's own `closeConnection`, a request that
 *    arrived in the same packet is still executed, and the connection then stays open.
 *
 * @module
 */

import { bodyLength, hasNoContent, isStream, statusText } from './reply-framing.js';
import type { Responder } from './responder.js';
import type { TransportReply } from './transport.js';

/** The part of the library's HttpResponse that is used. */
export interface UwsResponse {
  pause(): unknown;
  resume(): unknown;
  writeStatus(status: string): unknown;
  writeHeader(name: string, value: string): unknown;
  end(body: string | Uint8Array): unknown;
  endWithoutBody(): unknown;
  tryEnd(piece: Uint8Array, totalBytes: number): [isAccepted: boolean, isComplete: boolean];
  getWriteOffset(): number;
  close(): unknown;
  cork(callback: () => void): unknown;
  onAborted(callback: () => void): unknown;
  onData(callback: (chunk: ArrayBuffer, isLast: boolean) => void): unknown;
  onWritable(callback: (offset: number) => boolean): unknown;
  getRemoteAddressAsText(): ArrayBuffer;
}

/** A piece the socket has not taken whole, and who waits for that. */
interface BlockedPiece {
  readonly piece: Uint8Array;
  /** Offset of the piece in the body. */
  readonly start: number;
  readonly resolve: (isTaken: boolean) => void;
  /** The rest of the piece is not here any more: another one comes when the socket drains. */
  readonly isForgotten: boolean;
}

const NO_BYTES = new Uint8Array(0);

/** See the module comment. */
export class UwsResponder implements Responder {
  readonly #res: UwsResponse;
  #address: ArrayBuffer | undefined;
  readonly #isHeadRequest: boolean;
  readonly #onFault: (fault: unknown, context: string) => void;
  #isOver = false;
  #isPaused = false;
  #unsentHead: TransportReply | undefined;
  #isClosing = false;
  #replyBytes = 0;
  #sentBytes = 0;
  #blocked: BlockedPiece | undefined;
  #blockedTicks = 0;
  /** Whether the last piece offered was taken whole. */
  #isTaken = false;
  #hasWritableCallback = false;

  constructor(
    res: UwsResponse,
    isHeadRequest: boolean,
    onFault: (fault: unknown, context: string) => void,
  ) {
    this.#res = res;
    this.#isHeadRequest = isHeadRequest;
    this.#onFault = onFault;
  }

  /** True when the response must not be touched any more. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Body bytes the socket has taken. */
  get sentBytes(): number {
    return this.#sentBytes;
  }

  /** True from `begin` until the head is written with the first bytes. */
  get isHeadUnsent(): boolean {
    return this.#unsentHead !== undefined;
  }

  /** Peer address as the library spells it. */
  remoteAddress(): string {
    if (this.#address === undefined && this.#isOver) return '';
    this.#address ??= this.#res.getRemoteAddressAsText();
    return Buffer.from(this.#address).toString('latin1');
  }

  pause(): void {
    if (this.#isOver || this.#isPaused) return;
    this.#isPaused = true;
    this.#res.pause();
  }

  resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    if (!this.#isOver) this.#res.resume();
  }

  /** The response was aborted. Whoever waits for the socket is told. */
  lose(): void {
    this.#isOver = true;
    const blocked = this.#blocked;
    this.#blocked = undefined;
    blocked?.resolve(false);
  }

  /** Cuts the connection; the library calls `onAborted` before this returns. */
  destroy(): void {
    if (!this.#isOver) this.#res.close();
  }

  /**
   * Re-arms the library's timer, which would cut the socket after 10 s without enough progress,
   * and cuts it ourselves when the peer has taken nothing for more than `ticksMax` ticks.
   */
  tick(ticksMax: number): void {
    if (this.#isOver) return;
    if (!this.#isPaused) {
      this.#res.pause();
      this.#res.resume();
    }
    if (this.#blocked === undefined) return;
    this.#blockedTicks += 1;
    if (this.#blockedTicks > ticksMax) this.destroy();
  }

  /** Prepares an answer; nothing is written before `sendAtOnce` or the first `writePiece`. */
  begin(reply: TransportReply, isClosing: boolean): void {
    this.#unsentHead = reply;
    this.#isClosing = isClosing;
    this.#replyBytes = bodyLength(reply.body);
  }

  /** Sends an answer of one piece in one system call, or a head alone when it is to close. */
  sendAtOnce(reply: TransportReply): void {
    const res = this.#res;
    res.cork(() => {
      this.#writeHead(reply);
      if (this.#isClosing) return;
      this.#isOver = true;
      if (!this.#hasBody(reply)) {
        // With a length as argument the library would hold the response for unfinished and close
        // the connection at the next request, so the length goes out as an ordinary header.
        if (!hasNoContent(reply.status)) {
          res.writeHeader('Content-Length', String(this.#replyBytes));
        }
        res.endWithoutBody();
        return;
      }
      const { body } = reply;
      res.end(body === undefined || isStream(body) ? NO_BYTES : body);
      this.#sentBytes = this.#replyBytes;
    });
  }

  /** Sends one piece of the body, with the head before the first. */
  writePiece(piece: Uint8Array): boolean | Promise<boolean> {
    if (this.#isOver) return false;
    const start = this.#sentBytes;
    if (this.#offer(piece)) {
      this.#sentBytes = start + piece.byteLength;
      return true;
    }
    this.#sentBytes = this.#res.getWriteOffset();
    this.#watchWritable();
    this.#blockedTicks = 0;
    return new Promise((resolve) => {
      this.#blocked = { piece, start, resolve, isForgotten: false };
    });
  }

  forgetPiece(): boolean {
    if (this.#blocked !== undefined) {
      this.#blocked = { ...this.#blocked, piece: NO_BYTES, isForgotten: true };
    }
    return true;
  }

  /** Ends a closing answer once the socket has taken all of it. Never rejects. */
  async closeWhenFlushed(): Promise<void> {
    try {
      // An empty piece is accepted only when nothing of the answer waits for the socket.
      if (this.#sentBytes > 0 && !(await this.writePiece(NO_BYTES))) return;
    } catch (fault) {
      this.#onFault(fault, 'close');
    }
    this.destroy();
  }

  #hasBody(reply: TransportReply): boolean {
    return !this.#isHeadRequest && !hasNoContent(reply.status);
  }

  #writeHead(reply: TransportReply): void {
    this.#unsentHead = undefined;
    const res = this.#res;
    if (reply.status !== 200) res.writeStatus(statusText(reply.status));
    for (const name in reply.headers) res.writeHeader(name, reply.headers[name] ?? '');
    if (this.#isClosing) this.#beginClosing(reply);
  }

  /**
   * Ends the head such that the library holds the response for unfinished. With a body, `tryEnd`
   * writes the true length now, and is told a longer one from then on (see `#offer`); without,
   * the empty line that ends the head is written as the tail of a header.
   */
  #beginClosing(reply: TransportReply): void {
    const res = this.#res;
    if (this.#hasBody(reply) && this.#replyBytes > 0) {
      res.writeHeader('Connection', 'close');
      res.tryEnd(NO_BYTES, this.#replyBytes);
      return;
    }
    res.writeHeader('Date', new Date().toUTCString());
    if (!hasNoContent(reply.status)) res.writeHeader('Content-Length', String(this.#replyBytes));
    res.writeHeader('Connection', 'close\r\n');
  }

  /** Writes what the socket takes of a piece. @returns true when that was all of it. */
  #offer(piece: Uint8Array): boolean {
    const res = this.#res;
    res.cork(() => {
      if (this.#unsentHead !== undefined) this.#writeHead(this.#unsentHead);
      const totalBytes = this.#isClosing ? this.#replyBytes + 1 : this.#replyBytes;
      const [isAccepted, isComplete] = res.tryEnd(piece, totalBytes);
      if (isComplete) this.#isOver = true;
      this.#isTaken = isAccepted || isComplete;
    });
    return this.#isTaken;
  }

  #watchWritable(): void {
    if (this.#hasWritableCallback) return;
    this.#hasWritableCallback = true;
    this.#res.onWritable((offset) => this.#onWritable(offset));
  }

  /** @param offset - Bytes of the body that the socket has taken. */
  #onWritable(offset: number): boolean {
    const blocked = this.#blocked;
    if (blocked === undefined || this.#isOver) return true;
    try {
      this.#blockedTicks = 0;
      if (blocked.isForgotten) {
        this.#sentBytes = offset;
        this.#blocked = undefined;
        blocked.resolve(true);
        return true;
      }
      if (!this.#offer(blocked.piece.subarray(offset - blocked.start))) {
        this.#sentBytes = this.#res.getWriteOffset();
        return false;
      }
      this.#sentBytes = blocked.start + blocked.piece.byteLength;
      this.#blocked = undefined;
      blocked.resolve(true);
      return true;
    } catch (fault) {
      this.#onFault(fault, 'onWritable');
      this.destroy();
      return true;
    }
  }
}
