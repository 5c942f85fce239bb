/**
 * The policy of a browser form: what its signer allows whoever holds the form to upload.
 *
 * Nothing but the policy is signed, so each field must be covered by one of its conditions, and the
 * bucket too. Names and operators are compared without regard to case, values with it.
 *
 * @see https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-HTTPPOSTConstructPolicy.html
 * @module
 */

import { parseIsoDate } from './dates.js';
import { S3Error } from './errors.js';

/** A policy that is well-formed; whether it holds is another question. */
export interface PostPolicy {
  readonly expirationMs: number;
  readonly conditions: readonly FieldCondition[];
  /** Bytes the file may have; undefined when the policy does not say. */
  readonly sizeRange: SizeRange | undefined;
}

interface SizeRange {
  readonly bytesMin: number;
  readonly bytesMax: number;
}

interface FieldCondition {
  readonly operator: 'eq' | 'starts-with';
  /** Lower-case, without the `$`; undefined when there was none, so that no field is meant. */
  readonly field: string | undefined;
  readonly operand: string;
  /** As messages show it. */
  readonly text: string;
}

/** What the conditions of a policy look at. */
export interface PostedForm {
  /** The bucket of the request. */
  readonly bucket: string;
  /** Values by lower-case name, the key as it will be stored. */
  readonly fields: ReadonlyMap<string, string>;
}

const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;
const SIZE = /^\d{1,15}$/;
/** Fields that no condition must cover. */
const EXEMPT_FIELDS: ReadonlySet<string> = new Set(['x-amz-signature', 'policy', 'file']);
const EXEMPT_PREFIX = 'x-ignore-';
const SIZE_RANGE = 'content-length-range';

/**
 * Reads a policy.
 *
 * @param base64 - as it was sent and signed; white space in it is ignored.
 * @throws {S3Error} InvalidPolicyDocument; AccessDenied for a size range that is no range.
 */
export function parsePostPolicy(base64: string): PostPolicy {
  const document = parseDocument(base64);
  for (const name of Object.keys(document)) {
    if (name === 'expiration' || name === 'conditions') continue;
    throw invalid(`Unexpected: '${name.toLowerCase()}'`);
  }
  const { expiration, conditions } = document;
  if (expiration === undefined) throw invalid('Policy missing expiration.');
  if (conditions === undefined) throw invalid('Policy missing conditions.');
  const expirationMs = typeof expiration === 'string' ? parseIsoDate(expiration) : undefined;
  if (expirationMs === undefined) {
    throw invalid(`Invalid 'expiration' value: '${textOf(expiration)}'`);
  }
  if (!Array.isArray(conditions)) throw invalid("Invalid 'conditions' value: must be a List.");
  return { expirationMs, ...parseConditions(conditions) };
}

/** Checks that the policy is good now. @throws {S3Error} AccessDenied. */
export function assertPolicyNotExpired({ expirationMs }: PostPolicy, nowMs: number): void {
  if (nowMs < expirationMs) return;
  throw denied('Policy expired.');
}

/**
 * Checks that the form is one the policy allows. The size of the file is another matter.
 *
 * @throws {S3Error} AccessDenied.
 */
export function assertPolicyAllows(policy: PostPolicy, { bucket, fields }: PostedForm): void {
  const values = new Map(fields);
  const fieldBucket = fields.get('bucket') ?? bucket;
  if (fieldBucket !== bucket) throw conditionFailed(conditionText('eq', '$bucket', bucket));
  values.set('bucket', bucket);
  const covered = new Set<string>();
  for (const condition of policy.conditions) {
    if (!holds(condition, values)) throw conditionFailed(condition.text);
    if (condition.field !== undefined) covered.add(condition.field);
  }
  const extra = [...values.keys()].filter((name) => !covered.has(name) && !isExempt(name));
  if (extra.length > 0) throw denied(`Extra input fields: ${extra.join(', ')}`);
}

function parseDocument(base64: string): Readonly<Record<string, unknown>> {
  const compact = base64.replaceAll(/\s/g, '');
  if (!BASE64.test(compact) || compact.length % 4 !== 0) {
    throw invalid('invalid Base64 encoding.');
  }
  let document: unknown;
  try {
    const bytes = Buffer.from(compact, 'base64');
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    document = JSON.parse(text.replaceAll(/\\([^])/g, standardEscape));
  } catch {
    throw invalid('Invalid JSON.');
  }
  if (isRecord(document)) return document;
  throw invalid('Invalid JSON.');
}

// Policies have two escapes that JSON has not.
function standardEscape(pair: string, escaped: string): string {
  if (escaped === '$') return '$';
  return escaped === 'v' ? '\\u000b' : pair;
}

