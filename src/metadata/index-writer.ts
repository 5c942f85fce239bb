/**
 * The one writer of an index: does the actions of all processes, so that they share its flushes.
 *
 * LMDB lets one process commit at a time, and each commit is flushed by itself: with many processes
 * of few writers each the disk flushes once for every write. Here the actions of all of them meet in
 * one queue, and all that have come while a commit is flushed are in the next.
 *
 * @module
 */

import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';

import type { Action, Environment } from './environment.js';
import {
  encodeMessage,
  MessageDecoder,
  packFailure,
  packOutput,
  SETTLE,
  type ActionAnswer,
  type ActionRequest,
  type Greeting,
} from './writer-protocol.js';

/** Actions by the name under which they are asked for. */
export type Actions = Readonly<Record<string, Action<never, unknown>>>;

export interface IndexWriterOptions {
  readonly environment: Environment;
  readonly actions: Actions;
  /** Generation of this server; processes of another one are not served. */
  readonly epoch: number;
  /** See {@link writerSocketPath}. */
  readonly socketPath: string;
  /** Told of each failure that is no refusal. */
  readonly onFault: (fault: unknown) => void;
}

/** See the module comment. */
export class IndexWriter {
  readonly #options: IndexWriterOptions;
  readonly #server: Server;
  /** With the incarnation at the other end; empty until it is known. */
  readonly #connections = new Map<Socket, string>();
  /** Of processes that have ended: what they asked for and was not begun is not done any more. */
  readonly #settled = new Set<string>();

  private constructor(options: IndexWriterOptions) {
    this.#options = options;
    this.#server = createServer((socket) => this.#serve(socket));
  }

  /** Takes the place of a writer that is gone. @throws when the socket cannot be made. */
  static async open(options: IndexWriterOptions): Promise<IndexWriter> {
    const writer = new IndexWriter(options);
    rmSync(options.socketPath, { force: true });
    // Exclusive: by itself, not through the primary as a cluster does.
    writer.#server.listen({ path: options.socketPath, exclusive: true });
    await once(writer.#server, 'listening');
    return writer;
  }

  /** Ends all connections. Whoever waits for an answer does not know how its action ended. */
  close(): void {
    this.#server.close();
    for (const socket of this.#connections.keys()) socket.destroy();
  }

  #serve(socket: Socket): void {
    this.#connections.set(socket, '');
    const decoder = new MessageDecoder();
    const answers = new Outbox<ActionAnswer>(socket);
    socket.on('data', (piece) => {
      try {
        for (const message of decoder.push(piece)) {
          if (this.#connections.get(socket) !== '') {
            this.#run(message as readonly ActionRequest[], answers);
          } else if (!this.#greet(socket, message as Greeting)) {
            socket.destroy();
            return;
          }
        }
      } catch (fault) {
        this.#options.onFault(fault);
        socket.destroy();
      }
    });
    // A process that ends is noticed by the primary; here it is only gone.
    socket.on('error', () => undefined);
    socket.on('close', () => this.#connections.delete(socket));
  }

  /** @returns false for a process of another generation, or one that has ended. */
  #greet(socket: Socket, { epoch, incarnation }: Greeting): boolean {
    this.#connections.set(socket, incarnation);
    return epoch === this.#options.epoch && !this.#settled.has(incarnation);
  }

  /** What has not been read of a process that ended is not read any more; the rest ends first. */
  async #settle(incarnation: string): Promise<void> {
    this.#settled.add(incarnation);
    for (const [socket, other] of this.#connections) if (other === incarnation) socket.destroy();
    // Behind all that was begun; with an index that cannot be written all of that has failed.
    await this.#options.environment.settle(incarnation).catch(() => undefined);
  }

  #run(requests: readonly ActionRequest[], answers: Outbox<ActionAnswer>): void {
    const { environment, actions, onFault } = this.#options;
    for (const [id, name, input] of requests) {
      if (name === SETTLE) {
        void this.#settle(String(input)).then(() => answers.push([id, true, undefined]));
        continue;
      }
      const action = actions[name];
      if (action === undefined) throw new Error(`There is no action ${name}`);
      environment.write(action, input as never).then(
        (output) => answers.push([id, true, packOutput(output)]),
        (error: unknown) => {
          const failure = packFailure(error);
          if (failure.kind !== 's3' && failure.kind !== 'fenced') onFault(error);
          answers.push([id, false, failure]);
        },
      );
    }
  }
}

/** Messages of one turn of the event loop, sent as one. */
export class Outbox<Message> {
  readonly #socket: Socket;
  #messages: Message[] = [];

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  push(message: Message): void {
    if (this.#messages.length === 0) setImmediate(() => this.#flush());
    this.#messages.push(message);
  }

  #flush(): void {
    const messages = this.#messages;
    this.#messages = [];
    if (this.#socket.destroyed) return;
    const [length, body] = encodeMessage(messages);
    this.#socket.cork();
    this.#socket.write(length);
    this.#socket.write(body);
    this.#socket.uncork();
  }
}
