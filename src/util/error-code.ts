/**
 * Codes of faults that come from the system, such as `ENOENT`.
 *
 * @module
 */

/** @returns the empty text when there is none. */
export function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}

/** For `catch`: what is not there is fine. */
export function ignoreMissing(error: unknown): void {
  if (codeOf(error) !== 'ENOENT') throw error;
}
