/**
 * One keep-alive connection that sends prepared bytes and reads whole answers: cheap enough for
 * millions of requests.
 *
 * @module
 */

import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

export interface KeptReply {
  readonly status: number;
  /** As it came, up to the empty line. */
  readonly head: string;
  readonly body: Buffer;
}

interface Pending {
  readonly resolve: (reply: KeptReply) => void;
  readonly reject: (error: Error) => void;
  readonly isHead: boolean;
}

const HEAD_END = '\r\n\r\n';
const LENGTH = /\r\ncontent-length: (\d+)/i;
const PROCESS = /\r\nx-amz-id-2: (\S+)/i;
/** An answer that takes this long is a failure of the server. */
const TIMEOUT_MS = 60_000;

/** Sends one request at a time. */
export class KeptConnection {
  readonly #socket: Socket;
  #pending: Pending | undefined;
  #received: Buffer = Buffer.alloc(0);
  #wantedBytes = 0;
  #process = '';
  #isClosed = false;

  private constructor(socket: Socket) {
    this.#socket = socket;
    const fail = (error: Error): void => {
      this.#isClosed = true;
      this.#pending?.reject(error);
      this.#pending = undefined;
      socket.destroy();
    };
    socket.setTimeout(TIMEOUT_MS, () => {
      fail(new Error('no answer in time'));
    });
    socket.on('error', fail);
    socket.on('close', () => {
      fail(new Error('the connection was closed'));
    });
    socket.on('data', (piece: Buffer) => {
      this.#receive(piece);
    });
  }

  /** @throws when nobody listens; then nothing was sent. */
  static async open(port: number): Promise<KeptConnection> {
    const socket = connect({ host: '127.0.0.1', port, noDelay: true });
    await once(socket, 'connect');
    return new KeptConnection(socket);
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** The server process at the other end, by what it calls itself; empty before its first answer. */
  get process(): string {
    return this.#process;
  }

  /** @throws when the connection ends before the answer: then nobody knows what was done. */
  send(request: Uint8Array, isHead: boolean): Promise<KeptReply> {
    return new Promise((resolve, reject) => {
      this.#pending = { resolve, reject, isHead };
      this.#socket.write(request);
    });
  }

  close(): void {
    this.#isClosed = true;
    this.#socket.destroy();
  }

  #receive(piece: Buffer): void {
    const isFirst = this.#received.length === 0;
    this.#received = isFirst ? piece : Buffer.concat([this.#received, piece]);
    if (this.#received.length < this.#wantedBytes) return;
    const headEnd = this.#received.indexOf(HEAD_END);
    if (headEnd === -1 || this.#pending === undefined) return;
    const head = this.#received.toString('latin1', 0, headEnd);
    const bodyStart = headEnd + HEAD_END.length;
    const bodyBytes = this.#pending.isHead ? 0 : Number(LENGTH.exec(head)?.[1] ?? 0);
    this.#wantedBytes = bodyStart + bodyBytes;
    if (this.#received.length < this.#wantedBytes) return;
    const body = this.#received.subarray(bodyStart, this.#wantedBytes);
    const { resolve } = this.#pending;
    this.#pending = undefined;
    this.#received = Buffer.alloc(0);
    this.#wantedBytes = 0;
    if (this.#process === '') this.#process = PROCESS.exec(head)?.[1] ?? '';
    resolve({ status: Number(head.slice(9, 12)), head, body });
  }
}
