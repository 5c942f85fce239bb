/**
 * Whether a history of one register is linearisable: each operation can be given one moment between
 * its request and its answer so that all of them, done one after the other, show what was seen.
 *
 * The events are walked through once. What is kept is the set of all states that the register can
 * be in: its value, and which of the operations in progress have had their moment. An operation gets
 * it at the latest when its answer comes, after any sequence of others in progress; states in which
 * that is impossible are given up. No state left: no order explains the history. Nothing is guessed
 * and nothing is left out, so the check is exact; its cost grows with the number of operations in
 * progress at once, not with the length of the history.
 *
 * @see Lowe, "Testing for linearizability" (2017), on just-in-time linearisation
 * @module
 */

import assert from 'node:assert/strict';

import type { Operation, RegisterHistory } from './register-history.js';

export interface Violation {
  /** The operation that no order explains. */
  readonly operation: Operation;
  /** Values the register could have held before its answer came. */
  readonly possible: readonly number[];
  /** Operations that were in progress with it. */
  readonly inProgress: readonly Operation[];
}

/** Bits of the mask of a state. */
const SLOTS = 32;
/** A state is one number: value times this, plus the mask. */
const MASK_SIZE = 2 ** SLOTS;
const VALUE_MAX = Number.MAX_SAFE_INTEGER / MASK_SIZE - 1;

/** @returns what is wrong with the history; undefined when it is linearisable. */
export function findViolation(history: RegisterHistory): Violation | undefined {
  const walk = new Walk();
  for (const event of eventsOf(history)) {
    const operation = history.at(Math.abs(event) - 1);
    if (event > 0) {
      walk.begin(event - 1, operation);
      continue;
    }
    if (operation.returnedAt === undefined) walk.expire(-event - 1);
    else {
      const violation = walk.end(-event - 1);
      if (violation !== undefined) return violation;
    }
  }
  return undefined;
}

/** Operation n begins: n + 1; it has its answer, or its deadline passed: -(n + 1). */
function* eventsOf(history: RegisterHistory): Generator<number> {
  let last = 0;
  for (let index = 0; index < history.count; index += 1) {
    const { invokedAt, returnedAt = 0, deadline = 0 } = history.at(index);
    last = Math.max(last, invokedAt, returnedAt, deadline);
  }
  const events = new Int32Array(last + 1);
  for (let index = 0; index < history.count; index += 1) {
    const { invokedAt, returnedAt, deadline } = history.at(index);
    assert.equal(events[invokedAt], 0, 'no two events of a key at one time');
    events[invokedAt] = index + 1;
    const end = returnedAt ?? deadline;
    if (end === undefined) continue;
    assert.equal(events[end], 0, 'no two events of a key at one time');
    events[end] = -index - 1;
  }
  for (const event of events) if (event !== 0) yield event;
}

class Walk {
  /** Operations in progress by slot. */
  readonly #slots: (Operation | undefined)[] = [];
  readonly #slotOf = new Map<number, number>();
  /** Nothing is there at first. */
  #states = new Set<number>([0]);

  begin(index: number, operation: Operation): void {
    assert(operation.from <= VALUE_MAX && operation.to <= VALUE_MAX);
    const free = this.#slots.indexOf(undefined);
    const slot = free === -1 ? this.#slots.length : free;
    assert(slot < SLOTS, 'more operations in progress than the checker has bits for');
    this.#slots[slot] = operation;
    this.#slotOf.set(index, slot);
    if (isChange(operation)) return;
    this.#states = new Set([...this.#states].map((state) => this.#withReads(state)));
  }

  /** The answer is there: only states in which the operation has happened go on. */
  end(index: number): Violation | undefined {
    const slot = this.#slotOf.get(index);
    assert(slot !== undefined);
    const next = new Set<number>();
    const waiting: number[] = [];
    for (const state of this.#states) {
      if (hasBit(state, slot)) next.add(withoutBit(state, slot));
      else waiting.push(state);
    }
    this.#reach(waiting, slot, (state) => next.add(state));
    if (next.size === 0) {
      const operation = this.#slots[slot];
      assert(operation !== undefined);
      return {
        operation,
        possible: [...new Set([...this.#states].map(valueOf))],
        inProgress: this.#slots.filter(
          (one) => one !== undefined && one !== operation,
        ) as Operation[],
      };
    }
    this.#states = next;
    this.#free(index, slot);
    return undefined;
  }

  /** The operation has happened or never will. */
  expire(index: number): void {
    const slot = this.#slotOf.get(index);
    assert(slot !== undefined);
    // Where it has not happened yet it may, as the last thing before this moment.
    const next = new Set<number>();
    const waiting = [...this.#states];
    for (const state of waiting) next.add(withoutBit(state, slot));
    this.#reach(waiting, slot, (state) => next.add(state));
    this.#states = next;
    this.#free(index, slot);
  }

  /** Finds all states, its bit removed, that end with the operation of a slot having its moment. */
  #reach(from: readonly number[], wanted: number, found: (state: number) => void): void {
    const waiting = from.filter((state) => !hasBit(state, wanted));
    const seen = new Set(waiting);
    for (let state = waiting.pop(); state !== undefined; state = waiting.pop()) {
      for (let slot = 0; slot < this.#slots.length; slot += 1) {
        const operation = this.#slots[slot];
        if (operation === undefined || !isChange(operation) || hasBit(state, slot)) continue;
        const value = valueAfter(operation, valueOf(state));
        if (value === undefined) continue;
        const next = this.#withReads(value * MASK_SIZE + withBit(maskOf(state), slot));
        if (hasBit(next, wanted)) found(withoutBit(next, wanted));
        else if (!seen.has(next)) {
          seen.add(next);
          waiting.push(next);
        }
      }
    }
  }

  #free(index: number, slot: number): void {
    this.#slots[slot] = undefined;
    this.#slotOf.delete(index);
  }

  /** Reads that can have their moment have it: it changes nothing, so waiting can not help them. */
  #withReads(state: number): number {
    const value = valueOf(state);
    let mask = maskOf(state);
    for (let slot = 0; slot < this.#slots.length; slot += 1) {
      const operation = this.#slots[slot];
      if (operation === undefined || isChange(operation)) continue;
      if (valueAfter(operation, value) !== undefined) mask = withBit(mask, slot);
    }
    return value * MASK_SIZE + mask;
  }
}

function isChange({ kind }: Operation): boolean {
  return kind === 'write' || kind === 'exchange' || kind === 'remove';
}

/** What the register holds after the operation; undefined when it can not happen there. */
export function valueAfter({ kind, from, to }: Operation, value: number): number | undefined {
  switch (kind) {
    case 'read':
      return value === from ? value : undefined;
    case 'not':
      return value !== from ? value : undefined;
    case 'other':
      return value !== 0 && value !== from ? value : undefined;
    case 'write':
      return to;
    case 'exchange':
      return value === from ? to : undefined;
    case 'remove':
      return value === from || value === 0 ? 0 : undefined;
  }
}

function valueOf(state: number): number {
  return Math.floor(state / MASK_SIZE);
}

function maskOf(state: number): number {
  return state % MASK_SIZE;
}

function hasBit(state: number, slot: number): boolean {
  return (maskOf(state) & (1 << slot)) !== 0;
}

function withBit(mask: number, slot: number): number {
  return (mask | (1 << slot)) >>> 0;
}

function withoutBit(state: number, slot: number): number {
  return hasBit(state, slot) ? state - 2 ** slot : state;
}
