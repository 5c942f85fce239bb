/**
 * What a worker thread does with the bytes of one body after the other.
 *
 * @module
 */

import { createHash, type Hash } from 'node:crypto';
import assert from 'node:assert/strict';

import type { HashName } from '../util/stream-hash.js';

/** A batch of bytes of a body. */
export interface HashTask {
  readonly name: HashName;
  /** Of the body; a lane works on one after the other. */
  readonly bodyId: number;
  /** Of the batch in its body, from 0. */
  readonly index: number;
  readonly isLast: boolean;
  /** In memory that both threads see. Untouched by the other one until the answer. */
  readonly bytes: Uint8Array;
}

/** The hash in progress of one lane. */
export class HashLaneState {
  #bodyId = 0;
  #index = 0;
  #hash: Hash | undefined;

  /** @returns the hash of the body, hex, after its last batch. */
  run(task: HashTask): string | undefined {
    if (task.index === 0) {
      this.#bodyId = task.bodyId;
      this.#index = 0;
      this.#hash = createHash(task.name);
    }
    // A thread that was replaced in the middle of a body knows only its end.
    assert(this.#hash !== undefined && this.#bodyId === task.bodyId, 'a lane knows its body');
    assert.equal(task.index, this.#index, 'batches come in order');
    this.#index += 1;
    this.#hash.update(task.bytes);
    if (!task.isLast) return undefined;
    const digest = this.#hash.digest('hex');
    this.#hash = undefined;
    return digest;
  }
}
