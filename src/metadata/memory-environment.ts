/**
 * The metadata index in memory: the same promises without durability, for one process.
 *
 * @module
 */

import assert from 'node:assert/strict';

import { CommitQueue, type CountingWriteView } from './commit-queue.js';
import {
  TABLES,
  type Action,
  type Entry,
  type Environment,
  type RangeQuery,
  type Table,
} from './environment.js';
import { KEY_BYTES_MAX } from './keys.js';

/** Opens an empty index that vanishes with the process. */
export function openMemoryEnvironment(): Environment {
  return new MemoryEnvironment();
}

/** Keys as latin1 text, whose order is the order of the bytes. */
class SortedTable {
  readonly #values = new Map<string, Uint8Array>();
  readonly #keys: string[] = [];

  get(key: Uint8Array): Uint8Array | undefined {
    return this.#values.get(textOf(key));
  }

  /** Stores or, with undefined, removes; returns what stood there before. */
  set(key: Uint8Array, value: Uint8Array | undefined): Uint8Array | undefined {
    const text = textOf(key);
    const previous = this.#values.get(text);
    if (value === undefined) {
      if (previous !== undefined) {
        this.#values.delete(text);
        this.#keys.splice(this.#indexOf(text), 1);
      }
    } else {
      if (previous === undefined) this.#keys.splice(this.#indexOf(text), 0, text);
      this.#values.set(text, Uint8Array.from(value));
    }
    return previous;
  }

  range(query: RangeQuery): Entry[] {
    const end = textOf(query.end);
    const entries: Entry[] = [];
    for (
      let index = this.#indexOf(textOf(query.start));
      entries.length < query.countMax;
      index += 1
    ) {
      const key = this.#keys[index];
      if (key === undefined || key >= end) break;
      const value = this.#values.get(key);
      if (value !== undefined) {
        entries.push({ key: Buffer.from(key, 'latin1'), value: Uint8Array.from(value) });
      }
    }
    return entries;
  }

  /** Index of the first key that is not below `text`. */
  #indexOf(text: string): number {
    let low = 0;
    let high = this.#keys.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#keys[middle] ?? '') < text) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

class MemoryEnvironment implements Environment, CountingWriteView {
  readonly #tables = new Map<Table, SortedTable>(TABLES.map((name) => [name, new SortedTable()]));
  readonly #queue: CommitQueue;
  readonly #undo: (() => void)[] = [];
  #sequence = 0;
  writeCount = 0;

  constructor() {
    this.#queue = new CommitQueue(async (apply) => {
      // Asynchronous like a real flush, so that callers meet the same order of events.
      await Promise.resolve();
      this.#undo.length = 0;
      const sequence = this.#sequence;
      try {
        apply(this);
      } catch (fault) {
        for (const step of this.#undo.reverse()) step();
        this.#sequence = sequence;
        throw fault;
      }
    });
  }

  refresh(): void {
    // One process, one copy: every read is current.
  }

  get(table: Table, key: Uint8Array): Uint8Array | undefined {
    return this.#table(table).get(key);
  }

  range(table: Table, query: RangeQuery): readonly Entry[] {
    return this.#table(table).range(query);
  }

  put(table: Table, key: Uint8Array, value: Uint8Array): void {
    assert(key.byteLength <= KEY_BYTES_MAX, 'a stored key fits LMDB');
    this.#set(table, key, value);
  }

  remove(table: Table, key: Uint8Array): void {
    this.#set(table, key, undefined);
  }

  nextSequence(): number {
    this.writeCount += 1;
    this.#sequence += 1;
    return this.#sequence;
  }

  lastSequence(): number {
    return this.#sequence;
  }

  countRows(): readonly [] {
    return [];
  }

  settle(): Promise<void> {
    return Promise.resolve();
  }

  fence(): void {
    // Memory has no commit that could fail.
  }

  write<Input, Output>(action: Action<Input, Output>, input: Input): Promise<Output> {
    return this.#queue.enqueue(action, input);
  }

  async close(): Promise<void> {
    await this.#queue.idle();
  }

  #set(table: Table, key: Uint8Array, value: Uint8Array | undefined): void {
    this.writeCount += 1;
    const ownKey = Uint8Array.from(key);
    const previous = this.#table(table).set(ownKey, value);
    this.#undo.push(() => this.#table(table).set(ownKey, previous));
  }

  #table(name: Table): SortedTable {
    const table = this.#tables.get(name);
    if (table === undefined) throw new Error(`there is no table ${name}`);
    return table;
  }
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
}
