/**
 * What all clients did, key by key, and what they may expect to find.
 *
 * @module
 */

import assert from 'node:assert/strict';

import { findViolation } from './linearizability.js';
import { RegisterHistory, Ticks, type Kind, type Operation } from './register-history.js';
import { Values } from './values.js';

/** What an answer, or its absence, says about a key. */
export type Effect = Pick<Operation, 'kind' | 'from' | 'to'>;

export class Recorder {
  readonly values = new Values();
  readonly ticks = new Ticks();
  readonly keys: readonly string[];
  readonly #histories: ReadonlyMap<string, RegisterHistory>;
  /** The ETag that was seen last under a key; empty when nothing was. */
  readonly #hints = new Map<string, string>();
  unansweredCount = 0;

  constructor(keys: readonly string[]) {
    this.keys = keys;
    this.#histories = new Map(keys.map((key) => [key, new RegisterHistory()]));
  }

  get operationsCount(): number {
    return [...this.#histories.values()].reduce((sum, { count }) => sum + count, 0);
  }

  hint(key: string): string {
    return this.#hints.get(key) ?? '';
  }

  /** The answer told this about a key. */
  answered(key: string, invokedAt: number, returnedAt: number, effect: Effect): void {
    this.#history(key).add({ ...effect, invokedAt, returnedAt });
    if (effect.kind === 'read') this.#see(key, effect.from);
    if (effect.kind === 'write' || effect.kind === 'exchange') this.#see(key, effect.to);
    if (effect.kind === 'remove') this.#see(key, 0);
  }

  /** No answer came: this may have happened to a key, or still will. */
  unanswered(key: string, invokedAt: number, effect: Effect): void {
    this.unansweredCount += 1;
    this.#history(key).add({ ...effect, invokedAt, returnedAt: undefined });
  }

  /** The processes that owe answers are gone: what they did not do by now they never will. */
  crashIsOver(): void {
    for (const history of this.#histories.values()) history.closeOpen(this.ticks);
  }

  /** @throws when no order of the operations on some key explains what was seen. */
  assertLinearizable(): void {
    for (const [key, history] of this.#histories) {
      const violation = findViolation(history);
      if (violation === undefined) continue;
      const { operation, possible, inProgress } = violation;
      const last = lastBefore(history, operation);
      assert.fail(
        [
          `${key}: no order of the operations explains ${this.#text(operation)}`,
          `it could have held: ${possible.map((id) => this.#name(id)).join(', ')}`,
          ...inProgress.map((one) => `meanwhile: ${this.#text(one)}`),
          ...last.map((one) => `before: ${this.#text(one)}`),
        ].join('\n'),
      );
    }
  }

  #see(key: string, id: number): void {
    this.#hints.set(key, id === 0 ? '' : this.#name(id));
  }

  #history(key: string): RegisterHistory {
    const history = this.#histories.get(key);
    assert(history !== undefined, key);
    return history;
  }

  #text({ kind, from, to, invokedAt, returnedAt, deadline }: Operation): string {
    const end = returnedAt ?? `no answer${deadline === undefined ? '' : `, until ${deadline}`}`;
    return `${kind} ${this.#name(from)} -> ${this.#name(to)} at ${invokedAt} to ${end}`;
  }

  #name(id: number): string {
    return id === 0 ? 'nothing' : this.values.etagOf(id);
  }
}

/** An effect with the parts that its kind has. */
export function effect(kind: Kind, { from = 0, to = 0 }: { from?: number; to?: number }): Effect {
  return { kind, from, to };
}

const LAST_COUNT = 24;

function lastBefore(history: RegisterHistory, operation: Operation): Operation[] {
  const before: Operation[] = [];
  for (let index = 0; index < history.count; index += 1) {
    const one = history.at(index);
    if (one.invokedAt < (operation.returnedAt ?? Infinity)) before.push(one);
  }
  return before.sort((one, other) => one.invokedAt - other.invokedAt).slice(-LAST_COUNT);
}
