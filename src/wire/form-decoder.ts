/**
 * Decodes the form of a browser upload, in pieces of any size: fields, then one file.
 *
 * ```text
 * form      = [preamble CRLF] delimiter *(part CRLF delimiter) "--" [epilogue]
 * delimiter = "--" boundary *(SP / TAB)
 * part      = CRLF *(line CRLF) CRLF *OCTET
 * ```
 *
 * 1. Everything before the content of the file has at most {@link POST_FIELDS_BYTES_MAX} bytes; of
 *    what comes later nothing is kept.
 * 2. However the bytes are cut, the result or the error is the same.
 * 3. `finish` returns only when the closing delimiter has been seen: no part of a file passes for
 *    the whole.
 *
 * @see https://www.rfc-editor.org/rfc/rfc2046#section-5.1.1
 * @module
 */

import { S3Error } from '../s3/errors.js';
import { POST_FIELDS_BYTES_MAX } from '../s3/limits.js';
import { parsePartHead } from './form-data.js';

/** The fields that came before the file, and what the file is called. */
export interface FormHead {
  /** Values by lower-case name. */
  readonly fields: ReadonlyMap<string, string>;
  /** As the sender wrote it, perhaps with a path; undefined when it gave none. */
  readonly filename: string | undefined;
}

/** Where the decoder is. The preamble, and fields behind the file, are `ignored`. */
type State = 'ignored' | 'field' | 'file' | 'delimiter' | 'head' | 'end';

const FILE = 'file';
const EMPTY = Buffer.alloc(0);
const CRLF = Buffer.from('\r\n');
const HEAD_END = Buffer.from('\r\n\r\n');
const CR = 0x0d;
const SPACE = 0x20;
const TAB = 0x09;
const HYPHEN = 0x2d;
/** Longest head of a part behind the file; before it the limit of all fields holds. */
const PART_HEAD_BYTES_MAX = 8 * 1024;

export class FormDecoder {
  readonly #delimiter: Buffer;
  readonly #fields = new Map<string, string>();
  #head: FormHead | undefined;
  #state: State = 'ignored';
  /** The beginning of what cannot be decided yet. The first delimiter has no line before it. */
  #held: Buffer = CRLF;
  #fieldName = '';
  #fieldPieces: Uint8Array[] = [];
  #beforeFileBytes = 0;

  /** @param boundary - has passed `formBoundary`. */
  constructor(boundary: string) {
    this.#delimiter = Buffer.from(`\r\n--${boundary}`, 'latin1');
  }

  /** There as soon as the content of the file begins. */
  get head(): FormHead | undefined {
    return this.#head;
  }

  /**
   * Takes the next bytes and returns those of them that belong to the file, uncopied; nothing else
   * of them is kept.
   *
   * @throws {S3Error} InvalidArgument, MalformedPOSTRequest, MaxPostPreDataLengthExceededError.
   */
  push(bytes: Uint8Array): readonly Uint8Array[] {
    const received = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const pieces: Uint8Array[] = [];
    if (this.#isInFile()) {
      this.#decode(received, pieces);
      return pieces;
    }
    // No byte beyond the limit is looked at, or the error would depend on how they were cut.
    const allowed = received.subarray(0, POST_FIELDS_BYTES_MAX - this.#beforeFileBytes);
    this.#beforeFileBytes += allowed.length;
    this.#decode(allowed, pieces);
    if (allowed.length === received.length) return pieces;
    if (!this.#isInFile()) {
      throw new S3Error('MaxPostPreDataLengthExceededError', {
        MaxPostPreDataLengthBytes: POST_FIELDS_BYTES_MAX,
      });
    }
    this.#decode(received.subarray(allowed.length), pieces);
    return pieces;
  }

  /**
   * Call after the last byte.
   *
   * @throws {S3Error} MalformedPOSTRequest.
   */
  finish(): void {
    if (this.#state !== 'end') throw new S3Error('MalformedPOSTRequest');
  }

  #isInFile(): boolean {
    return this.#head !== undefined;
  }

  #decode(received: Buffer, pieces: Uint8Array[]): void {
    let rest = this.#held.length === 0 ? received : Buffer.concat([this.#held, received]);
    this.#held = EMPTY;
    while (rest.length > 0) {
      const next = this.#step(rest, pieces);
      if (next === undefined) {
        this.#held = Buffer.from(rest);
        return;
      }
      rest = next;
    }
  }

