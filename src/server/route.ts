/**
 * From a request line to the row of the registry that claims it.
 *
 * Among the rows of the method and target whose query keys and headers are all there, the one
 * with the most of them wins. A sub-resource of S3 that the winner does not name makes the request
 * NotImplemented: `PUT /b/k?acl` must never overwrite the object.
 *
 * @module
 */

import assert from 'node:assert/strict';

import { notImplemented } from '../operations/not-implemented.js';
import { EVERYBODY, type Operation, type Query } from '../operations/operation.js';
import { invalidRequest, S3Error } from '../s3/errors.js';
import { queryKeyKind } from '../s3/subresources.js';

export type Target = 'service' | 'bucket' | 'object';

/** An operation and the name it is counted under. */
export interface Route {
  readonly name: string;
  readonly operation: Operation;
}

export type Router = (request: {
  readonly method: string;
  readonly target: Target;
  readonly query: Query;
  readonly headers: ReadonlyMap<string, string>;
}) => Route;

interface Candidate extends Route {
  readonly query: readonly (readonly [name: string, value: string | undefined])[];
  readonly headers: readonly string[];
}

const REQUEST_LINE = /^([A-Z]+) (\/\S*?)(?:\?(\S+))?(?: \+(\S+))?$/;

/** @throws {AssertionError} two rows could claim the same request. */
export function createRouter(operations: Readonly<Record<string, Operation>>): Router {
  const candidates = new Map<string, Candidate[]>();
  for (const [name, operation] of Object.entries(operations)) {
    const { place, candidate } = parseRow(name, operation);
    const rows = candidates.get(place) ?? [];
    assertNoTie(rows, candidate);
    rows.push(candidate);
    // The most demanding row first: the first that fits is the one.
    rows.sort((one, other) => demandsOf(other) - demandsOf(one));
    candidates.set(place, rows);
  }
  return ({ method, target, query, headers }) => {
    const rows = candidates.get(`${method} ${target}`);
    if (rows === undefined) throw methodNotAllowed(candidates, method, target);
    const found = rows.find((row) => fits(row, query, headers));
    // A preflight is about the request that will follow, whose query it carries.
    if (found?.operation.permission === EVERYBODY) return found;
    const unclaimed = unclaimedSubresource(query, found);
    if (unclaimed !== undefined) return unoffered(method, target, unclaimed);
    if (found === undefined) throw methodNotAllowed(candidates, method, target);
    return found;
  };
}

function parseRow(name: string, operation: Operation): { place: string; candidate: Candidate } {
  const match = REQUEST_LINE.exec(operation.requestLine);
  assert(match !== null, `the request line of ${name} is well-formed`);
  const [, method = '', path = '', query = '', header] = match;
  const target: Target = path === '/' ? 'service' : path === '/{bucket}' ? 'bucket' : 'object';
  const keys = query === '' ? [] : query.split('&');
  return {
    place: `${method} ${target}`,
    candidate: {
      name,
      operation,
      query: keys.map((key) => {
        const [keyName = '', value] = key.split('=');
        return [keyName, value] as const;
      }),
      headers: header === undefined ? [] : [header],
    },
  };
}

function demandsOf(candidate: Candidate): number {
  return candidate.query.length + candidate.headers.length;
}

function assertNoTie(rows: readonly Candidate[], added: Candidate): void {
  const nameOf = ({ query, headers }: Candidate): string =>
    JSON.stringify([[...query].sort(), headers]);
  for (const row of rows) {
    assert(nameOf(row) !== nameOf(added), `${row.name} and ${added.name} claim the same requests`);
  }
}

function fits(row: Candidate, query: Query, headers: ReadonlyMap<string, string>): boolean {
  for (const [name, value] of row.query) {
    const values = query.get(name);
    if (values === undefined || (value !== undefined && values[0] !== value)) return false;
  }
  // In a presigned URL headers may come as parameters.
  return row.headers.every((name) => headers.has(name) || query.has(name));
}

function unclaimedSubresource(query: Query, found: Candidate | undefined): string | undefined {
  for (const name of query.keys()) {
    if (queryKeyKind(name) !== 'subresource') continue;
    if (found?.query.some(([claimed]) => claimed === name) !== true) return name;
  }
  return undefined;
}

/** Sub-resources of buckets that AWS knows to be a mistake on a key. */
const BUCKET_ONLY: ReadonlySet<string> = new Set(['uploads', 'versions']);

/** @throws {S3Error} for the combinations that AWS answers more sharply than NotImplemented. */
function unoffered(method: string, target: Target, subresource: string): Route {
  if (method === 'GET' && target === 'object' && BUCKET_ONLY.has(subresource)) {
    const message = `There is no such thing as the ?${subresource} sub-resource for a key`;
    throw invalidRequest(message);
  }
  if (method === 'PUT' && target === 'object') {
    if (subresource === 'partNumber') {
      throw new S3Error(
        'InvalidArgument',
        { ArgumentName: 'partNumber' },
        { message: 'This operation does not accept partNumber without uploadId' },
      );
    }
    if (subresource === 'uploadId') {
      throw new S3Error(
        'MethodNotAllowed',
        { Method: method, ResourceType: 'OBJECT' },
        { headers: { allow: 'DELETE, GET, POST' } },
      );
    }
  }
  const operation: Operation = {
    requestLine: `${method} ?${subresource}`,
    permission: 's3:*',
    body: 'none',
    documentBytesMax: 0,
    handler: notImplemented,
  };
  return { name: 'NotOffered', operation };
}

function methodNotAllowed(
  candidates: ReadonlyMap<string, readonly Candidate[]>,
  method: string,
  target: Target,
): S3Error {
  const allowed = [...candidates.keys()]
    .filter((place) => place.endsWith(` ${target}`))
    .map((place) => place.slice(0, place.indexOf(' ')))
    .sort();
  return new S3Error(
    'MethodNotAllowed',
    { Method: method, ResourceType: target.toUpperCase() },
    { headers: { allow: allowed.join(', ') } },
  );
}
