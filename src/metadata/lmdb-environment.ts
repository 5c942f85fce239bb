/**
 * The metadata index in LMDB, shared by all processes of the host. The only importer of `lmdb`.
 *
 * Rules that keep the promises: `overlappingSync` is off when fsync is on, so a value becomes
 * visible only once it is durable; reads call `resetReadTxn` through `refresh`, without which
 * another process's acknowledged write can be missing; ranges are bounded and never held across
 * an await; never `noSync`, `noMetaSync` or `useWritemap`.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';

import { open, type Database, type RootDatabase } from 'lmdb';

import { asBuffer } from '../util/bytes.js';
import { FencedError } from '../util/fenced-error.js';
import { NewerFormatError } from '../util/newer-format-error.js';
import { CommitError, rethrowCommitFault } from './commit-error.js';
import { CommitQueue, type CountingWriteView } from './commit-queue.js';
import {
  StaleEpochError,
  TABLES,
  type Action,
  type Entry,
  type Environment,
  type RangeQuery,
  type Table,
} from './environment.js';
import { EPOCH_KEY, FORMAT_KEY, INDEX_FORMAT, KEY_BYTES_MAX, SEQUENCE_KEY } from './keys.js';
import { bindToKey, isBound, unbindFromKey } from './key-binding.js';
import { DamagedRecordError, decodeNumber, encodeNumber } from './record-codec.js';

type Tables = Readonly<Record<Table, Database<Buffer, Buffer>>>;

export interface LmdbOptions {
  /** Directory of the database; must exist. */
  readonly path: string;
  /** False trades durability for speed: commits are flushed some time later. */
  readonly isFsyncEnabled: boolean;
  /** Generation of this server; writes of an older generation are refused. Undefined: no check. */
  readonly epoch: number | undefined;
  /**
   * Told once, when a commit failed and writes are refused from then on. `isFatal`: nothing can be
   * read any more either, until the process is replaced.
   */
  readonly onFenced?: ((fault: unknown, isFatal: boolean) => void) | undefined;
  /** Nothing can be written; tables that are not there yet are empty. */
  readonly isReadOnly?: boolean;
}

/** Faults that pass by themselves and leave the file as it was. */
const PASSING_FAULTS: ReadonlySet<string> = new Set([
  'ENOSPC',
  'EDQUOT',
  'EMFILE',
  'ENFILE',
  'EAGAIN',
]);

/** Address space reserved for the map; the file grows only as it is used. */
const MAP_SIZE_BYTES = 1024 ** 4;
const READERS_COUNT_MAX = 2048;
/** No key is empty. */
const LOWEST_KEY = Buffer.of(0);

/**
 * Opens or creates the index.
 *
 * @throws {NewerFormatError} a later version of this program wrote it; nothing was changed.
 * @throws when the directory is not usable.
 */
export function openLmdbEnvironment(options: LmdbOptions): Environment {
  requireKnownFormat(options.path);
  return new LmdbEnvironment(options);
}

/**
 * Copies the index as it is at this moment, without its free pages, while others write.
 *
 * @param target - an empty directory; the copy in it is not flushed.
 * @throws {NewerFormatError} a later version of this program wrote it.
 */
export async function copyLmdbEnvironment(path: string, target: string): Promise<void> {
  requireKnownFormat(path);
  const root = openReadOnly(path);
  try {
    await root.backup(target, true);
  } finally {
    await root.close();
  }
}

/** Read-only, because opening the tables for writing would create those that are missing. */
function requireKnownFormat(path: string): void {
  if (!existsSync(`${path}/data.mdb`)) return;
  const root = openReadOnly(path);
  try {
    const system = root.openDB<Buffer, Buffer>({
      name: 'system',
      encoding: 'binary',
      keyEncoding: 'binary',
    }) as Database<Buffer, Buffer> | undefined;
    const bytes = system?.getBinary(FORMAT_KEY);
    if (bytes === undefined) return;
    const format = decodeNumber(bytes);
    if (format !== INDEX_FORMAT) {
      throw new NewerFormatError(
        `The index in ${path} has format ${format}; this version of s3ish reads ${INDEX_FORMAT}`,
      );
    }
  } finally {
    void root.close();
  }
}

