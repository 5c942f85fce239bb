/**
 * Pulls a reply's stream and hands it to a socket, one piece at a time.
 *
 * @module
 */

import type { StreamBody } from './reply-framing.js';

/** Where the pieces go. */
export interface PieceSink {
  /**
   * Sends one piece, never empty; the piece may be reused once the result is there.
   *
   * @returns false when the peer is gone; a promise when the socket must drain first.
   */
  writePiece(piece: Uint8Array): boolean | Promise<boolean>;
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
 */
export async function pumpStream(body: StreamBody, sink: PieceSink): Promise<PumpResult> {
  const iterator = body.chunks[Symbol.asyncIterator]();
  let result: PumpResult;
  try {
    result = { end: await pump(iterator, body.sizeBytes, sink) };
  } catch (failure) {
    result = { end: 'broken', failure };
  }
  try {
    await iterator.return?.();
  } catch (failure) {
    if (result.failure === undefined) result = { end: result.end, failure };
  }
  return result;
}

/** Lets a stream that is not wanted release what it holds. */
export function dismissStream(body: StreamBody): Promise<unknown> | undefined {
  return body.chunks[Symbol.asyncIterator]().return?.();
}

async function pump(
  iterator: AsyncIterator<Uint8Array>,
  sizeBytes: number,
  sink: PieceSink,
): Promise<'sent' | 'gone'> {
  let remainingBytes = sizeBytes;
  while (remainingBytes > 0) {
    const next = await iterator.next();
    if (next.done === true) {
      throw new Error(`The stream ended ${remainingBytes} bytes short of ${sizeBytes}`);
    }
    const piece = next.value;
    if (piece.byteLength === 0) continue;
    if (piece.byteLength > remainingBytes) {
      throw new Error(`The stream is longer than the ${sizeBytes} bytes announced`);
    }
    remainingBytes -= piece.byteLength;
    const written = sink.writePiece(piece);
    if (!(typeof written === 'boolean' ? written : await written)) return 'gone';
  }
  return 'sent';
}
