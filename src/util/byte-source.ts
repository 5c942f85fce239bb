/**
 * A stream of bytes that is read exactly once, with back-pressure from the reader.
 *
 * @module
 */

/**
 * Payload bytes on their way in. Iterate once; each piece belongs to the reader until it pulls the
 * next or leaves: whoever keeps one copies it. Not pulling the next is what slows the sender down.
 * Leaving the loop early abandons the rest.
 */
export interface ByteSource extends AsyncIterable<Uint8Array> {
  /** Bytes the sender announced, or undefined when it streams without a length. */
  readonly contentLength: number | undefined;
}

/** Why a {@link ByteSource} ended before its last byte; `overrun`: it came too fast to be kept. */
export type BodyFailure = 'aborted' | 'timeout' | 'malformed' | 'overrun';

/** Thrown out of a {@link ByteSource} by the transport; the connection is closed afterwards. */
export class BodyError extends Error {
  override readonly name = 'BodyError';

  constructor(
    readonly failure: BodyFailure,
    message: string,
  ) {
    super(message);
  }
}
