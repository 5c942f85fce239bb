/**
 * An index that this process reads by itself and another one writes.
 *
 * Invariants
 * 1. An action is asked for once. When the connection ends before its answer has come, nobody here
 *    knows whether it was done, and it fails with a `CommitError` that says so.
 * 2. What has not been sent waits for a writer, as long as {@link WRITER_WAIT_MS_MAX}.
 * 3. Whoever is answered sees the effect at once: the snapshot is renewed with every answer.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { connect, type Socket } from 'node:net';

import { FencedError } from '../util/fenced-error.js';
import { CommitError } from './commit-error.js';
import type { Action, Entry, Environment, RangeQuery, Table } from './environment.js';
import { Outbox, type Actions } from './index-writer.js';
import {
  encodeMessage,
  MessageDecoder,
  SETTLE,
  unpackFailure,
  unpackOutput,
  type ActionAnswer,
  type ActionRequest,
  type Greeting,
  type PackedFailure,
} from './writer-protocol.js';

/** A writer that died is replaced sooner, unless it cannot start. */
const WRITER_WAIT_MS_MAX = 5_000;
const RECONNECT_MS = 20;

export interface RemoteEnvironmentOptions {
  /** Reads. */
  readonly reader: Environment;
  readonly actions: Actions;
  readonly epoch: number;
  /** Of this process. */
  readonly incarnation: string;
  /** See `writerSocketPath`. */
  readonly socketPath: string;
}

interface Pending {
  readonly resolve: (output: unknown) => void;
  readonly reject: (error: unknown) => void;
}

interface Waiting extends Pending {
  readonly name: string;
  readonly input: unknown;
}

/** See the module comment. */
export class RemoteEnvironment implements Environment {
  readonly #options: RemoteEnvironmentOptions;
  readonly #names = new Map<unknown, string>();
  /** Sent, and not answered. */
  readonly #pending = new Map<number, Pending>();
  /** Not sent, for want of a connection. */
  readonly #waiting: Waiting[] = [];
  #waitTimer: NodeJS.Timeout | undefined;
  #outbox: Outbox<ActionRequest> | undefined;
  #socket: Socket | undefined;
  #lastId = 0;
  #fault: unknown;
  #isClosed = false;
  #onIdle: (() => void) | undefined;

  constructor(options: RemoteEnvironmentOptions) {
    this.#options = options;
    for (const [name, action] of Object.entries(options.actions)) this.#names.set(action, name);
    this.#connect();
  }

  refresh(): void {
    this.#options.reader.refresh();
  }

  get(table: Table, key: Uint8Array): Uint8Array | undefined {
    return this.#options.reader.get(table, key);
  }

  range(table: Table, query: RangeQuery): readonly Entry[] {
    return this.#options.reader.range(table, query);
  }

  lastSequence(): number {
    return this.#options.reader.lastSequence();
  }

  countRows(): ReturnType<Environment['countRows']> {
    return this.#options.reader.countRows();
  }

  fence(fault: unknown): void {
    this.#fault ??= fault;
    this.#options.reader.fence(fault);
  }

  write<Input, Output>(action: Action<Input, Output>, input: Input): Promise<Output> {
    const name = this.#names.get(action);
    assert(name !== undefined, 'every action of a store has a name for the writer');
    if (this.#fault !== undefined) {
      const cause = { cause: this.#fault };
      return Promise.reject(new FencedError('the disk of the index failed', cause));
    }
    return this.#ask(name, input) as Promise<Output>;
  }

  async settle(incarnation: string): Promise<void> {
    // The sweeper's own process marks nothing, and has not ended.
    if (incarnation === this.#options.incarnation) return;
    await this.#ask(SETTLE, incarnation);
  }

  async close(): Promise<void> {
    if (this.#pending.size + this.#waiting.length > 0) {
      await new Promise<void>((resolve) => (this.#onIdle = resolve));
    }
    this.#isClosed = true;
    this.#socket?.destroy();
    await this.#options.reader.close();
  }

  #ask(name: string, input: unknown): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (this.#outbox !== undefined) this.#send(this.#outbox, { name, input, resolve, reject });
      else this.#wait({ name, input, resolve, reject });
    });
  }

  #send(outbox: Outbox<ActionRequest>, { name, input, ...pending }: Waiting): void {
    this.#lastId += 1;
    this.#pending.set(this.#lastId, pending);
    outbox.push([this.#lastId, name, input]);
  }

  #wait(waiting: Waiting): void {
    this.#waiting.push(waiting);
    this.#waitTimer ??= setTimeout(() => this.#giveUp(), WRITER_WAIT_MS_MAX);
  }

  #giveUp(): void {
    this.#waitTimer = undefined;
    for (const { reject } of this.#waiting.splice(0)) {
      reject(new FencedError('the process that writes the index does not answer'));
    }
    this.#checkIdle();
  }

  #connect(): void {
    if (this.#isClosed) return;
    const socket = connect(this.#options.socketPath);
    this.#socket = socket;
    const decoder = new MessageDecoder();
    socket.on('connect', () => {
      const { epoch, incarnation } = this.#options;
      const greeting: Greeting = { epoch, incarnation };
      for (const part of encodeMessage(greeting)) socket.write(part);
      this.#connected(new Outbox<ActionRequest>(socket));
    });
    socket.on('data', (piece) => {
      this.#options.reader.refresh();
      for (const message of decoder.push(piece)) this.#receive(message as readonly ActionAnswer[]);
      this.#checkIdle();
    });
    // What it means is the same whatever it was: 'close' follows.
    socket.on('error', () => undefined);
    socket.on('close', () => {
      this.#disconnected();
      if (!this.#isClosed) setTimeout(() => this.#connect(), RECONNECT_MS);
    });
  }

  #connected(outbox: Outbox<ActionRequest>): void {
    this.#outbox = outbox;
    clearTimeout(this.#waitTimer);
    this.#waitTimer = undefined;
    for (const waiting of this.#waiting.splice(0)) this.#send(outbox, waiting);
  }

  #disconnected(): void {
    this.#outbox = undefined;
    const cause = new Error('the process that writes the index ended before it answered');
    for (const { reject } of this.#pending.values()) reject(new CommitError('', cause));
    this.#pending.clear();
    this.#checkIdle();
  }

  #receive(answers: readonly ActionAnswer[]): void {
    for (const [id, isDone, output] of answers) {
      const pending = this.#pending.get(id);
      this.#pending.delete(id);
      if (isDone) pending?.resolve(unpackOutput(output));
      else pending?.reject(unpackFailure(output as PackedFailure));
    }
  }

  #checkIdle(): void {
    if (this.#pending.size + this.#waiting.length === 0) this.#onIdle?.();
  }
}
