/**
 * Group commit: actions that arrive while a transaction is being flushed share the next one.
 *
 * No delay is added; batches form by themselves under load, and a lone write goes at once.
 *
 * @module
 */

import assert from 'node:assert/strict';

import { S3Error } from '../s3/errors.js';
import { NewerFormatError } from '../util/newer-format-error.js';
import type { Action, WriteView } from './environment.js';
import { DamagedRecordError } from './record-codec.js';

/** A write view that knows whether it was written through. */
export interface CountingWriteView extends WriteView {
  readonly writeCount: number;
}

/** Runs `apply` inside one transaction; resolves when it is durable, rejects when it was undone. */
export type RunTransaction = (apply: (txn: CountingWriteView) => void) => Promise<void>;

interface Pending {
  readonly run: (txn: WriteView) => unknown;
  readonly resolve: (output: unknown) => void;
  readonly reject: (error: unknown) => void;
}

interface Outcome {
  readonly output?: unknown;
  readonly refusal?: Error;
}

/** Actions in one transaction; bounds the time the index is locked against other processes. */
const BATCH_ACTIONS_MAX = 256;

export class CommitQueue {
  readonly #runTransaction: RunTransaction;
  readonly #pending: Pending[] = [];
  #draining: Promise<void> | undefined;

  constructor(runTransaction: RunTransaction) {
    this.#runTransaction = runTransaction;
  }

  enqueue<Input, Output>(action: Action<Input, Output>, input: Input): Promise<Output> {
    return new Promise<Output>((resolve, reject) => {
      this.#pending.push({
        run: (txn) => action(txn, input),
        resolve: resolve as (output: unknown) => void,
        reject,
      });
      this.#draining ??= this.#drain();
    });
  }

  /** Resolves when everything enqueued so far has been answered. */
  async idle(): Promise<void> {
    await this.#draining;
  }

  async #drain(): Promise<void> {
    while (this.#pending.length > 0) {
      const batch = this.#pending.splice(0, BATCH_ACTIONS_MAX);
      await this.#commit(batch);
    }
    this.#draining = undefined;
  }

  async #commit(batch: readonly Pending[]): Promise<void> {
    const outcomes: Outcome[] = [];
    try {
      await this.#runTransaction((txn) => {
        outcomes.length = 0;
        for (const pending of batch) outcomes.push(decide(txn, pending));
      });
    } catch (fault) {
      for (const pending of batch) pending.reject(fault);
      return;
    }
    batch.forEach((pending, index) => {
      const outcome = outcomes[index];
      assert(outcome !== undefined, 'every action of a committed batch has an outcome');
      if (outcome.refusal !== undefined) pending.reject(outcome.refusal);
      else pending.resolve(outcome.output);
    });
  }
}

function decide(txn: CountingWriteView, pending: Pending): Outcome {
  const writeCountBefore = txn.writeCount;
  try {
    return { output: pending.run(txn) };
  } catch (error) {
    if (isUnreadable(error) && txn.writeCount === writeCountBefore) return { refusal: error };
    if (!(error instanceof S3Error)) throw error;
    assert.equal(txn.writeCount, writeCountBefore, 'an action refuses before its first write');
    return { refusal: error };
  }
}

/** A record that an action stumbles over is no matter of the others in its batch. */
function isUnreadable(error: unknown): error is Error {
  return error instanceof DamagedRecordError || error instanceof NewerFormatError;
}
