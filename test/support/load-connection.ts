/**
 * One keep-alive connection that sends prepared requests and reads the answers by their length.
 *
 * @module
 */

import { connect, type Socket } from 'node:net';

export interface Answer {
  readonly status: number;
  readonly bodyBytes: number;
  /** The body, as far as it came with the head. */
  readonly body: Buffer;
}

const HEAD_END = '\r\n\r\n';
const LENGTH = /content-length: (\d+)/i;
/** An answer that takes this long is a failure of the server. */
const TIMEOUT_MS = 60_000;

/** Sends one request at a time. Reconnects when the server closes between two. */
export class Connection {
  readonly #host: string;
  readonly #port: number;
  #socket: Socket | undefined;
  #pending:
    | { resolve: (answer: Answer) => void; reject: (error: Error) => void; isHead: boolean }
    | undefined;
  #head: Buffer = Buffer.alloc(0);
  #status = 0;
  #bodyBytes = 0;
  #body: Buffer = Buffer.alloc(0);
  #missingBytes = -1;

  constructor(host: string, port: number) {
    this.#host = host;
    this.#port = port;
  }

  send(request: Uint8Array, isHead: boolean): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.#pending = { resolve, reject, isHead };
      this.#missingBytes = -1;
      this.#open().write(request);
    });
  }

  close(): void {
    this.#socket?.destroy();
    this.#socket = undefined;
  }

  #open(): Socket {
    if (this.#socket !== undefined) return this.#socket;
    const socket = connect({ host: this.#host, port: this.#port, noDelay: true });
    this.#socket = socket;
    const fail = (error: Error): void => {
      if (this.#socket === socket) this.#socket = undefined;
      this.#pending?.reject(error);
      this.#pending = undefined;
      socket.destroy();
    };
    socket.setTimeout(TIMEOUT_MS, () => {
      if (this.#pending !== undefined) fail(new Error('no answer in time'));
    });
    socket.on('error', fail);
    socket.on('close', () => {
      fail(new Error('the connection was closed'));
    });
    socket.on('data', (piece: Buffer) => {
      this.#receive(piece);
    });
    return socket;
  }

  #receive(piece: Buffer): void {
    if (this.#missingBytes < 0) {
      const bytes = this.#head.length === 0 ? piece : Buffer.concat([this.#head, piece]);
      const headEnd = bytes.indexOf(HEAD_END);
      if (headEnd === -1) {
        this.#head = bytes;
        return;
      }
      const head = bytes.toString('latin1', 0, headEnd);
      this.#head = Buffer.alloc(0);
      this.#status = Number(head.slice(9, 12));
      this.#bodyBytes = this.#pending?.isHead === true ? 0 : Number(LENGTH.exec(head)?.[1] ?? 0);
      this.#missingBytes = this.#bodyBytes;
      this.#body = bytes.subarray(headEnd + HEAD_END.length);
      this.#missingBytes -= bytes.length - headEnd - HEAD_END.length;
    } else {
      this.#missingBytes -= piece.length;
    }
    if (this.#missingBytes > 0) return;
    const pending = this.#pending;
    this.#pending = undefined;
    pending?.resolve({ status: this.#status, bodyBytes: this.#bodyBytes, body: this.#body });
  }
}
