/**
 * Why the server cannot start, in words for its operator.
 *
 * @module
 */

/** Ends the start with its message alone; a stack would not help whoever has to mend it. */
export class StartError extends Error {
  override readonly name = 'StartError';
}
