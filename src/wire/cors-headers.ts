/**
 * The headers by which a browser asks for, and gets, leave to cross origins.
 *
 * A preflight and the request that follows it are judged and answered alike, as AWS does: the
 * announced method counts where there is one, and both get the whole set of headers.
 *
 * @see https://fetch.spec.whatwg.org/#http-cors-protocol
 * @see https://docs.aws.amazon.com/AmazonS3/latest/API/RESTOPTIONSobject.html
 * @module
 */

import { allowsAnyOrigin, isHeaderName, type CorsRequest, type CorsRule } from '../s3/cors.js';
import type { Headers } from './headers.js';

const VARY = 'Origin, Access-Control-Request-Headers, Access-Control-Request-Method';

/** The method a browser is about to use; undefined when it announces none. */
export function announcedMethod(headers: Headers): string | undefined {
  const method = headers.get('access-control-request-method');
  return method === '' ? undefined : method;
}

/** Undefined when the request does not come from a page of some origin. */
export function corsRequest(method: string, headers: Headers): CorsRequest | undefined {
  const origin = headers.get('origin');
  if (origin === undefined || origin === '') return undefined;
  const announced = headers.get('access-control-request-headers') ?? '';
  const names = announced
    .split(',')
    .map((name) => name.trim().toLowerCase())
    .filter((name) => name !== '');
  return { origin, method: announcedMethod(headers) ?? method, headerNames: [...new Set(names)] };
}

/** What the answer to a request says that met a rule. */
export function corsReplyHeaders(rule: CorsRule, request: CorsRequest): Record<string, string> {
  const isAnyOrigin = allowsAnyOrigin(rule);
  const headers: Record<string, string> = {
    'access-control-allow-origin': isAnyOrigin ? '*' : request.origin,
    'access-control-allow-methods': rule.allowedMethods.join(', '),
    vary: VARY,
  };
  if (!isAnyOrigin) headers['access-control-allow-credentials'] = 'true';
  // A name that is none has met a wildcard; it is not repeated.
  const names = request.headerNames.filter(isHeaderName);
  if (names.length > 0) headers['access-control-allow-headers'] = names.join(', ');
  if (rule.exposeHeaders.length > 0) {
    headers['access-control-expose-headers'] = rule.exposeHeaders.join(', ');
  }
  if (rule.maxAgeSeconds !== undefined) {
    headers['access-control-max-age'] = String(rule.maxAgeSeconds);
  }
  return headers;
}
