/**
 * PutObject: create or replace one object from a streamed body.
 *
 * @see https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html
 * @module
 */

import { writeConditions } from '../s3/conditions.js';
import { quoteEtag } from '../s3/etag.js';
import { PUT_SIZE_BYTES_MAX } from '../s3/limits.js';
import { checksumHeaders } from '../wire/checksum-headers.js';
import { objectAttributes } from '../wire/headers.js';
import { requestedTags, TAGGING } from '../wire/tagging-header.js';
import { refuseUnsupportedHeaders } from '../wire/unsupported-headers.js';
import type { Call, Reply } from './operation.js';
import { openPayload } from './payload.js';

/**
 * Streams the body into a staged object, proves its digests, then commits it in one transaction.
 *
 * Readers see the old object until `commit` resolves and the new one, durable, from then on. Any
 * early exit (client gone, bad digest, full disk) disposes of the stage and changes nothing.
 *
 * @throws {S3Error} BadDigest, EntityTooLarge, InvalidArgument, InvalidTag, NoSuchBucket,
 * PreconditionFailed.
 */
export async function putObject(call: Call): Promise<Reply> {
  refuseUnsupportedHeaders(call.headers, { isCopy: false, offered: [TAGGING] });
  const attributes = objectAttributes(call.headers);
  const tags = requestedTags(call.headers);
  const conditions = writeConditions(call.headers);
  const payload = openPayload(call, { sizeBytesMax: PUT_SIZE_BYTES_MAX });

  await using staged = await call.store.stageObject({
    bucket: call.bucket,
    key: call.key,
    sizeBytes: payload.sizeBytes,
  });
  for await (const piece of payload) await staged.write(piece);

  // Digests are known only after the last byte, and nothing may be committed before they match.
  const { md5Hex, checksum } = await payload.verify();
  const object = await staged.commit({ attributes, tags, etag: md5Hex, checksum, conditions });
  return {
    status: 200,
    headers: { etag: quoteEtag(object.etag), ...checksumHeaders(object.checksum) },
  };
}
