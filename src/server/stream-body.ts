/**
 * Pulls a reply's stream and hands it to a socket, one piece at a time.
 *
 * @module
 */

import type { StreamBody } from './reply-framing.js';
import type { BlockedStream, StreamPlaces } from './stream-places.js';
import { STREAM_TURN_PIECES_MAX } from './transport-limits.js';

/** Where the pieces go. */
export interface PieceSink {
  /** Bytes that were taken. */
  readonly sentBytes: number;
  /**
   * Sends one piece, never empty; the piece may be reused once the result is there.
   *
   * @returns false when the peer is gone; a promise when the socket must drain first.
   */
  writePiece(piece: Uint8Array): boolean | Promise<boolean>;
  /**
   * Lets go of the piece that waits for the socket, if it can: its promise then resolves as soon
   * as the socket takes more, and `sentBytes` says where to go on.
   *
   * @returns whether nobody looks at the piece any more.
   */
  forgetPiece(): boolean;
}

/** How it ended: everything sent, the peer gone, or the stream broken. */
export interface PumpResult {
  readonly end: 'sent' | 'gone' | 'broken';
  /** What the stream threw; after `sent`, when it threw while it was closed. */
  readonly failure?: unknown;
}

/**
 * Sends exactly `sizeBytes` bytes. The next piece is pulled only after the socket took the one
 * before, so a slow peer slows the stream. The iterator is always closed. Never rejects.
 *
 * @param places - For streams that can be resumed; others do without.
 */
export async function pumpStream(
  body: StreamBody,
  sink: PieceSink,
  places: StreamPlaces,
): Promise<PumpResult> {
  const pump = new StreamPump(body, sink, body.resume === undefined ? undefined : places);
  let result: PumpResult;
  try {
    result = { end: await pump.run() };
  } catch (failure) {
    result = { end: 'broken', failure };
  }
  try {
    await pump.close();
  } catch (failure) {
    if (result.failure === undefined) result = { end: result.end, failure };
  }
  return result;
}

/** Lets a stream that is not wanted release what it holds. */
export function dismissStream(body: StreamBody): Promise<unknown> | undefined {
  return body.chunks[Symbol.asyncIterator]().return?.();
}

class StreamPump implements BlockedStream {
  readonly #body: StreamBody;
  readonly #sink: PieceSink;
  readonly #places: StreamPlaces | undefined;
  #iterator: AsyncIterator<Uint8Array> | undefined;
  #hasPlace = false;
  /** Pieces pulled since the place was taken. */
  #turnPieces = 0;
  #doneBytes = 0;
  /** The end of an iterator that was given up. */
  #closing: Promise<unknown> | undefined;

  constructor(body: StreamBody, sink: PieceSink, places: StreamPlaces | undefined) {
    this.#body = body;
    this.#sink = sink;
    this.#places = places;
    this.#iterator = body.chunks[Symbol.asyncIterator]();
  }

  async run(): Promise<'sent' | 'gone'> {
    const { sizeBytes } = this.#body;
    while (this.#doneBytes < sizeBytes) {
      if (this.#places !== undefined) await this.#keepPlace(this.#places);
      const piece = await this.#pull(sizeBytes - this.#doneBytes);
      if (piece.byteLength === 0) continue;
      const written = this.#sink.writePiece(piece);
      if (!(typeof written === 'boolean' ? written : await this.#wait(written))) return 'gone';
      this.#doneBytes = this.#sink.sentBytes;
    }
    return 'sent';
  }

  async close(): Promise<void> {
    if (this.#hasPlace) this.#places?.release();
    this.#hasPlace = false;
    await this.#closing;
    await this.#iterator?.return?.();
  }

  giveUpPlace(): void {
    this.#hasPlace = false;
    if (this.#sink.forgetPiece()) this.#dropIterator();
  }

  /** Makes sure that there is a place; passes it on when others wait and it was used for long. */
  async #keepPlace(places: StreamPlaces): Promise<void> {
    if (this.#hasPlace && this.#turnPieces >= STREAM_TURN_PIECES_MAX && places.isWanted) {
      this.#hasPlace = false;
      this.#dropIterator();
      await this.#closing;
      places.release();
    }
    if (!this.#hasPlace) {
      await places.acquire();
      this.#hasPlace = true;
      this.#turnPieces = 0;
    }
    this.#turnPieces += 1;
  }

  /** The block read ahead goes with the iterator. */
  #dropIterator(): void {
    const iterator = this.#iterator;
    this.#iterator = undefined;
    this.#closing = iterator?.return?.();
    // Thrown where it is awaited; unhandled until then it would end the process.
    this.#closing?.catch(() => undefined);
  }

  async #pull(remainingBytes: number): Promise<Uint8Array> {
    if (this.#iterator === undefined) {
      await this.#closing;
      const rest = this.#body.resume?.(this.#doneBytes) ?? this.#body.chunks;
      this.#iterator = rest[Symbol.asyncIterator]();
    }
    const next = await this.#iterator.next();
    const { sizeBytes } = this.#body;
    if (next.done === true) {
      throw new Error(`The stream ended ${remainingBytes} bytes short of ${sizeBytes}`);
    }
    if (next.value.byteLength > remainingBytes) {
      throw new Error(`The stream is longer than the ${sizeBytes} bytes announced`);
    }
    return next.value;
  }

  async #wait(written: Promise<boolean>): Promise<boolean> {
    if (this.#places === undefined) return written;
    this.#places.block(this);
    const isTaken = await written;
    this.#places.unblock(this);
    return isTaken;
  }
}
