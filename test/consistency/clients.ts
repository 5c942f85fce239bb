/**
 * The clients of a consistency run: each keeps several connections, works on all of them at once,
 * and goes on after a process was killed.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';

import { KeptConnection, type KeptReply } from '../support/kept-connection.js';
import { requestSigner, type RequestParts } from '../support/prepared-request.js';
import type { TestServer } from '../support/server.js';
import type { Recorder } from './recorder.js';
import { NoAnswer, WORKS, type Wire } from './works.js';

export const CLIENTS = 8;
export const CONNECTIONS_PER_CLIENT = 3;
/** The kernel spreads new connections over processes by chance: they are given up now and then. */
const REQUESTS_PER_CONNECTION = 300;
/** Signatures are good for fifteen minutes. */
const SIGNER_MS_MAX = 60_000;
const RETRY_MS = 20;

/** Which process is being killed: its connections may end. */
export class Crash {
  /** Incarnations whose connections ended. */
  readonly ended = new Set<string>();
  constructor(readonly endedCountMax: number) {}
}

export class Clients {
  /** Answers by the process that gave them. */
  readonly answers = new Map<string, number>();
  /** Operations that were begun, over all clients. */
  begunCount = 0;
  readonly #server: TestServer;
  readonly #recorder: Recorder;
  readonly #random: (limit: number) => number;
  #crash: Crash | undefined;
  #isPaused = false;
  #signer: { readonly sign: (parts: RequestParts) => Buffer; readonly untilMs: number } | undefined;
  #inProgressCount = 0;

  constructor(server: TestServer, recorder: Recorder, random: (limit: number) => number) {
    this.#server = server;
    this.#recorder = recorder;
    this.#random = random;
  }

  /** Works until so many operations were begun over the whole run. @throws what went wrong. */
  async run(untilCount: number): Promise<void> {
    const lanes = Array.from({ length: CLIENTS * CONNECTIONS_PER_CLIENT }, () =>
      this.#lane(untilCount),
    );
    await Promise.all(lanes);
  }

  /** While this runs, connections of processes that are killed may end without an answer. */
  async during(crash: Crash, kill: () => Promise<void>, isWhole: boolean): Promise<void> {
    this.#crash = crash;
    this.#isPaused = isWhole;
    await kill();
    if (isWhole) {
      // Connections tell of their end in a turn of their own.
      while (this.#inProgressCount > 0) await sleep(1);
    }
    this.#recorder.crashIsOver();
  }

  crashIsOver(): void {
    this.#crash = undefined;
    this.#isPaused = false;
  }

  async #lane(untilCount: number): Promise<void> {
    const wire = new LaneWire(this.#server.port, this);
    const { keys } = this.#recorder;
    const worker = { wire, recorder: this.#recorder, random: this.#random };
    while (this.begunCount < untilCount) {
      if (this.#isPaused || !(await wire.isOpen())) {
        await sleep(RETRY_MS);
        continue;
      }
      this.begunCount += 1;
      this.#inProgressCount += 1;
      const work = WORKS[this.#random(WORKS.length)] ?? assert.fail();
      try {
        await work(worker, this.#key(keys));
      } catch (error) {
        if (!(error instanceof NoAnswer)) throw error;
      } finally {
        this.#inProgressCount -= 1;
      }
    }
    wire.close();
  }

  /** The first four get most of it, so that operations meet; the others make lists longer. */
  #key(keys: readonly string[]): string {
    const index = this.#random(10) < 8 ? this.#random(4) : this.#random(keys.length);
    return keys[index] ?? '';
  }

  sign(parts: RequestParts): Buffer {
    if (this.#signer === undefined || performance.now() > this.#signer.untilMs) {
      const untilMs = performance.now() + SIGNER_MS_MAX;
      this.#signer = { sign: requestSigner(this.#server), untilMs };
    }
    return this.#signer.sign(parts);
  }

  /** A connection may end, or not be had, only while a process is killed. */
  explainEnd(process: string, cause: unknown): void {
    const crash = this.#crash;
    if (crash === undefined)
      throw new Error('a connection failed and no crash explains it', { cause });
    if (process === '') return;
    crash.ended.add(process);
    assert(
      crash.ended.size <= crash.endedCountMax,
      'only connections of processes that were killed end',
    );
  }
}

class LaneWire implements Wire {
  readonly #port: number;
  readonly #clients: Clients;
  #connection: KeptConnection | undefined;
  #requestsLeft = 0;

  constructor(port: number, clients: Clients) {
    this.#port = port;
    this.#clients = clients;
  }

  /** Whether there is a connection, or one could be made. */
  async isOpen(): Promise<boolean> {
    if (this.#connection?.isClosed === false && this.#requestsLeft > 0) return true;
    this.#connection?.close();
    this.#connection = undefined;
    try {
      this.#connection = await KeptConnection.open(this.#port);
    } catch (error) {
      this.#clients.explainEnd('', error);
      return false;
    }
    // Not all at once.
    this.#requestsLeft = REQUESTS_PER_CONNECTION / 2 + Math.random() * REQUESTS_PER_CONNECTION;
    return true;
  }

  async send(request: RequestParts): Promise<KeptReply> {
    const connection = this.#connection;
    assert(connection !== undefined);
    this.#requestsLeft -= 1;
    try {
      const reply = await connection.send(this.#clients.sign(request), request.method === 'HEAD');
      const { answers } = this.#clients;
      answers.set(connection.process, (answers.get(connection.process) ?? 0) + 1);
      return reply;
    } catch (error) {
      this.#clients.explainEnd(connection.process, error);
      throw new NoAnswer('no answer', { cause: error });
    }
  }

  close(): void {
    this.#connection?.close();
  }
}
