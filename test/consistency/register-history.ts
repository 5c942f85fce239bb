/**
 * What clients saw of one key, in compact arrays: a register that holds a value or nothing.
 *
 * Values are numbers above 0 that stand for what was written; 0 is the absent object. Times are
 * ticks of one counter of the client process, each given out once: what it counted first came first.
 *
 * @module
 */

import assert from 'node:assert/strict';

/** What one operation says about the register, and what it makes of it. */
export const KINDS = ['read', 'not', 'other', 'write', 'exchange', 'remove'] as const;

/**
 * - `read`: it held `from`.
 * - `not`: it did not hold `from`; perhaps nothing.
 * - `other`: it held something, and not `from`.
 * - `write`: it holds `to` now, whatever it held.
 * - `exchange`: it held `from` and holds `to` now.
 * - `remove`: it held `from` or nothing, and holds nothing now.
 */
export type Kind = (typeof KINDS)[number];

export interface Operation {
  readonly kind: Kind;
  readonly from: number;
  readonly to: number;
  readonly invokedAt: number;
  /**
   * Undefined when no answer came: it happened at any time before `deadline`, or never.
   */
  readonly returnedAt: number | undefined;
  /** When an operation without an answer can not happen any more; undefined: at any time. */
  readonly deadline?: number | undefined;
}

/** Gives out times. */
export class Ticks {
  #last = 0;

  get last(): number {
    return this.#last;
  }

  next(): number {
    this.#last += 1;
    return this.#last;
  }
}

const UNKNOWN = 0;
const FIELDS = 6;

/** All operations on one key, in the order in which they were added. */
export class RegisterHistory {
  #rows = new Int32Array(FIELDS * 1024);
  #count = 0;
  /** Indices of operations without an answer and without a deadline. */
  #open: number[] = [];

  get count(): number {
    return this.#count;
  }

  /** Of operations without an answer that may still happen. */
  get openCount(): number {
    return this.#open.length;
  }

  /** Adds an operation once its answer is there, or will not come. */
  add(operation: Operation): void {
    const { kind, from, to, invokedAt, returnedAt, deadline } = operation;
    assert(returnedAt === undefined || returnedAt > invokedAt, 'an answer follows its request');
    if (this.#rows.length === this.#count * FIELDS) {
      const larger = new Int32Array(this.#rows.length * 2);
      larger.set(this.#rows);
      this.#rows = larger;
    }
    const row = [KINDS.indexOf(kind), from, to, invokedAt, returnedAt ?? UNKNOWN, deadline ?? 0];
    this.#rows.set(row, this.#count * FIELDS);
    if (returnedAt === undefined && deadline === undefined) this.#open.push(this.#count);
    this.#count += 1;
  }

  /** A crash is over: what was not answered until now has happened or never will. */
  closeOpen(ticks: Ticks): void {
    for (const index of this.#open) this.#rows[index * FIELDS + 5] = ticks.next();
    this.#open = [];
  }

  at(index: number): Operation {
    const [kind = 0, from = 0, to = 0, invokedAt = 0, returnedAt = 0, deadline = 0] =
      this.#rows.subarray(index * FIELDS, (index + 1) * FIELDS);
    return {
      ...{ kind: KINDS[kind] ?? 'read', from, to, invokedAt },
      returnedAt: returnedAt === UNKNOWN ? undefined : returnedAt,
      deadline: deadline === 0 ? undefined : deadline,
    };
  }
}
