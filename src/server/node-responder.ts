/**
 * The sending half of a request on `node:http`.
 *
 * A closing answer is written but not ended, like in `uws-responder.ts`: Node would close the
 * socket as soon as an ended answer is flushed, and with it reset a client that still sends.
 *
 * @module
 */

import type { IncomingMessage, ServerResponse } from 'node:http';

import { bodyBytes, bodyLength, hasNoContent, isStream } from './reply-framing.js';
import type { Responder } from './responder.js';
import type { TransportReply } from './transport.js';

/** Node tells only when a whole write is through, so progress is seen in steps of this size. */
const WRITE_BYTES_MAX = 64 * 1024;

/** See the module comment. */
export class NodeResponder implements Responder {
  readonly #req: IncomingMessage;
  readonly #res: ServerResponse;
  readonly #address: string;
  #isOver = false;
  #unsentHead: TransportReply | undefined;
  #isClosing = false;
  #replyBytes = 0;
  #sentBytes = 0;
  #blocked: ((isTaken: boolean) => void) | undefined;
  #blockedTicks = 0;

  constructor(req: IncomingMessage, res: ServerResponse) {
    this.#req = req;
    this.#res = res;
    this.#address = req.socket.remoteAddress ?? '';
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  get sentBytes(): number {
    return this.#sentBytes;
  }

  get isHeadUnsent(): boolean {
    return this.#unsentHead !== undefined;
  }

  remoteAddress(): string {
    return this.#address;
  }

  pause(): void {
    this.#req.pause();
  }

  resume(): void {
    this.#req.resume();
  }

  tick(ticksMax: number): void {
    if (this.#blocked === undefined) return;
    this.#blockedTicks += 1;
    if (this.#blockedTicks > ticksMax) this.destroy();
  }

  begin(reply: TransportReply, isClosing: boolean): void {
    this.#unsentHead = reply;
    this.#isClosing = isClosing;
    this.#replyBytes = bodyLength(reply.body);
  }

  sendAtOnce(reply: TransportReply): void {
    this.#writeHead(reply);
    if (this.#isClosing) {
      this.#res.flushHeaders();
      return;
    }
    this.#isOver = true;
    const { body } = reply;
    if (body === undefined || isStream(body) || !this.#hasBody(reply)) {
      this.#res.end();
      return;
    }
    // Never text: Node would join it with the head and encode both alike.
    this.#res.end(bodyBytes(body));
    this.#sentBytes = this.#replyBytes;
  }

  async writePiece(piece: Uint8Array): Promise<boolean> {
    for (let start = 0; start < piece.byteLength; start += WRITE_BYTES_MAX) {
      if (!(await this.#write(piece.subarray(start, start + WRITE_BYTES_MAX)))) return false;
    }
    return true;
  }

  /** Node has the piece and does not give it back. */
  forgetPiece(): boolean {
    return false;
  }

  closeWhenFlushed(): Promise<void> {
    if (!this.#isOver) this.#res.end();
    return Promise.resolve();
  }

  lose(): void {
    this.#isOver = true;
    this.#unblock(false);
  }

  destroy(): void {
    if (!this.#isOver) this.#req.socket.destroy();
  }

  #hasBody(reply: TransportReply): boolean {
    return this.#req.method !== 'HEAD' && !hasNoContent(reply.status);
  }

  #writeHead(reply: TransportReply): void {
    this.#unsentHead = undefined;
    const lines: string[] = [];
    for (const name in reply.headers) lines.push(name, wireText(reply.headers[name] ?? ''));
    if (!hasNoContent(reply.status)) lines.push('Content-Length', String(this.#replyBytes));
    if (this.#isClosing) lines.push('Connection', 'close');
    this.#res.writeHead(reply.status, lines);
  }

  /** Node keeps a piece until the system has it, so each is waited for. */
  #write(piece: Uint8Array): Promise<boolean> {
    if (this.#isOver) return Promise.resolve(false);
    if (this.#unsentHead !== undefined) this.#writeHead(this.#unsentHead);
    this.#blockedTicks = 0;
    return new Promise((resolve) => {
      this.#blocked = resolve;
      const onWritten = (error?: Error | null): void => {
        if (error !== undefined && error !== null) {
          this.#unblock(false);
          return;
        }
        this.#sentBytes += piece.byteLength;
        const isComplete = this.#sentBytes === this.#replyBytes && !this.#isClosing;
        if (isComplete && !this.#isOver) {
          this.#isOver = true;
          this.#res.end();
        }
        this.#unblock(true);
      };
      this.#res.write(piece, onWritten);
    });
  }

  #unblock(isTaken: boolean): void {
    const resolve = this.#blocked;
    this.#blocked = undefined;
    resolve?.(isTaken);
  }
}

/** Node writes header text as latin1; the bytes of other text go out as UTF-8 in this disguise. */
function wireText(text: string): string {
  for (let index = 0; index < text.length; index += 1) {
    if (text.charCodeAt(index) > 0x7e) return Buffer.from(text).toString('latin1');
  }
  return text;
}
