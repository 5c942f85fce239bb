/**
 * What is known of one request: filled in as it goes, told as a whole when it has ended.
 *
 * @module
 */

import { newRequestId } from '../util/ids.js';
import type { Semaphore } from '../util/semaphore.js';
import type { Forwarding } from '../wire/forwarded.js';
import type { ReplyContext } from './reply.js';
import type { Exchange } from './transport.js';

/** What is known of a request when it has ended; never a secret, a signature or a query. */
export interface RequestEnd {
  readonly requestId: string;
  readonly operation: string;
  /** Whether the operation was found out; until then it is `Unknown`. */
  readonly isBegun: boolean;
  readonly method: string;
  readonly bucket: string;
  readonly key: string;
  readonly status: number;
  readonly errorCode: string | undefined;
  readonly bytesIn: number;
  readonly bytesOut: number;
  readonly durationMs: number;
  /** Of the client, when trusted proxies tell it; of the peer otherwise. Empty when it was refused unread. */
  readonly remoteAddress: string;
  readonly accessKey: string | undefined;
}

/** What one request has become so far. */
export interface Progress extends ReplyContext {
  readonly forwarding: Forwarding | undefined;
  crossOriginHeaders: ReplyContext['crossOriginHeaders'];
  remoteAddress: string;
  operation: string;
  isBegun: boolean;
  bucket: string;
  key: string;
  accessKey: string | undefined;
  errorCode: string | undefined;
  bytesIn: number;
  semaphore: Semaphore | undefined;
  onSent: (() => void) | undefined;
}

/** A request of which nothing is known yet. */
export function newProgress(hostId: string, forwarding: Forwarding | undefined): Progress {
  return {
    ids: { requestId: newRequestId(), hostId },
    forwarding,
    crossOriginHeaders: undefined,
    remoteAddress: '',
    operation: 'Unknown',
    isBegun: false,
    bucket: '',
    key: '',
    accessKey: undefined,
    errorCode: undefined,
    bytesIn: 0,
    semaphore: undefined,
    onSent: undefined,
  };
}

/** The client as trusted proxies tell it, or the peer. */
export function addressOf(exchange: Exchange, { forwarding }: Progress): string {
  return forwarding?.clientAddress ?? exchange.remoteAddress;
}

/** The end of a request, from what it has become and how it was answered. */
export function endOf(
  { head }: Exchange,
  progress: Progress,
  answer: Pick<RequestEnd, 'status' | 'bytesOut' | 'durationMs'>,
): RequestEnd {
  return {
    requestId: progress.ids.requestId,
    operation: progress.operation,
    isBegun: progress.isBegun,
    method: head.method,
    bucket: progress.bucket,
    key: progress.key,
    status: answer.status,
    errorCode: progress.errorCode,
    bytesIn: progress.bytesIn,
    bytesOut: answer.bytesOut,
    durationMs: answer.durationMs,
    remoteAddress: progress.remoteAddress,
    accessKey: progress.accessKey,
  };
}
