/**
 * One request from head to answer: frame, resolve, authenticate, authorise, run, reply.
 *
 * The only function that sees a whole request, the only catch, the only place that counts.
 *
 * @see docs/LIFECYCLE.md
 * @module
 */

import {
  authenticate,
  type AuthenticatedRequest,
  type AuthenticationContext,
} from '../auth/authenticate.js';
import type { CredentialStore } from '../auth/credentials.js';
import { authenticateForm } from '../auth/form-claim.js';
import type { SigningKeyCache } from '../auth/signing-key-cache.js';
import { crossOriginHeaders } from '../operations/bucket-cors.js';
import { openForm } from '../operations/form.js';
import {
  EVERYBODY,
  type Call,
  type OperationLimits,
  type Operation,
  type Reply,
} from '../operations/operation.js';
import { collectDocument, verifyDocumentChecksum } from '../operations/payload.js';
import { OPERATIONS } from '../operations/registry.js';
import { S3Error } from '../s3/errors.js';
import { HEADER_SECTION_BYTES_MAX } from '../s3/limits.js';
import { assertKey } from '../s3/names.js';
import type { Store } from '../store/store.js';
import type { Semaphore } from '../util/semaphore.js';
import { parsePath } from '../wire/addressing.js';
import { formKey } from '../wire/form-fields.js';
import { parseQuery } from '../wire/query.js';
import { decodeDocument } from '../wire/xml-reader.js';
import type { Admission } from './admission.js';
import { authorizeCall, requireOwnBucket } from './authorize-call.js';
import { failureOf } from './fault.js';
import { addressOf, endOf, newProgress, type Progress, type RequestEnd } from './progress.js';
import type { Reception } from './reception.js';
import { Refusals } from './refusals.js';
import { errorReply, replyOf } from './reply.js';
import { createRouter, type Target } from './route.js';
import type { Exchange, ExchangeHandler, TransportReply } from './transport.js';

export interface DispatcherOptions {
  readonly store: Store;
  readonly credentials: CredentialStore;
  readonly signingKeys: SigningKeyCache;
  readonly region: string;
  readonly isSignatureV2Offered: boolean;
  readonly limits: OperationLimits;
  /** Declared names of this server; without any, requests are path-style and signed as sent. */
  readonly reception: Reception | undefined;
  /** Decides over every request before anything else does. */
  readonly admission: Admission;
  /** Requests that stream a body in, and those that stream one out. */
  readonly uploads: Semaphore;
  readonly downloads: Semaphore;
  /** Starts the MD5 of a payload; see `Call`. */
  readonly openMd5: Call['openMd5'];
  /** Identifies this process in `x-amz-id-2`. */
  readonly hostId: string;
  readonly nowMs: () => number;
  /** The operation of a request is known; its `onRequestEnd` will follow. */
  readonly onRequestBegin: (operation: string) => void;
  readonly onRequestEnd: (end: RequestEnd) => void;
  /** The machine failed, or an invariant (`bug`): then the process should be replaced. */
  readonly onFault: (fault: unknown, requestId: string, cause: 'fault' | 'bug') => void;
}

/** Operations that stream an object out. */
const DOWNLOADS: ReadonlySet<string> = new Set(['GetObject', 'GetObjectPart']);

/** Thrown in large numbers when there is no time to spare: made once. */
const OVERLOADED = new S3Error('SlowDown');

