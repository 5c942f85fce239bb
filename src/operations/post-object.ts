/**
 * PostObject: create or replace one object from a browser form.
 *
 * @see https://docs.aws.amazon.com/AmazonS3/latest/API/RESTObjectPOST.html
 * @see https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-HTTPPOSTConstructPolicy.html
 * @module
 */

import assert from 'node:assert/strict';

import { writeConditions } from '../s3/conditions.js';
import { quoteEtag } from '../s3/etag.js';
import { PUT_SIZE_BYTES_MAX } from '../s3/limits.js';
import { assertPolicyAllows } from '../s3/post-policy.js';
import { NO_TAGS } from '../s3/tags.js';
import { objectUrl } from '../wire/addressing.js';
import { checksumHeaders } from '../wire/checksum-headers.js';
import { postResponseDocument, type PostedObject } from '../wire/documents/post-response.js';
import { parseTagging } from '../wire/documents/tagging.js';
import { formHeaders } from '../wire/form-fields.js';
import { objectAttributes } from '../wire/headers.js';
import { refuseUnsupportedHeaders } from '../wire/unsupported-headers.js';
import { encodeUriComponentAws } from '../wire/uri.js';
import type { Call, Reply } from './operation.js';
import { openFilePayload } from './payload.js';

/**
 * Checks the form against its policy, streams the file into a staged object and commits it when
 * the end of the form has been seen.
 *
 * The dispatcher has read the fields, verified who signed their policy, and authorised the signer.
 * Only what the policy covers describes the object: headers of the request do not.
 *
 * @throws {S3Error} AccessDenied, BadDigest, BadRequest, EntityTooLarge, EntityTooSmall,
 * InvalidArgument, InvalidTag, MalformedPOSTRequest, MalformedXML, NoSuchBucket, PreconditionFailed.
 */
export async function postObject(call: Call): Promise<Reply> {
  const { bucket, key, form } = call;
  assert(form !== undefined, 'the dispatcher opens the form');
  const { fields, policy } = form;
  // The policy must allow the key that is stored: `${filename}` has been replaced in it.
  assertPolicyAllows(policy, { bucket, fields: new Map(fields).set('key', key) });
  const headers = formHeaders(fields);
  refuseUnsupportedHeaders(headers, { isCopy: false });
  const attributes = objectAttributes(headers);
  // A document here, where PutObject has a header.
  const tagging = fields.get('tagging');
  const tags = tagging === undefined ? NO_TAGS : parseTagging(tagging, 'object');
  // Browsers send none; whoever does must not lose an object for it.
  const conditions = writeConditions(call.headers);
  const payload = openFilePayload(
    { headers, body: form.file, openMd5: call.openMd5 },
    {
      sizeBytesMin: policy.sizeRange?.bytesMin ?? 0,
      sizeBytesMax: Math.min(policy.sizeRange?.bytesMax ?? Infinity, PUT_SIZE_BYTES_MAX),
    },
  );

  await using staged = await call.store.stageObject({ bucket, key, sizeBytes: undefined });
  for await (const piece of payload) await staged.write(piece);

  // The last byte of the form, its closing boundary, has arrived; now the digests are known.
  const { md5Hex, checksum } = await payload.verify();
  const { etag } = await staged.commit({ attributes, tags, etag: md5Hex, checksum, conditions });
  // Unlike elsewhere the slashes of the key are escaped here, as on AWS.
  const location = objectUrl(call.origin, { ...call, key: '' }) + encodeUriComponentAws(key);
  const answer = answerOf(fields, { location, bucket, key, etag });
  return {
    ...answer,
    headers: { location, etag: quoteEtag(etag), ...checksumHeaders(checksum), ...answer.headers },
  };
}

/** What the form wants to be told. */
function answerOf(fields: ReadonlyMap<string, string>, posted: PostedObject): Reply {
  const redirect = redirectUrl(fields, posted);
  if (redirect !== undefined) return { status: 303, headers: { location: redirect } };
  switch (fields.get('success_action_status')) {
    case '200':
      return { status: 200 };
    case '201': {
      const headers = { 'content-type': 'application/xml' };
      return { status: 201, headers, body: postResponseDocument(posted) };
    }
    default:
      return { status: 204 };
  }
}

/** Where the browser goes next, or undefined when the form names no URL that it could go to. */
function redirectUrl(
  fields: ReadonlyMap<string, string>,
  { bucket, key, etag }: PostedObject,
): string | undefined {
  const wanted = fields.get('success_action_redirect') ?? fields.get('redirect') ?? '';
  if (!/^https?:\/\//i.test(wanted) || !URL.canParse(wanted)) return undefined;
  const url = new URL(wanted);
  const added = new URLSearchParams({ bucket, key, etag: quoteEtag(etag) }).toString();
  url.search = url.search === '' ? added : `${url.search}&${added}`;
  return url.href;
}
