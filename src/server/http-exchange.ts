/**
 * One request, from its head to the end of its answer: the part that is the same on both libraries.
 *
 * The transport feeds it (`receive`, `abort`, `onTick`, `settle`), the handler reads and answers it
 * through {@link Exchange}, and what touches the library is behind {@link Responder}.
 *
 * @module
 */

import assert from 'node:assert/strict';

import { BodyError } from '../util/byte-source.js';
import type { ByteSource } from '../util/byte-source.js';
import type { GuardedHead } from './head-guard.js';
import type { LentPiece } from './overflow-area.js';
import { EMPTY_BODY, ReceiveQueue } from './receive-queue.js';
import type { FlowGate } from './receive-queue.js';
import {
  assertHeaders,
  bodyBytes,
  bodyLength,
  hasNoContent,
  isStream,
  plainAddress,
} from './reply-framing.js';
import type { StreamBody } from './reply-framing.js';
import type { ExchangeHost, Responder } from './responder.js';
import { dismissStream, pumpStream } from './stream-body.js';
import type { Ticked } from './tick-clock.js';
import { DRAIN_BYTES_MAX, LINGER_BYTES_MAX, WHOLE_REPLY_BYTES_MAX } from './transport-limits.js';
import type { Exchange, ReplyOutcome, RequestHead, TransportReply } from './transport.js';

/** See the module comment. */
export class HttpExchange implements Exchange, FlowGate, Ticked {
  readonly head: RequestHead;
  readonly body: ByteSource;
  readonly isChunked: boolean;
  readonly isTooLate: boolean;
  readonly #host: ExchangeHost;
  readonly #responder: Responder;
  readonly #queue: ReceiveQueue | undefined;
  #address: string | undefined;
  #abortCallback: (() => void) | undefined;
  #isAborted = false;
  #isAnswered = false;
  /** The answer is out, or never will be. */
  #isEnded = false;
  #isSettled = false;
  #hasLeft = false;
  #isClosing = false;
  #isBodyComplete: boolean;
  #receivedBytes = 0;
  /** After a closing answer: ticks left to wait for the rest of the request. */
  #lingerTicks = 0;
  #lingerBytes = 0;

  constructor(guarded: GuardedHead, responder: Responder, host: ExchangeHost) {
    this.#host = host;
    this.#responder = responder;
    this.head = guarded.head;
    this.isTooLate = host.isDraining;
    this.isChunked = guarded.contentLength === undefined;
    this.#isBodyComplete = guarded.contentLength === 0;
    this.#queue = this.#isBodyComplete ? undefined : new ReceiveQueue(guarded.contentLength, this);
    this.body = this.#queue ?? EMPTY_BODY;
  }

  /** True when there is no body, or its last byte has been received. */
  get isBodyComplete(): boolean {
    return this.#isBodyComplete;
  }

  /** True when the answer is out and the connection is ready for another request. */
  get isFinished(): boolean {
    return this.#isEnded && !this.#isClosing;
  }

  /** True when a piece of the body would be kept: what is not wanted need not be copied. */
  get wantsBody(): boolean {
    return this.#queue?.isAbandoned === false;
  }

  /** True while the socket is paused: what it delivers all the same is better held elsewhere. */
  get isPaused(): boolean {
    return this.#queue?.isPaused === true;
  }

  get isAborted(): boolean {
    return this.#isAborted;
  }

