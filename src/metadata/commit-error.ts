/**
 * Commits that LMDB could not make: how the library tells of them, and what is sure about them.
 *
 * @module
 */

import { statfsSync } from 'node:fs';
import { getSystemErrorName } from 'node:util';

/** With less than this free a disk counts as full. */
const FULL_BYTES_MAX = 1024 * 1024;

/**
 * Whether an unhandled rejection is the echo of a failed commit: the library rejects promises that
 * nobody can reach beside the one that was handed out, where the failure has been dealt with.
 */
export function isCommitEcho(error: unknown): boolean {
  return error instanceof Error && 'commitError' in error;
}

/** A transaction did not reach the disk. `code` is the system's, or empty for one of LMDB's. */
export class CommitError extends Error {
  override readonly name = 'CommitError';
  /** Nothing of it is there, now or after a crash: the page that names the root was not written. */
  isUndone = false;

  constructor(
    readonly code: string,
    cause: unknown,
  ) {
    super('Cannot commit to the index', { cause });
  }
}

/**
 * What a failed commit means in terms of the system.
 *
 * A failed commit is told in two steps: a promise inside the error rejects with the reason. Left
 * alone that one would be an unhandled rejection, which ends the process.
 */
export async function rethrowCommitFault(error: unknown, path: string): Promise<never> {
  if (!(error instanceof Error && 'commitError' in error)) throw error;
  const reason: unknown = await Promise.resolve(error.commitError).catch((cause: unknown) => cause);
  const errno = reason instanceof Error && 'code' in reason ? Number(reason.code) : 0;
  // LMDB's own codes are negative; positive ones are those of the system, such as ENOSPC.
  if (errno <= 0) throw new CommitError('', reason);
  const code = getSystemErrorName(-errno);
  // A page of which only the beginning found room is an EIO to LMDB.
  throw new CommitError(code === 'EIO' && isFull(path) ? 'ENOSPC' : code, reason);
}

function isFull(path: string): boolean {
  const { bavail, bsize } = statfsSync(path);
  return bavail * bsize < FULL_BYTES_MAX;
}