  /** @returns what is left, or undefined when more must come first. */
  #step(rest: Buffer, pieces: Uint8Array[]): Buffer | undefined {
    switch (this.#state) {
      case 'ignored':
      case 'field':
      case 'file':
        return this.#readContent(rest, pieces);
      case 'delimiter':
        return this.#readDelimiterEnd(rest);
      case 'head':
        return this.#readHead(rest);
      case 'end':
        return EMPTY;
    }
  }

  #readContent(rest: Buffer, pieces: Uint8Array[]): Buffer | undefined {
    const at = rest.indexOf(this.#delimiter);
    if (at !== -1) {
      this.#takeContent(rest.subarray(0, at), pieces);
      this.#endContent();
      return rest.subarray(at + this.#delimiter.length);
    }
    // Only its last CR can begin a delimiter that is cut here: a boundary contains none.
    const last = rest.lastIndexOf(CR);
    const tail = last === -1 ? EMPTY : rest.subarray(last);
    const isHeld =
      tail.length > 0 && tail.length < this.#delimiter.length && this.#beginsDelimiter(tail);
    const end = isHeld ? last : rest.length;
    if (end === 0) return undefined;
    this.#takeContent(rest.subarray(0, end), pieces);
    return rest.subarray(end);
  }

  #beginsDelimiter(tail: Buffer): boolean {
    return this.#delimiter.subarray(0, tail.length).equals(tail);
  }

  #takeContent(content: Buffer, pieces: Uint8Array[]): void {
    if (content.length === 0) return;
    if (this.#state === 'file') pieces.push(content);
    if (this.#state === 'field') this.#fieldPieces.push(Buffer.from(content));
  }

  #endContent(): void {
    if (this.#state === 'field') {
      this.#fields.set(this.#fieldName, decodeText(Buffer.concat(this.#fieldPieces)));
      this.#fieldPieces = [];
    }
    this.#state = 'delimiter';
  }

  #readDelimiterEnd(rest: Buffer): Buffer | undefined {
    let at = 0;
    while (rest[at] === SPACE || rest[at] === TAB) at += 1;
    // The padding need not be held, however long it is.
    if (at > 0) return rest.subarray(at);
    if (rest.length < 2) return undefined;
    if (rest[0] === HYPHEN && rest[1] === HYPHEN) {
      if (this.#head === undefined) throw notOneFile(0);
      this.#state = 'end';
      return EMPTY;
    }
    if (!rest.subarray(0, 2).equals(CRLF)) throw new S3Error('MalformedPOSTRequest');
    this.#state = 'head';
    return rest;
  }

  /** The CRLF of the delimiter is still there: behind it a head may be empty. */
  #readHead(rest: Buffer): Buffer | undefined {
    const end = rest.indexOf(HEAD_END);
    if (end === -1 ? rest.length > PART_HEAD_BYTES_MAX : end > PART_HEAD_BYTES_MAX) {
      throw new S3Error('MalformedPOSTRequest');
    }
    if (end === -1) return undefined;
    const { name, filename } = parsePartHead(decodeText(rest.subarray(CRLF.length, end)));
    this.#beginPart(name.toLowerCase(), filename);
    return rest.subarray(end + HEAD_END.length);
  }

  #beginPart(name: string, filename: string | undefined): void {
    if (name === FILE) {
      if (this.#head !== undefined) throw notOneFile(2);
      this.#head = { fields: this.#fields, filename };
      this.#state = 'file';
      return;
    }
    this.#state = this.#head === undefined ? 'field' : 'ignored';
    this.#fieldName = name;
    if (this.#state === 'field' && this.#fields.has(name)) throw repeatedField(name);
  }
}

function decodeText(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new S3Error('MalformedPOSTRequest');
  }
}

function notOneFile(filesCount: number): S3Error {
  return new S3Error(
    'InvalidArgument',
    { ArgumentName: FILE, ArgumentValue: filesCount },
    { message: 'POST requires exactly one file upload per request.' },
  );
}

// Which of two values a policy was checked against and which one is used must not be a question.
function repeatedField(name: string): S3Error {
  const message = 'A form field must not appear more than once.';
  return new S3Error('InvalidArgument', { ArgumentName: name }, { message });
}
