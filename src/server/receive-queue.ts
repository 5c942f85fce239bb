/**
 * A request body between the socket that delivers it and the one reader that pulls it.
 *
 * Invariants:
 * 1. Pieces are handed out in order, each once; one belongs to the reader until it pulls the next
 *    or leaves, or its handler is done. Then memory that was lent is released, and never before.
 * 2. At most RECEIVE_QUEUE_BYTES_MAX wait here, plus what the socket still delivers after a pause;
 *    above RECEIVE_QUEUE_BYTES_HARD_MAX the body fails.
 * 3. Every `pause` of the gate is followed by exactly one `resume`, and never the reverse.
 * 4. After the reader has left, or the body has failed, nothing is kept.
 *
 * @module
 */

import assert from 'node:assert/strict';

import { BodyError } from '../util/byte-source.js';
import type { ByteSource } from '../util/byte-source.js';
import type { LentPiece } from './overflow-area.js';
import {
  RECEIVE_PIECE_OVERHEAD_BYTES,
  RECEIVE_QUEUE_BYTES_HARD_MAX,
  RECEIVE_QUEUE_BYTES_LOW,
  RECEIVE_QUEUE_BYTES_MAX,
} from './transport-limits.js';

/** Holds the sender back. Calls alternate, starting with `pause`. */
export interface FlowGate {
  pauseReceiving(): void;
  resumeReceiving(): void;
}

type Piece = IteratorResult<Uint8Array, undefined>;

const DONE: Promise<Piece> = Promise.resolve({ done: true, value: undefined });

/** A body without bytes; may be shared and iterated any number of times. */
export const EMPTY_BODY: ByteSource = {
  contentLength: 0,
  [Symbol.asyncIterator]: () => ({ next: () => DONE }),
};

/** One for all: an error with its stack costs more than the rest of a refusal. */
const DISMISSED = new BodyError('aborted', 'The request was answered before its body was read');

/** See the module comment. The transport writes, one reader iterates. */
export class ReceiveQueue implements ByteSource, AsyncIterator<Uint8Array, undefined> {
  readonly contentLength: number | undefined;
  readonly #gate: FlowGate;
  readonly #pieces: (Uint8Array | LentPiece)[] = [];
  /** What the reader has in hand. */
  #lent: LentPiece | undefined;
  #waitingBytes = 0;
  #isPaused = false;
  #isIterated = false;
  #isFinished = false;
  #isAbandoned = false;
  #failure: BodyError | undefined;
  #resolve: ((piece: Piece) => void) | undefined;
  #reject: ((failure: BodyError) => void) | undefined;
  #idleTicks = 0;
  /** Ticks in which a reader waited, since the rate was last looked at, and bytes since then. */
  #watchedTicks = 0;
  #watchedBytes = 0;

  constructor(contentLength: number | undefined, gate: FlowGate) {
    this.contentLength = contentLength;
    this.#gate = gate;
  }

  /** True when pieces that arrive are of no use to anybody. */
  get isAbandoned(): boolean {
    return this.#isAbandoned || this.#failure !== undefined;
  }

  /** True while the sender is held back; what comes all the same may be held elsewhere. */
  get isPaused(): boolean {
    return this.#isPaused;
  }

  /** True when the sender delivered nothing for too long: nothing more is expected of it. */
  get isStalled(): boolean {
    return this.#failure?.failure === 'timeout';
  }

