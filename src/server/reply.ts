/**
 * From an operation's answer or an error to what the transport sends.
 *
 * @module
 */

import type { Reply } from '../operations/operation.js';
import type { S3Error } from '../s3/errors.js';
import { errorDocument } from '../wire/documents/error.js';
import type { TransportReply } from './transport.js';

/** The pair of ids that every answer carries. */
export interface RequestIds {
  readonly requestId: string;
  readonly hostId: string;
}

/** What every answer to one request carries. */
export interface ReplyContext {
  readonly ids: RequestIds;
  /** For a page of another origin that the bucket lets read its answers. */
  readonly crossOriginHeaders: Readonly<Record<string, string>> | undefined;
}

export function replyOf(reply: Reply, context: ReplyContext): TransportReply {
  const headers = baseHeaders(context);
  for (const name in reply.headers) {
    const value = reply.headers[name];
    if (value !== undefined) headers[name] = String(value);
  }
  return { status: reply.status, headers, body: reply.body, closeConnection: false };
}

export function errorReply(
  error: S3Error,
  context: ReplyContext,
  options: { readonly isHead: boolean; readonly closeConnection: boolean },
): TransportReply {
  const headers = { ...baseHeaders(context), ...error.headers };
  const { closeConnection } = options;
  if (error.status === 304) return { status: 304, headers, body: undefined, closeConnection };
  if (error.code === 'SlowDown' || error.code === 'ServiceUnavailable')
    headers['retry-after'] = '1';
  if (options.isHead) return { status: error.status, headers, body: undefined, closeConnection };
  headers['content-type'] = 'application/xml';
  const { code, message, details } = error;
  const body = errorDocument({ code, message, details, ...context.ids });
  return { status: error.status, headers, body, closeConnection };
}

function baseHeaders({ ids, crossOriginHeaders }: ReplyContext): Record<string, string> {
  const headers = { server: 's3ish', 'x-amz-request-id': ids.requestId, 'x-amz-id-2': ids.hostId };
  return crossOriginHeaders === undefined ? headers : { ...headers, ...crossOriginHeaders };
}
