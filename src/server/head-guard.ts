/**
 * Collects a request head and refuses what two HTTP parsers could read differently.
 *
 * Both transports use it, so that both refuse the same. A refused request never reaches a handler
 * and its connection is closed, since where the next request begins is then anyone's guess.
 *
 * @see https://www.rfc-editor.org/rfc/rfc9112#section-6.3, "Message Body Length"
 * @module
 */

import { HEADERS_COUNT_MAX } from './transport-limits.js';
import type { RequestHead } from './transport.js';

/** Why a head was refused, and the bare status that says so. */
export interface HeadRefusal {
  readonly status: 400 | 431 | 501 | 505;
  /** One line of plain text; holds nothing the client sent. */
  readonly reason: string;
}

/** A head that is safe to handle, and how long its body is. */
export interface GuardedHead {
  readonly head: RequestHead;
  /** 0 without a body, undefined when it comes in chunks. */
  readonly contentLength: number | undefined;
}

/** What UTF-8 decoders put in the place of bytes that are not UTF-8. */
const REPLACEMENT_CHARACTER = '\uFFFD';

const DELETE = '\x7F';
const SLASH = 0x2f;

/** Fifteen digits stay below 2^53 and are two hundred times the largest object. */
const CONTENT_LENGTH = /^[0-9]{1,15}$/;

/** Bytes of ` `, ` HTTP/1.1` and the CRLF after it, and of the empty line at the end. */
const FRAMING_BYTES = 1 + 9 + 2 + 2;

const NO_NAMES: ReadonlySet<string> = new Set();

const NOT_UTF8: HeadRefusal = { status: 400, reason: 'The request line or a header is not UTF-8' };
const BAD_TARGET: HeadRefusal = { status: 505, reason: 'The request target must be a path' };
const CONTROL: HeadRefusal = { status: 400, reason: 'A control character in the request head' };
const BAD_HOST: HeadRefusal = { status: 400, reason: 'There must be exactly one Host header' };
const BAD_LENGTH: HeadRefusal = { status: 400, reason: 'Content-Length must be one number' };
const TWO_FRAMINGS: HeadRefusal = {
  status: 400,
  reason: 'Content-Length and Transfer-Encoding exclude each other',
};
const REPEATED_CODING: HeadRefusal = { status: 400, reason: 'Transfer-Encoding was sent twice' };
const UNKNOWN_CODING: HeadRefusal = {
  status: 501,
  reason: 'The only Transfer-Encoding offered is chunked',
};
const TOO_MANY: HeadRefusal = { status: 431, reason: `More than ${HEADERS_COUNT_MAX} headers` };

/**
 * Reads one head at a time: `begin`, `add` for each header line, `end`. One guard serves all
 * requests of a transport, because a head is always read in one synchronous run.
 */
export class HeadGuard {
  #method = '';
  #rawPath = '';
  #rawQuery = '';
  #headers = new Map<string, string>();
  #repeated: Set<string> | undefined;
  #headersCount = 0;
  #headBytes = 0;
  #refusal: HeadRefusal | undefined;

  /** Starts with the request line. `rawQuery` is without `?`, empty when there is none. */
  begin(method: string, rawPath: string, rawQuery: string): void {
    this.#method = method;
    this.#rawPath = rawPath;
    this.#rawQuery = rawQuery;
    this.#headers = new Map();
    this.#repeated = undefined;
    this.#headersCount = 0;
    this.#headBytes =
      FRAMING_BYTES + method.length + rawPath.length + (rawQuery === '' ? 0 : 1 + rawQuery.length);
    this.#refusal = requestLineRefusal(rawPath, rawQuery);
  }

  /** Takes one header line. Bound, so that it can be passed as a callback. */
  readonly add = (name: string, value: string): void => {
    this.#headersCount += 1;
    this.#headBytes += name.length + value.length + 4;
    const refusal = textRefusal(value);
    if (refusal !== undefined) this.#refusal ??= refusal;
    const earlier = this.#headers.get(name);
    if (earlier === undefined) {
      this.#headers.set(name, value);
    } else {
      this.#headers.set(name, `${earlier}, ${value}`);
      (this.#repeated ??= new Set()).add(name);
    }
  };

  /** Judges what was collected. */
  end(): GuardedHead | HeadRefusal {
    const refusal = this.#refusal ?? this.#framingRefusal();
    if (refusal !== undefined) return refusal;
    const length = this.#headers.get('content-length');
    const isChunked = this.#headers.has('transfer-encoding');
    return {
      head: {
        method: this.#method,
        rawPath: this.#rawPath,
        rawQuery: this.#rawQuery,
        headers: this.#headers,
        repeatedHeaders: this.#repeated ?? NO_NAMES,
        headBytes: this.#headBytes,
      },
      contentLength: isChunked ? undefined : length === undefined ? 0 : Number(length),
    };
  }

  #framingRefusal(): HeadRefusal | undefined {
    if (this.#headersCount > HEADERS_COUNT_MAX) return TOO_MANY;
    const host = this.#headers.get('host');
    const repeated = this.#repeated;
    if (host === undefined || host === '' || repeated?.has('host') === true) return BAD_HOST;
    const coding = this.#headers.get('transfer-encoding');
    const length = this.#headers.get('content-length');
    if (coding !== undefined) {
      if (length !== undefined) return TWO_FRAMINGS;
      if (repeated?.has('transfer-encoding') === true) return REPEATED_CODING;
      if (coding !== 'chunked') return UNKNOWN_CODING;
    } else if (length !== undefined) {
      // Equal copies are refused too: who sends them has joined two requests.
      if (repeated?.has('content-length') === true) return BAD_LENGTH;
      if (!CONTENT_LENGTH.test(length)) return BAD_LENGTH;
    }
    return undefined;
  }
}

/** The method is left alone: one that S3 does not know is answered with its error document. */
function requestLineRefusal(rawPath: string, rawQuery: string): HeadRefusal | undefined {
  if (rawPath.charCodeAt(0) !== SLASH) return BAD_TARGET;
  return textRefusal(rawPath) ?? textRefusal(rawQuery);
}

/**
 * Both parsers refuse control characters, except that uWebSockets.js lets DEL pass. Text without
 * any character above 0xFF cannot hold the replacement character, and V8 knows it without looking.
 */
function textRefusal(text: string): HeadRefusal | undefined {
  if (text.includes(REPLACEMENT_CHARACTER)) return NOT_UTF8;
  if (text.includes(DELETE)) return CONTROL;
  return undefined;
}
