/**
 * The handler of everything S3 knows and this version does not do.
 *
 * @module
 */

import { S3Error } from '../s3/errors.js';
import type { Call, Reply } from './operation.js';

/** @throws {S3Error} NotImplemented, always. */
export function notImplemented(call: Call): Reply {
  throw new S3Error(
    'NotImplemented',
    {},
    { message: `This server does not offer ${call.operation}` },
  );
}
