/**
 * From whatever was thrown to what the client is told.
 *
 * @module
 */

import { AssertionError } from 'node:assert';

import { S3Error } from '../s3/errors.js';
import { BodyError } from '../util/byte-source.js';
import { FencedError } from '../util/fenced-error.js';

/** How a failed request ends. */
export interface Failure {
  /** Undefined when the client is gone and nothing can be told. */
  readonly error: S3Error | undefined;
  /** `client`: expected. `fault`: the machine. `bug`: an invariant does not hold. */
  readonly cause: 'client' | 'fault' | 'bug';
  readonly closeConnection: boolean;
}

const CODE_OF_SYSTEM_ERROR: ReadonlyMap<string, 'InsufficientStorage' | 'SlowDown'> = new Map([
  ['ENOSPC', 'InsufficientStorage'],
  ['EDQUOT', 'InsufficientStorage'],
  ['EMFILE', 'SlowDown'],
  ['ENFILE', 'SlowDown'],
  ['EAGAIN', 'SlowDown'],
]);

const CODE_OF_BODY_FAILURE = {
  timeout: 'RequestTimeout',
  malformed: 'IncompleteBody',
  overrun: 'SlowDown',
} as const;

export function failureOf(thrown: unknown): Failure {
  if (thrown instanceof S3Error) return { error: thrown, cause: 'client', closeConnection: false };
  if (thrown instanceof BodyError) return bodyFailure(thrown);
  if (thrown instanceof AssertionError) {
    return { error: new S3Error('InternalError'), cause: 'bug', closeConnection: true };
  }
  // The fault behind it was logged when it happened; one line for each refused write says no more.
  if (thrown instanceof FencedError) {
    const message = 'The disk failed and is read-only until it works again; retry';
    const error = new S3Error('ServiceUnavailable', {}, { message, cause: thrown });
    return { error, cause: 'client', closeConnection: false };
  }
  const code = CODE_OF_SYSTEM_ERROR.get(systemCodeOf(thrown)) ?? 'InternalError';
  return {
    error: new S3Error(code, {}, { cause: thrown }),
    cause: 'fault',
    closeConnection: false,
  };
}

function bodyFailure(thrown: BodyError): Failure {
  if (thrown.failure === 'aborted')
    return { error: undefined, cause: 'client', closeConnection: true };
  const code = CODE_OF_BODY_FAILURE[thrown.failure];
  return {
    error: new S3Error(code, {}, { cause: thrown }),
    cause: 'client',
    closeConnection: true,
  };
}

function systemCodeOf(thrown: unknown): string {
  return thrown instanceof Error && 'code' in thrown ? String(thrown.code) : '';
}