function openReadOnly(path: string): RootDatabase<Buffer, Buffer> {
  return open<Buffer, Buffer>({
    path,
    encoding: 'binary',
    keyEncoding: 'binary',
    noSubdir: false,
    readOnly: true,
    mapSize: MAP_SIZE_BYTES,
    maxDbs: TABLES.length + 4,
    maxReaders: READERS_COUNT_MAX,
  });
}

class LmdbEnvironment implements Environment {
  readonly #root: RootDatabase<Buffer, Buffer>;
  readonly #tables: Tables;
  /** Only when reading: an earlier version that did not know them wrote the index. */
  readonly #missing = new Set<Table>();
  readonly #queue: CommitQueue;
  readonly #onFenced: (fault: unknown, isFatal: boolean) => void;
  #fence: unknown;
  #isFatal = false;

  constructor(options: LmdbOptions) {
    this.#root = open<Buffer, Buffer>({
      path: options.path,
      encoding: 'binary',
      keyEncoding: 'binary',
      // Unless told, a directory with a dot in its name is taken for a file.
      noSubdir: false,
      overlappingSync: !options.isFsyncEnabled,
      readOnly: options.isReadOnly === true,
      mapSize: MAP_SIZE_BYTES,
      maxDbs: TABLES.length + 4,
      maxReaders: READERS_COUNT_MAX,
    });
    const tables: Partial<Record<Table, Database<Buffer, Buffer>>> = {};
    for (const name of TABLES) {
      const table = this.#root.openDB<Buffer, Buffer>({
        name,
        encoding: 'binary',
        keyEncoding: 'binary',
      }) as Database<Buffer, Buffer> | undefined;
      if (table === undefined) this.#missing.add(name);
      else tables[name] = table;
    }
    this.#tables = tables as Tables;
    this.#onFenced = options.onFenced ?? (() => undefined);
    this.#queue = new CommitQueue(async (apply) => {
      // In the queue, so that what waited behind the failed commit does not go to the file either.
      if (this.#fence !== undefined) {
        throw new FencedError('the index is read-only since a commit failed', {
          cause: this.#fence,
        });
      }
      const committed = this.#root.childTransaction(() => {
        const txn = new LmdbWriteView(this.#tables);
        checkEpoch(txn, options.epoch);
        apply(txn);
        txn.finish();
      });
      try {
        await committed.catch((error: unknown) => rethrowCommitFault(error, options.path));
      } catch (fault) {
        if (fault instanceof CommitError) this.#examine(fault);
        throw fault;
      }
    });
  }

  refresh(): void {
    this.#root.resetReadTxn();
  }

  get(table: Table, key: Uint8Array): Uint8Array | undefined {
    return this.#missing.has(table) ? undefined : getBorrowed(this.#tables, table, key);
  }

  range(table: Table, query: RangeQuery): readonly Entry[] {
    return this.#missing.has(table) ? [] : collectRange(this.#tables, table, query);
  }

  lastSequence(): number {
    const bytes = this.get('system', SEQUENCE_KEY);
    return bytes === undefined ? 0 : decodeNumber(bytes);
  }

  countRows(): ReturnType<Environment['countRows']> {
    this.refresh();
    return TABLES.filter((table) => !this.#missing.has(table))
      .map((table) => {
        const db = this.#tables[table];
        const { entryCount } = db.getStats() as { readonly entryCount: number };
        return { table, keptCount: entryCount, foundCount: db.getCount({ start: LOWEST_KEY }) };
      })
      .filter(({ keptCount, foundCount }) => keptCount !== foundCount);
  }

  write<Input, Output>(action: Action<Input, Output>, input: Input): Promise<Output> {
    return this.#queue.enqueue(action, input);
  }

  /**
   * A process that is killed inside LMDB can leave a commit that is complete in the file and that no
   * reader is told of. Whoever takes the lock for writing next tells them.
   */
  async settle(): Promise<void> {
    await this.write(() => undefined, undefined);
  }

  fence(fault: unknown): void {
    if (this.#fence !== undefined) return;
    this.#fence = fault;
    this.#onFenced(fault, this.#isFatal);
  }

  async close(): Promise<void> {
    await this.#queue.idle();
    // The library waits for ever for an environment in this state.
    if (!this.#isFatal) await this.#root.close();
  }

  /** What a failed commit means: LMDB takes it back, unless the page that names the root is lost. */
  #examine(fault: CommitError): void {
    try {
      this.#root.resetReadTxn();
      this.get('system', FORMAT_KEY);
    } catch {
      // MDB_PANIC: every later read fails, every later write would never be answered.
      this.#isFatal = true;
    }
    fault.isUndone = !this.#isFatal;
    if (this.#isFatal || !PASSING_FAULTS.has(fault.code)) this.fence(fault);
  }
}

class LmdbWriteView implements CountingWriteView {
  readonly #tables: Tables;
  #sequence: number | undefined;
  writeCount = 0;

  constructor(tables: Tables) {
    this.#tables = tables;
  }

  get(table: Table, key: Uint8Array): Uint8Array | undefined {
    return getBorrowed(this.#tables, table, key);
  }

  range(table: Table, query: RangeQuery): readonly Entry[] {
    return collectRange(this.#tables, table, query);
  }

  put(table: Table, key: Uint8Array, value: Uint8Array): void {
    assert(key.byteLength <= KEY_BYTES_MAX, 'a stored key fits LMDB');
    this.writeCount += 1;
    const stored = bindToKey(table, key, value);
    this.#tables[table].putSync(asBuffer(key), asBuffer(stored));
  }

  remove(table: Table, key: Uint8Array): void {
    this.writeCount += 1;
    this.#tables[table].removeSync(asBuffer(key));
  }

  nextSequence(): number {
    if (this.#sequence === undefined) {
      const bytes = this.get('system', SEQUENCE_KEY);
      this.#sequence = bytes === undefined ? 0 : decodeNumber(bytes);
    }
    this.#sequence += 1;
    this.writeCount += 1;
    return this.#sequence;
  }

  /** Writes what was gathered over the batch. */
  finish(): void {
    if (this.#sequence !== undefined)
      this.put('system', SEQUENCE_KEY, encodeNumber(this.#sequence));
  }
}

function checkEpoch(txn: CountingWriteView, epoch: number | undefined): void {
  if (epoch === undefined) return;
  const bytes = txn.get('system', EPOCH_KEY);
  const current = bytes === undefined ? 0 : decodeNumber(bytes);
  if (current !== epoch) {
    throw new StaleEpochError(
      `this process serves generation ${epoch}, the index is at ${current}`,
    );
  }
}

function getBorrowed(tables: Tables, table: Table, key: Uint8Array): Uint8Array | undefined {
  // No key of ours is that long, but a request may ask for any text.
  if (key.byteLength > KEY_BYTES_MAX) return undefined;
  const bytes = tables[table].getBinaryFast(asBuffer(key)) as
    (Buffer & { length: number }) | undefined;
  if (bytes === undefined) return undefined;
  // The library hands out one shared buffer and sets its length; a view fixes the length.
  const value = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  return isBound(table, value) ? unbindFromKey(table, key, Buffer.from(value)) : value;
}

function collectRange(tables: Tables, table: Table, query: RangeQuery): Entry[] {
  const entries: Entry[] = [];
  const range = tables[table].getRange({
    start: asBound(query.start),
    end: asBound(query.end),
    // A key that equals the kept bytes of a cut bound is below the bound.
    exclusiveStart: query.start.byteLength > KEY_BYTES_MAX,
    inclusiveEnd: query.end.byteLength > KEY_BYTES_MAX,
    limit: query.countMax,
  });
  let previous: Uint8Array = query.start;
  for (const { key, value } of range) {
    // A damaged tree can lead back to where a walk has been, and a caller that goes on behind the
    // last key would go round for ever.
    const order = Buffer.compare(key, previous);
    if (order < 0 || (order === 0 && entries.length > 0)) {
      throw new DamagedRecordError(`the keys of the table ${table} are out of order`);
    }
    previous = key;
    entries.push({ key, value: unbindFromKey(table, key, value) });
  }
  return entries;
}

// No key is longer than the limit, so keys are before or after a bound by its first bytes.
function asBound(bytes: Uint8Array): Buffer {
  return asBuffer(bytes.byteLength > KEY_BYTES_MAX ? bytes.subarray(0, KEY_BYTES_MAX) : bytes);
}
