/**
 * Stored data that this version of the program is too old to understand.
 *
 * @module
 */

/** The bytes are whole, but a later version wrote them. A fault; nothing was changed. */
export class NewerFormatError extends Error {
  override readonly name = 'NewerFormatError';
}