function parseConditions(conditions: readonly unknown[]): Omit<PostPolicy, 'expirationMs'> {
  const fieldConditions: FieldCondition[] = [];
  let sizeRange: SizeRange | undefined;
  for (const condition of conditions) {
    if (Array.isArray(condition) && operatorOf(condition) === SIZE_RANGE) {
      sizeRange = narrower(sizeRange, parseSizeRange(condition));
    } else if (Array.isArray(condition)) {
      fieldConditions.push(parseListCondition(condition));
    } else if (isRecord(condition)) {
      fieldConditions.push(parseSimpleCondition(condition));
    } else {
      throw invalid('Invalid condition: must be a List or Object.');
    }
  }
  return { conditions: fieldConditions, sizeRange };
}

function parseSimpleCondition(condition: Readonly<Record<string, unknown>>): FieldCondition {
  const [entry, ...others] = Object.entries(condition);
  if (entry === undefined || others.length > 0) {
    throw invalid(
      'Invalid Simple-Condition: Simple-Conditions must have exactly one property specified.',
    );
  }
  const [name, operand] = entry;
  if (typeof operand !== 'string') {
    throw invalid('Invalid Simple-Condition: value must be a string.');
  }
  const text = conditionText('eq', `$${name}`, operand);
  return { operator: 'eq', field: name.toLowerCase(), operand, text };
}

function parseListCondition(condition: readonly unknown[]): FieldCondition {
  const operator = operatorOf(condition);
  if (operator !== 'eq' && operator !== 'starts-with') {
    throw invalid(`Invalid Condition: unknown operation '${operator}'.`);
  }
  assertThree(condition, operator);
  const [, name, operand] = condition;
  if (typeof name !== 'string' || typeof operand !== 'string') {
    throw invalid(`Invalid ${operator}: arguments must be strings.`);
  }
  const field = name.startsWith('$') ? name.slice(1).toLowerCase() : undefined;
  return { operator, field, operand, text: conditionText(operator, name, operand) };
}

function operatorOf([operator]: readonly unknown[]): string {
  if (typeof operator === 'string') return operator.toLowerCase();
  throw invalid('Invalid Condition: missing operation identifier.');
}

function parseSizeRange(condition: readonly unknown[]): SizeRange {
  assertThree(condition, SIZE_RANGE);
  const [, bytesMin, bytesMax] = condition.map((bound) => {
    if (typeof bound === 'string') return SIZE.test(bound) ? Number(bound) : undefined;
    if (typeof bound === 'number' && SIZE.test(String(bound))) return bound;
    throw invalid(`Invalid ${SIZE_RANGE}: bounds must be whole numbers.`);
  });
  if (bytesMin !== undefined && bytesMax !== undefined) return { bytesMin, bytesMax };
  throw conditionFailed(conditionText(...condition.map(textOf)));
}

/** Every condition must hold, those on the size too. */
function narrower(one: SizeRange | undefined, other: SizeRange): SizeRange {
  if (one === undefined) return other;
  return {
    bytesMin: Math.max(one.bytesMin, other.bytesMin),
    bytesMax: Math.min(one.bytesMax, other.bytesMax),
  };
}

function holds(condition: FieldCondition, values: ReadonlyMap<string, string>): boolean {
  const { operator, field, operand } = condition;
  const value = field === undefined ? undefined : values.get(field);
  // A field that was not sent has no value, not an empty one.
  if (value === undefined) return false;
  if (operator === 'eq') return value === operand;
  // This one field may hold a list, of which each element must begin that way.
  if (field !== 'content-type') return value.startsWith(operand);
  return value.split(',').every((type) => type.trimStart().startsWith(operand));
}

function isExempt(name: string): boolean {
  return EXEMPT_FIELDS.has(name) || name.startsWith(EXEMPT_PREFIX);
}

function assertThree(condition: readonly unknown[], operator: string): void {
  if (condition.length !== 3) throw invalid(`Invalid ${operator}: wrong number of arguments.`);
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Lists and objects are not shown: writing out one that is nested deeply exhausts the stack. */
function textOf(value: unknown): string {
  if (typeof value === 'string') return value;
  if (Array.isArray(value)) return '[...]';
  return isRecord(value) ? '{...}' : JSON.stringify(value);
}

function conditionText(...parts: readonly string[]): string {
  return `[${parts.map((part) => JSON.stringify(part)).join(', ')}]`;
}

function conditionFailed(text: string): S3Error {
  return denied(`Policy Condition failed: ${text}`);
}

function denied(reason: string): S3Error {
  return new S3Error('AccessDenied', {}, { message: `Invalid according to Policy: ${reason}` });
}

function invalid(reason: string): S3Error {
  return new S3Error('InvalidPolicyDocument', {}, { message: `Invalid Policy: ${reason}` });
}
