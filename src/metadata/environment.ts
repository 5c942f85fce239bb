/**
 * The metadata index: ordered tables of raw bytes with durable, serialised transactions.
 *
 * Invariants
 * 1. `write` resolves only when its effects are durable and visible to every process.
 * 2. An action either applies as a whole or not at all. It throws `S3Error` only before its first
 *    `put` or `remove`; such an error refuses this action and leaves others of its batch alone. So
 *    does a record it cannot read before that.
 * 3. Reads between two awaits see one snapshot, at least as new as the last `refresh`.
 * 4. Keys are 1 to 1978 bytes; ranges and `get` take any, and find nothing beyond.
 * 5. A write of a server generation that was replaced is refused with all of its batch.
 *
 * @module
 */

/** Tables; each one's keys and values are described in docs/ON_DISK_FORMAT.md. */
export const TABLES = [
  'system',
  'buckets',
  'configurations',
  'counters',
  'objects',
  'versions',
  'inline',
  'layouts',
  'manifests',
  'uploads',
  'parts',
  'garbage',
] as const;

export type Table = (typeof TABLES)[number];

export interface Entry {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

export interface RangeQuery {
  /** First key, inclusive. */
  readonly start: Uint8Array;
  /** Exclusive end. */
  readonly end: Uint8Array;
  /** Entries at most; a range is never left open across an await. */
  readonly countMax: number;
}

export interface ReadView {
  /** @returns bytes that are valid until the next call on this view; copy what must stay. */
  get(table: Table, key: Uint8Array): Uint8Array | undefined;
  /** Entries in byte order of their keys; the bytes belong to the caller. */
  range(table: Table, query: RangeQuery): readonly Entry[];
}

export interface WriteView extends ReadView {
  put(table: Table, key: Uint8Array, value: Uint8Array): void;
  remove(table: Table, key: Uint8Array): void;
  /** The next number in the order of all writes of this store. */
  nextSequence(): number;
}

/**
 * A decision and its effects, as a pure function of the index and its input. The input is plain
 * data, so that an action can be carried to another process.
 */
export type Action<Input, Output> = (txn: WriteView, input: Input) => Output;

/** A write came from a server generation that has been replaced; the process must stop. */
export class StaleEpochError extends Error {
  override readonly name = 'StaleEpochError';
}

export interface Environment extends ReadView {
  /** Lets later reads see everything that is durable now. */
  refresh(): void;
  write<Input, Output>(action: Action<Input, Output>, input: Input): Promise<Output>;
  /**
   * Resolves when no write of a process that has ended can come to light any more: what it had
   * committed is seen after the next `refresh`, and nothing else of it will be.
   *
   * @param incarnation - of that process.
   */
  settle(incarnation: string): Promise<void>;
  /** Number of the last committed write, as of the current snapshot. */
  lastSequence(): number;
  /**
   * Goes through every row and compares their number with the one the index keeps of each table.
   * Takes about 100 ms for a million rows, in one turn.
   *
   * @returns the tables that differ.
   */
  countRows(): readonly {
    readonly table: Table;
    readonly keptCount: number;
    readonly foundCount: number;
  }[];
  /** Refuses all writes from now on, as after a failed commit. */
  fence(fault: unknown): void;
  close(): Promise<void>;
}