export function createDispatcher(options: DispatcherOptions): ExchangeHandler {
  const route = createRouter(OPERATIONS);
  const refusals = new Refusals();

  return async function dispatch(exchange: Exchange): Promise<void> {
    const startedMs = performance.now();
    const progress = newProgress(options.hostId, options.reception?.forwarding(exchange));
    let admitted = options.admission.enter(startedMs);
    let reply: TransportReply | undefined;
    try {
      if (admitted === false) throw OVERLOADED;
      if (admitted !== true) {
        // While it waits its client can go, and the address with it.
        progress.remoteAddress = addressOf(exchange, progress);
        await admitted;
      }
      reply = replyOf(await run(exchange, progress), progress);
    } catch (thrown) {
      // For one that is shed it would cost as much as its answer.
      if (thrown !== OVERLOADED) progress.remoteAddress ||= addressOf(exchange, progress);
      reply = refuse(exchange, progress, thrown);
      if (thrown === OVERLOADED) {
        if (admitted !== false) options.admission.leave();
        admitted = false;
        await refusals.hold();
      }
    }
    let outcome = reply && (await exchange.respond(reply));
    if (outcome?.isUnsent === true) {
      // The first bytes could not be read: nothing has been sent, so the client can be told why.
      reply = refuse(exchange, progress, outcome.failure);
      outcome = reply && (await exchange.respond(reply));
    } else if (outcome?.failure !== undefined) {
      progress.errorCode = 'InternalError';
      options.onFault(outcome.failure, progress.ids.requestId, 'fault');
    }
    progress.onSent?.();
    progress.semaphore?.release();
    if (admitted !== false) options.admission.leave();
    options.onRequestEnd(
      endOf(exchange, progress, {
        // The client went away: 499 is what proxies log for that.
        status: reply?.status ?? 499,
        bytesOut: outcome?.bodyBytes ?? 0,
        durationMs: performance.now() - startedMs,
      }),
    );
  };

  async function run(exchange: Exchange, progress: Progress): Promise<Reply> {
    const { head, body } = exchange;
    // Work taken on now could outlast the time to drain; a retry finds the next server.
    if (exchange.isTooLate) throw new S3Error('ServiceUnavailable');
    if (head.headBytes > HEADER_SECTION_BYTES_MAX)
      throw new S3Error('RequestHeaderSectionTooLarge');
    const arrival = options.reception?.receive(head, progress.forwarding);
    const { bucket, key } = arrival ?? parsePath(head.rawPath);
    progress.bucket = bucket;
    progress.key = key;
    // First of all, so that a page can read any refusal that follows.
    if (head.headers.has('origin') && bucket !== '') {
      options.store.refresh();
      const { method, headers } = head;
      progress.crossOriginHeaders = crossOriginHeaders(options.store, bucket, method, headers);
    }
    const target: Target = bucket === '' ? 'service' : key === '' ? 'bucket' : 'object';
    const query = parseQuery(head.rawQuery);
    const { name, operation } = route({
      method: head.method,
      target,
      query,
      headers: head.headers,
    });
    progress.operation = name;
    const semaphore = semaphoreOf(name, operation);
    // Cheaper here than where its place is taken: no signature has been looked at.
    if (semaphore?.isFull === true) throw OVERLOADED;
    progress.isBegun = true;
    progress.remoteAddress = addressOf(exchange, progress);
    options.onRequestBegin(name);

    const { region, store } = options;
    const nowMs = options.nowMs();
    const isForEverybody = operation.permission === EVERYBODY;
    const authenticated = isForEverybody
      ? unsigned(head.headers)
      : authenticate(arrival?.request ?? head, authenticationContext(nowMs), query);
    const { principal, headers, verification } = authenticated;
    progress.accessKey = principal.kind === 'user' ? principal.accessKey : undefined;

    store.refresh();
    // Who signed a form is known once its fields have been read.
    const isUnsignedForm = operation.body === 'form' && principal.kind === 'anonymous';
    if (!isForEverybody && !isUnsignedForm) {
      authorizeCall(store, name, principal, bucket, headers);
    }
    if (key !== '') assertKey(key);
    let call: Call = {
      operation: name,
      requestId: progress.ids.requestId,
      principal,
      bucket,
      key,
      query,
      headers,
      document: '',
      body,
      verification,
      openMd5: options.openMd5,
      store,
      region,
      nowMs,
      origin:
        arrival?.originOf(authenticated.signedAddress) ??
        `http://${headers.get('host') ?? 'localhost'}`,
      isVirtualHosted: arrival?.isVirtualHosted ?? false,
      limits: options.limits,
      authorizeBucket: (other) => requireOwnBucket(store, call.principal, other),
    };
    progress.bytesIn = body.contentLength ?? 0;
    // While a request waits, its bucket can be deleted and another account can take the name.
    const authorizeAgain = (): void => {
      store.refresh();
      authorizeCall(store, name, call.principal, bucket, headers);
    };
    if (operation.body === 'form') {
      call = await signedCall(call, progress);
      authorizeAgain();
    }
    const admission = semaphore && admit(semaphore, progress);
    if (admission !== undefined) {
      await admission;
      authorizeAgain();
    }
    const reply = await (operation.body === 'document'
      ? runOnDocument(operation, call, authorizeAgain)
      : operation.handler(call));
    progress.onSent = reply.onSent;
    return reply;
  }

  /** The call of a form: what its fields say takes the place of what the head did not. */
  async function signedCall(call: Call, progress: Progress): Promise<Call> {
    const form = await openForm(call);
    // By the clock of now: the policy may have expired while its form trickled in.
    const { principal, policy } = authenticateForm(
      form.fields,
      authenticationContext(options.nowMs()),
    );
    progress.accessKey = principal.accessKey;
    const key = formKey(form);
    progress.key = key;
    return { ...call, principal, key, form: { ...form, policy } };
  }

  function authenticationContext(nowMs: number): AuthenticationContext {
    const { credentials, signingKeys, region, isSignatureV2Offered } = options;
    return { credentials, signingKeys, region, isSignatureV2Offered, nowMs };
  }

  /** Of those that move payload, the ones this operation is counted among. */
  function semaphoreOf(name: string, { body }: Operation): Semaphore | undefined {
    if (body === 'stream' || body === 'form') return options.uploads;
    return DOWNLOADS.has(name) ? options.downloads : undefined;
  }

  /** Takes a place among those that move payload, or sheds the request; waits only if it must. */
  function admit(semaphore: Semaphore, progress: Progress): Promise<void> | undefined {
    const take = (isAdmitted: boolean): void => {
      if (!isAdmitted) throw OVERLOADED;
      progress.semaphore = semaphore;
    };
    const admitted = semaphore.acquire();
    if (typeof admitted !== 'boolean') return admitted.then(take);
    take(admitted);
    return undefined;
  }

  function refuse(
    exchange: Exchange,
    progress: Progress,
    thrown: unknown,
  ): TransportReply | undefined {
    const failure = failureOf(thrown);
    progress.errorCode = failure.error?.code ?? 'ClientGone';
    if (failure.cause !== 'client') options.onFault(thrown, progress.ids.requestId, failure.cause);
    if (failure.error === undefined) return undefined;
    return errorReply(failure.error, progress, {
      isHead: exchange.head.method === 'HEAD',
      closeConnection: failure.closeConnection,
    });
  }
}

/** A request of nobody in particular; its signature, if it has one, is for another request. */
function unsigned(headers: ReadonlyMap<string, string>): AuthenticatedRequest {
  return { principal: { kind: 'anonymous' }, verification: { mode: 'unsigned' }, headers };
}

/** Collects and verifies the document before the handler sees it. */
async function runOnDocument(
  operation: Operation,
  call: Call,
  authorizeAgain: () => void,
): Promise<Reply> {
  const bytes = await collectDocument(call, operation.documentBytesMax);
  // A completion's checksum headers are about the object, not about the list of its parts.
  if (call.operation !== 'CompleteMultipartUpload') verifyDocumentChecksum(call.headers, bytes);
  const document = decodeDocument(bytes);
  authorizeAgain();
  return operation.handler({ ...call, document });
}
