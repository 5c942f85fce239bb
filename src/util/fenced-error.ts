/**
 * A disk failed, and what is stored on it is read-only until it works again.
 *
 * @module
 */

/** A write was refused because of an earlier fault, before anything was changed. */
export class FencedError extends Error {
  override readonly name = 'FencedError';
}
