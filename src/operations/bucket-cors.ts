/**
 * Cross-origin rules of a bucket: put, get and delete them, and answer preflights by them.
 *
 * The headers that allow a page to read an answer are added to every answer of a bucket in one
 * place, `server/dispatch.ts`, by {@link crossOriginHeaders}.
 *
 * @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/cors.html
 * @module
 */

import {
  assertCorsRules,
  isCorsMethod,
  matchCorsRule,
  type CorsRequest,
  type CorsRule,
} from '../s3/cors.js';
import { S3Error } from '../s3/errors.js';
import type { Store } from '../store/store.js';
import { announcedMethod, corsReplyHeaders, corsRequest } from '../wire/cors-headers.js';
import {
  corsConfigurationDocument,
  parseCorsConfiguration,
  parseWrittenCorsConfiguration,
} from '../wire/documents/cors-configuration.js';
import type { Call, Reply } from './operation.js';
import { requireIntegrity } from './payload.js';
import { xmlReply } from './xml-reply.js';

/** Characters of the documents whose rules are kept, so that a preflight costs no parsing. */
const PARSED_CHARACTERS_MAX = 4 * 1024 * 1024;

// AWS's own words, its slip of the pen included: clients and people search for them.
const NOT_ENABLED = 'CORSResponse: CORS is not enabled for this bucket.';
const NOT_ALLOWED =
  "CORSResponse: This CORS request is not allowed. This is usually because the evalution of Origin, request method / Access-Control-Request-Method or Access-Control-Request-Headers are not whitelisted by the resource's CORS spec.";

/** Replaces all rules. @throws {S3Error} InvalidRequest, MalformedXML, MissingRequestBodyError. */
export async function putBucketCors(call: Call): Promise<Reply> {
  requireIntegrity(call);
  const rules = parseCorsConfiguration(call.document);
  assertCorsRules(rules);
  await call.store.putBucketConfiguration(call.bucket, 'cors', corsConfigurationDocument(rules));
  return { status: 200 };
}

/** @throws {S3Error} NoSuchCORSConfiguration. */
export function getBucketCors(call: Call): Reply {
  const document = call.store.bucketConfiguration(call.bucket, 'cors');
  if (document !== undefined) return xmlReply(document);
  throw new S3Error('NoSuchCORSConfiguration', { BucketName: call.bucket });
}

/** Absent rules are deleted already. */
export async function deleteBucketCors(call: Call): Promise<Reply> {
  await call.store.deleteBucketConfiguration(call.bucket, 'cors');
  return { status: 204 };
}

/**
 * Says whether a page may send what it announces. Nobody signs a preflight, so it does not tell
 * whether the bucket or the key exists.
 *
 * @throws {S3Error} AccessForbidden, BadRequest.
 */
export function preflight(call: Call): Reply {
  const { headers, bucket, key, store } = call;
  const request = corsRequest('OPTIONS', headers);
  if (request === undefined)
    throw badRequest('Insufficient information. Origin request header needed.');
  const rules = bucketRules(store, bucket);
  if (rules === undefined) throw forbidden(NOT_ENABLED, request, 'BUCKET');
  const method = announcedMethod(headers);
  if (method === undefined || !isCorsMethod(method)) {
    throw badRequest(`Invalid Access-Control-Request-Method: ${method ?? 'null'}`);
  }
  if (matchCorsRule(rules, request) === undefined) {
    throw forbidden(NOT_ALLOWED, request, key === '' ? 'BUCKET' : 'OBJECT');
  }
  return { status: 200 };
}

/** The headers of any answer to a page of another origin; undefined when no rule is met. */
export function crossOriginHeaders(
  store: Store,
  bucket: string,
  method: string,
  headers: ReadonlyMap<string, string>,
): Readonly<Record<string, string>> | undefined {
  const request = corsRequest(method, headers);
  if (request === undefined) return undefined;
  const rule = matchCorsRule(bucketRules(store, bucket) ?? [], request);
  return rule && corsReplyHeaders(rule, request);
}

/** By document, the same of which always means the same. Oldest first. */
const parsedRules = new Map<string, readonly CorsRule[]>();
let parsedCharacters = 0;

/** @throws a fault when the stored document cannot be read. */
function bucketRules(store: Store, bucket: string): readonly CorsRule[] | undefined {
  if (store.findBucket(bucket) === undefined) return undefined;
  const document = store.bucketConfiguration(bucket, 'cors');
  if (document === undefined) return undefined;
  let rules = parsedRules.get(document);
  if (rules === undefined) {
    rules = parseStored(bucket, document);
    keepParsed(document, rules);
  }
  return rules;
}

function keepParsed(document: string, rules: readonly CorsRule[]): void {
  parsedRules.set(document, rules);
  parsedCharacters += document.length;
  for (const oldest of parsedRules.keys()) {
    if (parsedCharacters <= PARSED_CHARACTERS_MAX) break;
    parsedRules.delete(oldest);
    parsedCharacters -= oldest.length;
  }
}

function parseStored(bucket: string, document: string): readonly CorsRule[] {
  try {
    return parseWrittenCorsConfiguration(document);
  } catch (cause) {
    throw new Error(`The stored CORS rules of bucket ${bucket} cannot be read`, { cause });
  }
}

function badRequest(message: string): S3Error {
  return new S3Error('BadRequest', {}, { message });
}

function forbidden(
  message: string,
  request: CorsRequest,
  resourceType: 'BUCKET' | 'OBJECT',
): S3Error {
  const details = { Method: request.method, ResourceType: resourceType };
  return new S3Error('AccessForbidden', details, { message });
}
