/**
 * What goes between a process and the writer of the index: actions by name, and how they ended.
 *
 * Both ends are the same program, started by the same primary, so there is no version. A message is
 * four bytes of length and the value in V8's own serialisation, which keeps bytes and `undefined`.
 *
 * @module
 */

import { AssertionError } from 'node:assert/strict';
import { deserialize, serialize } from 'node:v8';

import { S3Error, type S3ErrorCode } from '../s3/errors.js';
import { FencedError } from '../util/fenced-error.js';
import { NewerFormatError } from '../util/newer-format-error.js';
import { CommitError } from './commit-error.js';
import { StaleEpochError } from './environment.js';
import { DamagedRecordError } from './record-codec.js';

/** The first message of a process. */
export interface Greeting {
  /** The generation of the index that it serves. */
  readonly epoch: number;
  readonly incarnation: string;
}

/** Asked for like an action: no write of the incarnation may be committed once it is answered. */
export const SETTLE = 'settle';

/** An action that one process wants done. */
export type ActionRequest = readonly [id: number, name: string, input: unknown];

/** How an action ended; `output` is packed when it is done, else a {@link PackedFailure}. */
export type ActionAnswer = readonly [id: number, isDone: boolean, output: unknown];

/** An error as plain data. Errors that nobody tells apart arrive as `other`. */
export type PackedFailure =
  | {
      readonly kind: 's3';
      readonly code: S3ErrorCode;
      readonly message: string;
      readonly details: S3Error['details'];
      readonly headers: S3Error['headers'];
    }
  | {
      readonly kind: 'commit';
      readonly code: string;
      readonly isUndone: boolean;
      readonly message: string;
    }
  | {
      readonly kind: 'fenced' | 'stale' | 'damaged' | 'newer' | 'other';
      readonly message: string;
    };

/** A refusal inside the output of an action, such as of one key of many. */
interface PackedRefusal {
  readonly refusal: PackedFailure;
}

const LENGTH_BYTES = 4;
/** Far above a batch of the largest actions. */
const MESSAGE_BYTES_MAX = 256 * 1024 ** 2;

/** A message as it goes over the socket. */
export function encodeMessage(value: unknown): readonly [length: Buffer, body: Buffer] {
  const body = serialize(value);
  const length = Buffer.allocUnsafe(LENGTH_BYTES);
  length.writeUInt32LE(body.byteLength);
  return [length, body];
}

/** Puts messages together from what a socket delivers. */
export class MessageDecoder {
  #pieces: Buffer[] = [];
  #bytes = 0;

  /**
   * @returns the messages that are complete now, in order.
   * @throws when the other end is none of ours.
   */
  push(piece: Buffer): unknown[] {
    this.#pieces.push(piece);
    this.#bytes += piece.byteLength;
    const messages: unknown[] = [];
    for (;;) {
      const bodyBytes = this.#bodyBytes();
      if (bodyBytes === undefined || this.#bytes < LENGTH_BYTES + bodyBytes) return messages;
      const joined = this.#join();
      messages.push(deserialize(joined.subarray(LENGTH_BYTES, LENGTH_BYTES + bodyBytes)));
      const rest = joined.subarray(LENGTH_BYTES + bodyBytes);
      this.#pieces = rest.byteLength === 0 ? [] : [rest];
      this.#bytes = rest.byteLength;
    }
  }

  #bodyBytes(): number | undefined {
    if (this.#bytes < LENGTH_BYTES) return undefined;
    const [first] = this.#pieces;
    const head = first !== undefined && first.byteLength >= LENGTH_BYTES ? first : this.#join();
    const bodyBytes = head.readUInt32LE();
    if (bodyBytes > MESSAGE_BYTES_MAX) throw new RangeError('No message is that long');
    return bodyBytes;
  }

  #join(): Buffer {
    const [first] = this.#pieces;
    const joined = this.#pieces.length === 1 && first ? first : Buffer.concat(this.#pieces);
    this.#pieces = [joined];
    return joined;
  }
}

/** Outputs are plain data; lists may hold refusals. */
export function packOutput(output: unknown): unknown {
  if (!Array.isArray(output)) return output;
  return output.map((item: unknown) =>
    item instanceof S3Error ? ({ refusal: packFailure(item) } satisfies PackedRefusal) : item,
  );
}

/** The reverse of {@link packOutput}. */
export function unpackOutput(output: unknown): unknown {
  if (!Array.isArray(output)) return output;
  return output.map((item: unknown) => (isRefusal(item) ? unpackFailure(item.refusal) : item));
}

/** What crosses of an error: all that a process decides by, and words for its log. */
export function packFailure(error: unknown): PackedFailure {
  if (error instanceof S3Error) {
    const { code, message, details, headers } = error;
    return { kind: 's3', code, message, details, headers };
  }
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof CommitError) {
    const { code, isUndone, cause } = error;
    return { kind: 'commit', code, isUndone, message: String(cause) };
  }
  if (error instanceof FencedError) return { kind: 'fenced', message };
  if (error instanceof StaleEpochError) return { kind: 'stale', message };
  if (error instanceof DamagedRecordError) return { kind: 'damaged', message };
  if (error instanceof NewerFormatError) return { kind: 'newer', message };
  // Of a bug the writer makes an end; the process that asked has none.
  return { kind: 'other', message: error instanceof AssertionError ? `bug: ${message}` : message };
}

/** The error that {@link packFailure} was given, without what nobody decides by. */
export function unpackFailure(failure: PackedFailure): Error {
  const { message } = failure;
  switch (failure.kind) {
    case 's3': {
      const { code, details, headers } = failure;
      return new S3Error(code, details, { message, headers });
    }
    case 'commit': {
      const error = new CommitError(failure.code, new Error(message));
      error.isUndone = failure.isUndone;
      return error;
    }
    case 'fenced':
      return new FencedError(message);
    case 'stale':
      return new StaleEpochError(message);
    case 'damaged':
      return new DamagedRecordError(message);
    case 'newer':
      return new NewerFormatError(message);
    case 'other':
      return new Error(message);
  }
}

function isRefusal(item: unknown): item is PackedRefusal {
  return typeof item === 'object' && item !== null && 'refusal' in item;
}
