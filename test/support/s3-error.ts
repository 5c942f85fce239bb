// Expectations on S3 errors: tests name the code and the details, not the wording.

import assert from 'node:assert/strict';

import { S3Error } from '#src/s3/errors.js';

/** Checks that `run` throws this S3 error, and the details that are given. @returns the error. */
export function throwsS3Error(
  run: () => unknown,
  code: string,
  details?: Readonly<Record<string, string | number>>,
): S3Error {
  try {
    run();
  } catch (thrown) {
    assert(thrown instanceof S3Error, `wanted ${code}, but ${String(thrown)} was thrown`);
    assert.equal(thrown.code, code, `wanted ${code}, got ${thrown.code}: ${thrown.message}`);
    if (details !== undefined) assert.deepEqual({ ...thrown.details }, details);
    return thrown;
  }
  assert.fail(`wanted ${code}, but nothing was thrown`);
}

/** Like {@link throwsS3Error}, of a promise. */
export async function rejectsS3Error(
  promise: Promise<unknown>,
  code: string,
  details?: Readonly<Record<string, string | number>>,
): Promise<S3Error> {
  const rethrow = await promise.then(
    () => () => undefined,
    (thrown: unknown) => () => {
      throw thrown as Error;
    },
  );
  return throwsS3Error(rethrow, code, details);
}

/** Headers as operations receive them. */
export function headersOf(headers: Readonly<Record<string, string>>): ReadonlyMap<string, string> {
  return new Map(Object.entries(headers));
}

/** A query as operations receive it. */
export function queryOf(
  query: Readonly<Record<string, string>>,
): ReadonlyMap<string, readonly string[]> {
  return new Map(Object.entries(query).map(([name, value]) => [name, [value]]));
}