  get remoteAddress(): string {
    return (this.#address ??= plainAddress(this.#responder.remoteAddress()));
  }

  onAborted(callback: () => void): void {
    assert(this.#abortCallback === undefined, 'an exchange has one abort callback');
    this.#abortCallback = callback;
    if (this.#isAborted) queueMicrotask(callback);
  }

  respond(reply: TransportReply): Promise<ReplyOutcome> {
    assert(!this.#isAnswered, 'a request is answered once');
    assertHeaders(reply);
    this.#isAnswered = true;
    try {
      return this.#answer(reply);
    } catch (fault) {
      return Promise.resolve(this.#giveUp(fault));
    }
  }

  /** The handler is done; `fault` is what it threw. */
  settle(fault?: unknown): void {
    this.#isSettled = true;
    this.#queue?.settle();
    if (fault !== undefined) this.#host.onFault(fault, 'handler');
    const isUnanswered = !this.#isAnswered && !this.#responder.isOver;
    if (isUnanswered && fault === undefined && !this.#responder.isHeadUnsent) {
      this.#host.onFault(new Error('The handler returned without an answer'), 'handler');
    }
    if (isUnanswered || (fault !== undefined && !this.#isEnded)) this.#responder.destroy();
    if (this.#isEnded) this.#leave();
  }

  /**
   * Takes the next piece of the body.
   *
   * @param piece - Undefined when it was dropped because of `wantsBody`.
   * @param bytes - Its length in either case.
   */
  receive(piece: Uint8Array | LentPiece | undefined, bytes: number, isLast: boolean): void {
    this.#receivedBytes += bytes;
    if (isLast) this.#isBodyComplete = true;
    if (this.#lingerTicks > 0) {
      this.#lingerBytes += bytes;
      if (isLast) this.#closeSoon();
      else if (this.#lingerBytes > LINGER_BYTES_MAX) this.#responder.destroy();
      return;
    }
    if (piece !== undefined) this.#queue?.push(piece);
    if (isLast) this.#queue?.finish();
  }

  /** The connection is gone. */
  abort(): void {
    if (this.isFinished) return;
    try {
      this.#isAborted = !this.#isEnded;
      this.#isEnded = true;
      this.#queue?.fail(new BodyError('aborted', 'The client closed the connection'));
      this.#responder.lose();
      if (this.#isAborted) this.#abortCallback?.();
    } catch (fault) {
      this.#host.onFault(fault, 'onAborted');
    } finally {
      this.#host.forget(this);
      if (this.#isSettled) this.#leave();
    }
  }

  pauseReceiving(): void {
    if (!this.#isBodyComplete) this.#responder.pause();
  }

  resumeReceiving(): void {
    this.#responder.resume();
  }

  onTick(): void {
    this.#responder.tick(this.#host.writeTicksMax);
    if (this.#lingerTicks > 0) {
      this.#lingerTicks -= 1;
      if (this.#lingerTicks === 0) this.#responder.destroy();
    } else {
      this.#queue?.tick(this.#host.readTicksMax, this.#host.readBytesMin);
    }
  }

  #answer(reply: TransportReply): Promise<ReplyOutcome> {
    const { body } = reply;
    const responder = this.#responder;
    const hasBody = this.head.method !== 'HEAD' && !hasNoContent(reply.status);
    const length = hasBody ? bodyLength(body) : 0;
    if (isStream(body) && (length === 0 || responder.isOver)) this.#dismiss(body);
    if (responder.isOver) return Promise.resolve({ completed: false, bodyBytes: 0 });

    this.#isClosing = this.#mustClose(reply);
    this.#queue?.dismiss();
    responder.begin(reply, this.#isClosing);
    if (length > 0) {
      if (isStream(body)) return this.#sendStream(body);
      if (this.#isClosing || length > WHOLE_REPLY_BYTES_MAX) {
        return this.#sendWhole(bodyBytes(body));
      }
    }
    responder.sendAtOnce(reply);
    this.#end();
    return Promise.resolve({ completed: true, bodyBytes: length });
  }

  /** Unread payload above the limit is cheaper to refuse than to receive. */
  #mustClose(reply: TransportReply): boolean {
    if (reply.closeConnection || this.isChunked || this.#host.isDraining) return true;
    if (this.#isBodyComplete) return false;
    if (this.#queue?.isStalled === true) return true;
    return (this.body.contentLength ?? 0) - this.#receivedBytes > DRAIN_BYTES_MAX;
  }

  async #sendStream(body: StreamBody): Promise<ReplyOutcome> {
    const { end, failure } = await pumpStream(body, this.#responder, this.#host.streamPlaces);
    if (end !== 'broken') return this.#conclude(end === 'sent', failure);
    if (!this.#responder.isHeadUnsent || this.#responder.isOver) return this.#giveUp(failure);
    this.#isAnswered = false;
    return { completed: false, bodyBytes: 0, failure, isUnsent: true };
  }

  async #sendWhole(bytes: Uint8Array): Promise<ReplyOutcome> {
    try {
      return this.#conclude(await this.#responder.writePiece(bytes));
    } catch (fault) {
      return this.#giveUp(fault);
    }
  }

  #conclude(isSent: boolean, failure?: unknown): ReplyOutcome {
    if (isSent) this.#end();
    const outcome = { completed: isSent, bodyBytes: this.#responder.sentBytes };
    return failure === undefined ? outcome : { ...outcome, failure };
  }

  /** The answer is out; what is left is the connection. */
  #end(): void {
    this.#isEnded = true;
    if (this.#isSettled) this.#leave();
    if (!this.#isClosing) {
      this.#host.forget(this);
    } else if (this.#isBodyComplete || this.#queue?.isStalled === true) {
      this.#closeSoon();
    } else {
      this.#lingerTicks = this.#host.lingerTicksMax;
    }
  }

  /** Not at once: the answer may still be in the cork buffer of the packet being parsed. */
  #closeSoon(): void {
    this.#lingerTicks = 0;
    setImmediate(() => void this.#responder.closeWhenFlushed());
  }

  /** Something threw that must not, or a stream broke after the head: no clean end is possible. */
  #giveUp(failure: unknown): ReplyOutcome {
    this.#responder.destroy();
    return { completed: false, bodyBytes: this.#responder.sentBytes, failure };
  }

  #leave(): void {
    if (this.#hasLeft) return;
    this.#hasLeft = true;
    this.#host.leave();
  }

  #dismiss(body: StreamBody): void {
    dismissStream(body)?.catch((fault: unknown) => this.#host.onFault(fault, 'reply stream'));
  }
}
