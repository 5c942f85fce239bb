/**
 * Cross-origin rules of a bucket: what they may say, and which of them a request meets.
 *
 * @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/ManageCorsUsing.html
 * @see docs/S3_DIFFERENCES.md
 * @module
 */

import type { S3Error } from './errors.js';
import { invalidRequest } from './errors.js';
import { CORS_RULES_COUNT_MAX, CORS_RULE_ID_CHARACTERS_MAX } from './limits.js';

/** One rule, as its owner wrote it. */
export interface CorsRule {
  readonly id: string | undefined;
  readonly allowedHeaders: readonly string[];
  readonly allowedMethods: readonly string[];
  readonly allowedOrigins: readonly string[];
  readonly exposeHeaders: readonly string[];
  readonly maxAgeSeconds: number | undefined;
}

/** What a browser says about a request to another origin. */
export interface CorsRequest {
  readonly origin: string;
  /** The one that is announced, or else that of the request itself. */
  readonly method: string;
  /** Names it will send, lower-case; empty when it announces none. */
  readonly headerNames: readonly string[];
}

/** Methods a rule may allow. */
const METHODS: ReadonlySet<string> = new Set(['DELETE', 'GET', 'HEAD', 'POST', 'PUT']);
const WILDCARD = '*';
/**
 * Announced names that are compared with every pattern of a rule. Nobody signs a preflight: a rule
 * of a thousand patterns and a thousand names would take half a second of everybody's time.
 */
const COMPARED_NAMES_COUNT_MAX = 100;
// RFC 9110, 5.6.2. What is no token cannot be a header, and must not get into one of ours.
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

/** Whether a text can be the name of a header. */
export function isHeaderName(text: string): boolean {
  return TOKEN.test(text);
}

/** Whether S3 offers a method to other origins. */
export function isCorsMethod(method: string): boolean {
  return METHODS.has(method);
}

/** @throws {S3Error} InvalidRequest when a rule says what no rule may say. */
export function assertCorsRules(rules: readonly CorsRule[]): void {
  if (rules.length > CORS_RULES_COUNT_MAX) {
    const limit = `allowed limit of ${CORS_RULES_COUNT_MAX} rules.`;
    throw invalid(`The number of CORS rules should not exceed ${limit}`);
  }
  rules.forEach(assertCorsRule);
}

/** The first rule that allows all of the request. */
export function matchCorsRule(
  rules: readonly CorsRule[],
  request: CorsRequest,
): CorsRule | undefined {
  return rules.find(
    ({ allowedMethods, allowedOrigins, allowedHeaders }) =>
      allowedMethods.includes(request.method) &&
      allowedOrigins.some((pattern) => matches(pattern, request.origin)) &&
      allowsHeaders(allowedHeaders, request.headerNames),
  );
}

/** Whether a rule allows everybody, who then stays unnamed and without credentials. */
export function allowsAnyOrigin(rule: CorsRule): boolean {
  return rule.allowedOrigins.includes(WILDCARD);
}

function assertCorsRule(rule: CorsRule): void {
  if ((rule.id?.length ?? 0) > CORS_RULE_ID_CHARACTERS_MAX) {
    throw invalid(`ID length should not exceed allowed limit of ${CORS_RULE_ID_CHARACTERS_MAX}`);
  }
  for (const method of rule.allowedMethods) {
    if (METHODS.has(method)) continue;
    const message = 'Found unsupported HTTP method in CORS config. Unsupported method is';
    throw invalid(`${message} ${method}`);
  }
  for (const origin of rule.allowedOrigins) assertOneWildcard('AllowedOrigin', origin);
  for (const header of rule.allowedHeaders) assertOneWildcard('AllowedHeader', header);
  for (const header of rule.exposeHeaders) {
    if (header.includes(WILDCARD)) {
      const message = 'We currently do not support wildcard for ExposeHeader.';
      throw invalid(`ExposeHeader "${header}" contains wildcard. ${message}`);
    }
    if (!isHeaderName(header)) throw invalid(`ExposeHeader "${header}" is not a header name.`);
  }
}

function assertOneWildcard(element: string, pattern: string): void {
  if (pattern.indexOf(WILDCARD) === pattern.lastIndexOf(WILDCARD)) return;
  throw invalid(`${element} "${pattern}" can not have more than one wildcard.`);
}

/** Names of headers have no case. Exact names are looked up: a browser may announce many. */
function allowsHeaders(patterns: readonly string[], names: readonly string[]): boolean {
  if (names.length === 0 || patterns.includes(WILDCARD)) return true;
  const lowerCase = patterns.map((pattern) => pattern.toLowerCase());
  const exact = new Set(lowerCase);
  const others = names.filter((name) => !exact.has(name));
  if (others.length > COMPARED_NAMES_COUNT_MAX) return false;
  const withWildcard = lowerCase.filter((pattern) => pattern.includes(WILDCARD));
  return others.every((name) => withWildcard.some((pattern) => matches(pattern, name)));
}

/** A wildcard stands for any text, also for none; the rest must be the same to the letter. */
function matches(pattern: string, text: string): boolean {
  const at = pattern.indexOf(WILDCARD);
  if (at < 0) return pattern === text;
  const end = pattern.slice(at + 1);
  return (
    text.length >= at + end.length && text.startsWith(pattern.slice(0, at)) && text.endsWith(end)
  );
}

function invalid(message: string): S3Error {
  return invalidRequest(message);
}
