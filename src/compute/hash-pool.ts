/**
 * Hashes of large bodies in threads beside the event loop. The only importer of `piscina`.
 *
 * MD5 is the slowest thing done to the bytes of an upload and cannot be divided, so a single stream
 * is as fast as its MD5 when that runs beside everything else. A message to a thread costs 20 to 40
 * us, so bytes go there in batches, and only those of large bodies. The state of a hash stays in one
 * thread for the whole body: each lane is a pool of one thread, and has one body at a time. A body
 * that finds no free lane is hashed where it is received: with many streams all cores are busy.
 *
 * @module
 */

import type { Piscina } from 'piscina';

import { inlineHash, type HashName, type StreamHash } from '../util/stream-hash.js';
import type { HashTask } from './hash-task.js';

/** Where the thread starts. */
const WORKER_FILE = new URL('../workers/hash.js', import.meta.url).href;
/** Bytes of one message, about a millisecond of MD5. */
const BATCH_BYTES = 512 * 1024;
/** One is filled while one is hashed, and one makes up for differences in speed. */
const BATCHES_COUNT = 3;

export interface HashPoolOptions {
  /** Lanes, each a thread that starts when it is first needed; 0 hashes all bodies inline. */
  readonly threadsCount: number;
  /** Bodies below this are not worth the messages. */
  readonly bodyBytesMin: number;
  /** Told when a thread cannot be started, or fails beside its tasks. */
  readonly onFault: (fault: unknown) => void;
}

/** See the module comment. */
export class HashPool {
  readonly #options: HashPoolOptions;
  readonly #freeLanes: Lane[] = [];
  readonly #pools: Piscina[] = [];
  #startedCount = 0;
  #pooledCount = 0;

  constructor(options: HashPoolOptions) {
    this.#options = options;
  }

  /** Bodies that have been hashed in threads. */
  get pooledCount(): number {
    return this.#pooledCount;
  }

  /** Starts the hash of a body. @param sizeBytes - as far as it is known. */
  open(name: HashName, sizeBytes: number): StreamHash {
    if (sizeBytes < this.#options.bodyBytesMin) return inlineHash(name);
    const lane = this.#freeLanes.pop();
    if (lane === undefined) {
      // This body does not wait for a thread; a later one finds it.
      if (this.#startedCount < this.#options.threadsCount) void this.#startLane();
      return inlineHash(name);
    }
    this.#pooledCount += 1;
    return new PooledHash(lane, name, () => this.#freeLanes.push(lane));
  }

  /** Ends the threads. Nothing may be in progress. */
  async close(): Promise<void> {
    this.#startedCount = this.#options.threadsCount;
    this.#freeLanes.length = 0;
    await Promise.all(this.#pools.map((pool) => pool.destroy()));
  }

  async #startLane(): Promise<void> {
    this.#startedCount += 1;
    try {
      // Loaded late: most processes start without ever meeting a large body.
      const { Piscina: Pool } = await import('piscina');
      const pool = new Pool({
        filename: WORKER_FILE,
        name: 'hashBatch',
        minThreads: 1,
        maxThreads: 1,
        // What would have to wait for the thread is not kept in order; all that can be sent at a
        // time goes there at once.
        concurrentTasksPerWorker: BATCHES_COUNT + 1,
      });
      pool.on('error', this.#options.onFault);
      this.#pools.push(pool);
      this.#freeLanes.push(new Lane(pool));
    } catch (fault) {
      this.#options.onFault(fault);
    }
  }
}

/** A thread and the memory it shares with this one. */
class Lane {
  readonly #pool: Piscina;
  readonly batches: readonly Uint8Array[] = Array.from(
    { length: BATCHES_COUNT },
    () => new Uint8Array(new SharedArrayBuffer(BATCH_BYTES)),
  );
  #bodiesCount = 0;

  constructor(pool: Piscina) {
    this.#pool = pool;
  }

  nextBodyId(): number {
    this.#bodiesCount += 1;
    return this.#bodiesCount;
  }

  run(task: HashTask): Promise<string | undefined> {
    return this.#pool.run(task) as Promise<string | undefined>;
  }
}

/**
 * One body in a lane.
 *
 * Invariant: a batch is filled only when the thread has answered the task that it was in before.
 */
class PooledHash implements StreamHash {
  readonly #lane: Lane;
  readonly #name: HashName;
  readonly #release: () => void;
  readonly #bodyId: number;
  /** Tasks that are not answered, oldest first; never more than there are batches. */
  readonly #running: Promise<string | undefined>[] = [];
  #batchIndex = 0;
  #filledBytes = 0;
  #sentCount = 0;
  #isOver = false;

  constructor(lane: Lane, name: HashName, release: () => void) {
    this.#lane = lane;
    this.#name = name;
    this.#release = release;
    this.#bodyId = lane.nextBodyId();
  }

  update(piece: Uint8Array): Promise<void> | undefined {
    const takenBytes = this.#fill(piece);
    if (takenBytes === piece.byteLength) return undefined;
    return this.#fillInTurns(piece.subarray(takenBytes));
  }

  async finish(): Promise<string> {
    this.#isOver = true;
    try {
      const last = this.#send(true);
      // The answer of an earlier batch says first what went wrong.
      await Promise.all(this.#running);
      const digest = await last;
      if (digest === undefined) throw new Error('A thread lost the end of a body');
      return digest;
    } finally {
      await this.#free();
    }
  }

  abandon(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    void this.#free();
  }

  /** The next body may have the lane when the thread does not look at this one any more. */
  async #free(): Promise<void> {
    await Promise.allSettled(this.#running);
    this.#release();
  }

  async #fillInTurns(piece: Uint8Array): Promise<void> {
    let rest = piece;
    while (rest.byteLength > 0) {
      // All batches are full: the oldest is free next.
      await this.#running.shift();
      rest = rest.subarray(this.#fill(rest));
    }
  }

  /** Copies what there is room for, and sends every batch that is full. */
  #fill(piece: Uint8Array): number {
    let takenBytes = 0;
    while (takenBytes < piece.byteLength && this.#running.length < BATCHES_COUNT) {
      const batch = this.#batch();
      const countMax = BATCH_BYTES - this.#filledBytes;
      const part = piece.subarray(takenBytes, takenBytes + countMax);
      batch.set(part, this.#filledBytes);
      this.#filledBytes += part.byteLength;
      takenBytes += part.byteLength;
      if (this.#filledBytes === BATCH_BYTES) void this.#send(false);
    }
    return takenBytes;
  }

  #batch(): Uint8Array {
    const batch = this.#lane.batches[this.#batchIndex];
    if (batch === undefined) throw new RangeError('A lane has no such batch');
    return batch;
  }

  #send(isLast: boolean): Promise<string | undefined> {
    const answer = this.#lane.run({
      name: this.#name,
      bodyId: this.#bodyId,
      index: this.#sentCount,
      isLast,
      bytes: this.#batch().subarray(0, this.#filledBytes),
    });
    // Whoever waits for it later is told; until then it is nobody's.
    answer.catch(() => undefined);
    this.#running.push(answer);
    this.#sentCount += 1;
    this.#filledBytes = 0;
    this.#batchIndex = (this.#batchIndex + 1) % BATCHES_COUNT;
    return answer;
  }
}
