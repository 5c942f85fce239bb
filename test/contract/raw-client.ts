/**
 * A client that sends exactly the bytes it is given and keeps exactly the bytes it gets.
 *
 * @module
 */

import { once } from 'node:events';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

/** One answer, parsed leniently. */
export interface RawAnswer {
  readonly status: number;
  /** Lower-case names; copies joined with `, `. */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: Buffer;
}

/** An open connection to 127.0.0.1. */
export class RawClient {
  readonly socket: Socket;
  #pieces: Buffer[] = [];
  #receivedBytes = 0;
  #isClosed = false;
  #wake: (() => void) | undefined;

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (piece: Buffer) => {
      this.#pieces.push(piece);
      this.#receivedBytes += piece.length;
      this.#wake?.();
    });
    // Resets are one of the ways a server closes; what was received before counts.
    socket.on('error', () => undefined);
    socket.on('close', () => {
      this.#isClosed = true;
      this.#wake?.();
    });
  }

  static async open(port: number): Promise<RawClient> {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    await once(socket, 'connect');
    return new RawClient(socket);
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Everything received and not taken by `answer`. */
  get received(): Buffer {
    const [first] = this.#pieces;
    if (this.#pieces.length === 1 && first !== undefined) return first;
    const all = Buffer.concat(this.#pieces);
    this.#pieces = [all];
    return all;
  }

  /** Text is sent as latin1, so that `\xff` is one byte. */
  send(bytes: string | Uint8Array): void {
    this.socket.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes);
  }

  destroy(): void {
    this.socket.destroy();
  }

  /**
   * Takes the next whole answer, `100 Continue` excepted unless asked for.
   *
   * @returns undefined when the server closed the connection before it was whole.
   */
  async answer(
    options: { isHead?: boolean; timeoutMs?: number } = {},
  ): Promise<RawAnswer | undefined> {
    const deadline = Date.now() + (options.timeoutMs ?? 5_000);
    let neededBytes = 1;
    for (;;) {
      if (this.#receivedBytes >= neededBytes) {
        const { received } = this;
        const parsed = parseAnswer(received, options.isHead === true);
        if (typeof parsed !== 'number') {
          this.#pieces = [received.subarray(parsed.length)];
          this.#receivedBytes -= parsed.length;
          return parsed.answer;
        }
        neededBytes = parsed;
      }
      if (this.#isClosed) return undefined;
      await this.#change(deadline, 'an answer');
    }
  }

  /** Resolves when the server has closed the connection. */
  async closed(timeoutMs = 5_000): Promise<void> {
    const deadline = Date.now() + timeoutMs;
    while (!this.#isClosed) await this.#change(deadline, 'the end of the connection');
  }

  /** Resolves when `count` bytes are there. */
  async bytes(count: number, timeoutMs = 5_000): Promise<void> {
    const deadline = Date.now() + timeoutMs;
    while (this.#receivedBytes < count) await this.#change(deadline, `${count} bytes`);
  }

  async #change(deadline: number, what: string): Promise<void> {
    const leftMs = deadline - Date.now();
    if (leftMs <= 0) {
      const seen = JSON.stringify(this.received.toString('latin1', 0, 200));
      throw new Error(`Waited in vain for ${what}; received ${seen}`);
    }
    const controller = new AbortController();
    await Promise.race([
      new Promise<void>((resolve) => {
        this.#wake = resolve;
      }),
      delay(leftMs, undefined, { signal: controller.signal }).catch(() => undefined),
    ]);
    controller.abort();
    this.#wake = undefined;
  }
}

/** Sends raw bytes on a connection of its own and reads one answer. */
export async function sendRaw(
  port: number,
  bytes: string | Uint8Array,
): Promise<RawAnswer | undefined> {
  const client = await RawClient.open(port);
  try {
    client.send(bytes);
    return await client.answer({ isHead: /^HEAD /.test(bytes.toString()) });
  } finally {
    client.destroy();
  }
}

/** @returns how many bytes are needed at least, when the answer is not whole. */
function parseAnswer(
  received: Buffer,
  isHead: boolean,
): { answer: RawAnswer; length: number } | number {
  const headEnd = received.indexOf('\r\n\r\n');
  if (headEnd < 0) return received.length + 1;
  const lines = received.toString('latin1', 0, headEnd).split('\r\n');
  const status = Number(/^HTTP\/1\.1 ([0-9]{3})/.exec(lines[0] ?? '')?.[1]);
  const headers = new Map<string, string>();
  for (const line of lines.slice(1)) {
    const colon = line.indexOf(':');
    const name = line.slice(0, colon).toLowerCase();
    const value = line.slice(colon + 1).trim();
    headers.set(name, headers.has(name) ? `${headers.get(name)}, ${value}` : value);
  }
  const hasBody = !isHead && status >= 200 && status !== 204 && status !== 304;
  const bodyStart = headEnd + 4;
  const bodyEnd = bodyStart + (hasBody ? Number(headers.get('content-length') ?? 0) : 0);
  if (received.length < bodyEnd) return bodyEnd;
  const body = received.subarray(bodyStart, bodyEnd);
  return { answer: { status, headers, body }, length: bodyEnd };
}