  /** Takes a piece that nobody else will change. */
  push(piece: Uint8Array | LentPiece): void {
    const { byteLength } = bytesOf(piece);
    if (this.isAbandoned || byteLength === 0) {
      release(piece);
      return;
    }
    this.#idleTicks = 0;
    this.#watchedBytes += byteLength;
    const resolve = this.#resolve;
    if (resolve !== undefined) {
      this.#resolve = this.#reject = undefined;
      resolve({ done: false, value: this.#handOut(piece) });
      return;
    }
    this.#pieces.push(piece);
    this.#waitingBytes += heldBytesOf(piece) + RECEIVE_PIECE_OVERHEAD_BYTES;
    if (this.#waitingBytes > RECEIVE_QUEUE_BYTES_MAX && !this.#isPaused) {
      this.#isPaused = true;
      this.#gate.pauseReceiving();
    }
    if (this.#waitingBytes > RECEIVE_QUEUE_BYTES_HARD_MAX) {
      this.fail(new BodyError('overrun', 'The request body came faster than it could be stored'));
    }
  }

  /** The last byte has been pushed. */
  finish(): void {
    this.#isFinished = true;
    this.#resolve?.({ done: true, value: undefined });
    this.#resolve = this.#reject = undefined;
  }

  /** Ends the body with an error; pieces not yet pulled are dropped. The first failure counts. */
  fail(failure: BodyError): void {
    if (this.#isClosed()) return;
    this.#failure = failure;
    this.#clear();
    this.#reject?.(failure);
    this.#resolve = this.#reject = undefined;
  }

  /** Drops what is here and what is still to come, and lets the sender run. */
  abandon(): void {
    if (this.#isAbandoned) return;
    this.#isAbandoned = true;
    this.#clear();
    this.#resolve?.({ done: true, value: undefined });
    this.#resolve = this.#reject = undefined;
  }

  /**
   * The request was answered: what was not read is dropped. A reader that still pulls gets an
   * error and not an end, or it would take a part of the body for the whole.
   */
  dismiss(): void {
    this.fail(DISMISSED);
  }

  /**
   * Counts the ticks during which a reader waited and nothing came; with more than `ticksMax` the
   * body fails with `timeout`, and also when so many brought fewer than `bytesMin` together. A slow
   * reader is never blamed on the sender.
   */
  tick(ticksMax: number, bytesMin: number): void {
    if (this.#resolve === undefined) return;
    this.#idleTicks += 1;
    if (this.#idleTicks > ticksMax) {
      this.fail(new BodyError('timeout', 'The request body stalled'));
      return;
    }
    this.#watchedTicks += 1;
    if (this.#watchedTicks <= ticksMax) return;
    if (this.#watchedBytes < bytesMin) {
      this.fail(new BodyError('timeout', 'The request body came too slowly'));
    }
    this.#watchedTicks = this.#watchedBytes = 0;
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array, undefined> {
    assert(!this.#isIterated, 'a request body is read once');
    this.#isIterated = true;
    return this;
  }

  next(): Promise<Piece> {
    assert(this.#resolve === undefined, 'a request body has one reader');
    this.#takeBack();
    const piece = this.#pieces.shift();
    if (piece !== undefined) {
      this.#waitingBytes -= heldBytesOf(piece) + RECEIVE_PIECE_OVERHEAD_BYTES;
      if (this.#waitingBytes <= RECEIVE_QUEUE_BYTES_LOW) this.#letRun();
      return Promise.resolve({ done: false, value: this.#handOut(piece) });
    }
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    if (this.#isFinished || this.#isAbandoned) return DONE;
    this.#idleTicks = 0;
    return new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  /** The reader leaves its loop early. */
  return(): Promise<Piece> {
    this.#takeBack();
    this.abandon();
    return DONE;
  }

  /** True when nothing can be lost any more: all was read, or nobody reads. */
  #isClosed(): boolean {
    if (this.isAbandoned) return true;
    return this.#isFinished && this.#pieces.length === 0;
  }

  /** The reader is done, also one that stopped pulling without a word. */
  settle(): void {
    this.#takeBack();
  }

  #handOut(piece: Uint8Array | LentPiece): Uint8Array {
    if (piece instanceof Uint8Array) return piece;
    this.#lent = piece;
    return piece.bytes;
  }

  #takeBack(): void {
    const lent = this.#lent;
    this.#lent = undefined;
    lent?.release();
  }

  #clear(): void {
    for (const piece of this.#pieces) release(piece);
    this.#pieces.length = 0;
    this.#waitingBytes = 0;
    this.#letRun();
  }

  #letRun(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    this.#gate.resumeReceiving();
  }
}

function bytesOf(piece: Uint8Array | LentPiece): Uint8Array {
  return piece instanceof Uint8Array ? piece : piece.bytes;
}

function heldBytesOf(piece: Uint8Array | LentPiece): number {
  return piece instanceof Uint8Array ? piece.byteLength : piece.heldBytes;
}

function release(piece: Uint8Array | LentPiece): void {
  if (!(piece instanceof Uint8Array)) piece.release();
}
