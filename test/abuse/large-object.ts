/**
 * An object of many different parts, stored quickly.
 *
 * @module
 */

import { createHash, randomBytes } from 'node:crypto';

import { rawRequest } from '../support/raw-request.js';
import type { TestServer } from '../support/server.js';

const MIB = 1024 ** 2;
const PART_BYTES = 8 * MIB;

/** Stores an object of so many MiB, a multiple of 8. @returns SHA-256 of its bytes. */
export async function storeLargeObject(
  server: TestServer,
  path: string,
  sizeMib: number,
): Promise<string> {
  const begun = await rawRequest(server, { method: 'POST', path, query: 'uploads=' });
  const [, uploadId = ''] = /<UploadId>(.*)<\/UploadId>/.exec(begun.text) ?? [];
  const hash = createHash('sha256');
  const parts: string[] = [];
  for (let number = 1; number * PART_BYTES <= sizeMib * MIB; number += 1) {
    const body = randomBytes(PART_BYTES);
    hash.update(body);
    const query = `partNumber=${number}&uploadId=${uploadId}`;
    const { status, headers } = await rawRequest(server, { method: 'PUT', path, query, body });
    if (status !== 200) throw new Error(`Part ${number} was answered with ${status}`);
    parts.push(`<Part><PartNumber>${number}</PartNumber><ETag>${headers.etag}</ETag></Part>`);
  }
  const body = `<CompleteMultipartUpload>${parts.join('')}</CompleteMultipartUpload>`;
  const query = `uploadId=${uploadId}`;
  const completed = await rawRequest(server, { method: 'POST', path, query, body });
  if (completed.status !== 200) throw new Error(`Completed with ${completed.text}`);
  return hash.digest('hex');
}
