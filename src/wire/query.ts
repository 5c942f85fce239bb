/**
 * Query strings: decoded for the operations, and in the canonical form that signatures cover.
 *
 * In a query `+` is a space; in a path it is a plus.
 *
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
 * @module
 */

import { decodeUriComponentStrict, encodeUriComponentAws } from './uri.js';

/** Every value of every name, in order of arrival. */
export type QueryParameters = ReadonlyMap<string, readonly string[]>;

const NO_PARAMETERS: QueryParameters = new Map();

/**
 * Decodes a query string. A parameter without `=` has the empty value; `&&` adds nothing.
 *
 * @param rawQuery - as sent, without the `?`.
 * @throws {S3Error} InvalidURI.
 */
export function parseQuery(rawQuery: string): QueryParameters {
  if (rawQuery === '') return NO_PARAMETERS;
  const query = new Map<string, string[]>();
  for (const parameter of rawQuery.split('&')) {
    if (parameter === '') continue;
    const equals = parameter.indexOf('=');
    const name = decode(equals === -1 ? parameter : parameter.slice(0, equals));
    const value = equals === -1 ? '' : decode(parameter.slice(equals + 1));
    const values = query.get(name);
    if (values === undefined) query.set(name, [value]);
    else values.push(value);
  }
  return query;
}

/**
 * The query in the form that is signed: encoded, sorted by encoded name and then value.
 *
 * @param omitted - name whose first value is left out: the signature cannot cover itself. A second
 * value of that name stays, so that a repeated signature never verifies.
 */
export function canonicalQuery(query: QueryParameters, omitted?: string): string {
  if (query.size === 0) return '';
  const parameters: (readonly [name: string, value: string])[] = [];
  for (const [name, values] of query) {
    const encodedName = encodeUriComponentAws(name);
    for (let index = name === omitted ? 1 : 0; index < values.length; index += 1) {
      parameters.push([encodedName, encodeUriComponentAws(values[index] ?? '')]);
    }
  }
  // Encoded text is ASCII, so comparing UTF-16 units compares bytes.
  if (parameters.length > 1) parameters.sort(compareParameters);
  let text = '';
  for (const [name, value] of parameters) text += `${text === '' ? '' : '&'}${name}=${value}`;
  return text;
}

function decode(text: string): string {
  return decodeUriComponentStrict(text.includes('+') ? text.replaceAll('+', ' ') : text);
}

function compareParameters(
  [leftName, leftValue]: readonly [string, string],
  [rightName, rightValue]: readonly [string, string],
): number {
  if (leftName !== rightName) return leftName < rightName ? -1 : 1;
  return leftValue < rightValue ? -1 : leftValue > rightValue ? 1 : 0;
}
