// The checker itself: histories whose verdict is known, and short random ones against a checker that
// tries every order.
//
// S3ISH_CHECKER_SEED repeats a run, S3ISH_CHECKER_RUNS sets how many histories are tried (20,000).

import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { test } from 'node:test';

import fc from 'fast-check';

import { findViolation, valueAfter } from './linearizability.js';
import { RegisterHistory, Ticks, type Kind, type Operation } from './register-history.js';

const SEED = Number(process.env['S3ISH_CHECKER_SEED'] ?? randomInt(2 ** 31));
const RUNS = Number(process.env['S3ISH_CHECKER_RUNS'] ?? 20_000);

/** `kind from>to invokedAt-returnedAt`; no answer: `-?`, or `-?9` with a deadline. */
function parse(line: string): Operation {
  const pattern = /^(\w+) (\d*)(?:>(\d+))? (\d+)-(\??)(\d*)$/;
  const [, kind, from, to, invokedAt, unknown, end] = pattern.exec(line) ?? assert.fail(line);
  const time = end === '' ? undefined : Number(end);
  return {
    ...{ kind: kind as Kind, from: Number(from), to: Number(to ?? 0) },
    ...{ invokedAt: Number(invokedAt), returnedAt: unknown === '' ? time : undefined },
    deadline: unknown === '' ? undefined : time,
  };
}

function historyOf(operations: readonly Operation[]): RegisterHistory {
  const history = new RegisterHistory();
  for (const operation of operations) history.add(operation);
  return history;
}

const LEGAL: Readonly<Record<string, readonly string[]>> = {
  'nothing at all': [],
  'a read of nothing': ['read 0 1-2'],
  'a write, then its read': ['write >1 1-2', 'read 1 3-4'],
  'a read during a write shows the old or the new': ['write >1 1-6', 'read 0 2-3', 'read 1 4-5'],
  'writes at once may come in any order': ['write >1 1-4', 'write >2 2-3', 'read 1 5-6'],
  'a delete, then nothing': ['write >1 1-2', 'write >0 3-4', 'read 0 5-6'],
  'the winner of a race and the losers': ['exchange 0>1 1-4', 'other 0 2-5', 'read 1 6-7'],
  'a write without an answer that happened': ['write >1 1-?', 'read 1 2-3', 'read 1 4-5'],
  'a write without an answer that never happened': ['write >1 1-?', 'read 0 2-3'],
  'a write without an answer that happened late': ['write >1 1-?', 'read 0 2-3', 'read 1 4-5'],
  'one that happened before its deadline': ['write >1 1-?4', 'read 0 2-3', 'read 1 5-6'],
  'one that happened first in a chain': ['write >1 1-?4', 'exchange 1>2 2-?5', 'read 2 6-7'],
  'a delete on a condition finds nothing': ['remove 1 1-2', 'read 0 3-4'],
};

const ILLEGAL: Readonly<Record<string, readonly string[]>> = {
  'a stale read': ['write >1 1-2', 'write >2 3-4', 'read 1 5-6'],
  'a read of what was never written': ['write >1 1-2', 'read 7 3-4'],
  'a read of what is not written yet': ['read 1 1-2', 'write >1 3-4'],
  'a lost write': ['write >1 1-2', 'read 0 3-4'],
  'a delete that is undone': ['write >1 1-2', 'write >0 3-4', 'read 1 5-6'],
  'two winners': ['exchange 0>1 1-4', 'exchange 0>2 2-3'],
  'no winner': ['other 0 1-2', 'other 0 3-4'],
  'reads that go back': ['write >1 1-2', 'write >2 3-10', 'read 2 4-5', 'read 1 6-7'],
  'two readers that disagree on the order': [
    ...['write >1 1-3', 'write >2 2-4', 'read 1 5-6', 'read 2 7-8'],
  ],
  'a refusal that nothing explains': ['write >1 1-2', 'other 1 3-4'],
  'a write without an answer that comes and goes': [
    ...['write >1 1-2', 'write >2 3-?', 'read 2 4-5', 'read 1 6-7'],
  ],
  'one that happened after its deadline': ['write >1 1-?2', 'read 0 3-4', 'read 1 5-6'],
  'a lost update': ['write >1 1-2', 'exchange 1>2 3-6', 'exchange 1>3 4-5'],
};

for (const [name, lines] of Object.entries(LEGAL)) {
  test(`findViolation accepts ${name}`, () => {
    const operations = lines.map(parse);
    assert(isExplained(operations), 'the slow checker agrees');
    assert.equal(findViolation(historyOf(operations)), undefined);
  });
}

for (const [name, lines] of Object.entries(ILLEGAL)) {
  test(`findViolation finds ${name}`, () => {
    const operations = lines.map(parse);
    assert(!isExplained(operations), 'the slow checker agrees');
    assert.notEqual(findViolation(historyOf(operations)), undefined);
  });
}

test('RegisterHistory gives what was not answered before a crash a deadline', () => {
  const ticks = new Ticks();
  const history = new RegisterHistory();
  history.add({ kind: 'write', from: 0, to: 1, invokedAt: ticks.next(), returnedAt: undefined });
  history.closeOpen(ticks);
  for (const from of [0, 1]) {
    const invokedAt = ticks.next();
    history.add({ kind: 'read', from, to: 0, invokedAt, returnedAt: ticks.next() });
  }
  assert.equal(history.openCount, 0);
  assert.deepEqual(findViolation(history)?.operation, history.at(2));
});

test(`findViolation decides as one that tries every order (seed ${SEED})`, (context) => {
  const verdicts = { legal: 0, illegal: 0 };
  fc.assert(
    fc.property(randomOperations, (operations) => {
      const isLegal = isExplained(operations);
      assert.equal(findViolation(historyOf(operations)) === undefined, isLegal);
      verdicts[isLegal ? 'legal' : 'illegal'] += 1;
    }),
    { seed: SEED, numRuns: RUNS },
  );
  assert(verdicts.legal > RUNS / 20 && verdicts.illegal > RUNS / 20, 'both verdicts came up');
  context.diagnostic(`${verdicts.legal} legal histories, ${verdicts.illegal} illegal ones`);
});

const value = fc.integer({ min: 0, max: 3 });

/** Up to seven operations of up to four clients, whose events are dealt out at random. */
const randomOperations: fc.Arbitrary<Operation[]> = fc
  .array(
    fc.record({
      kind: fc.constantFrom<Kind>(
        'read',
        'read',
        'not',
        'other',
        'write',
        'write',
        'exchange',
        'remove',
      ),
      ...{ from: value, to: value, begin: fc.nat(1000), lasts: fc.nat(400) },
      outcome: fc.constantFrom('known', 'known', 'known', 'open', 'deadline'),
    }),
    { maxLength: 7 },
  )
  .map((drafts) => {
    const events = drafts
      .flatMap(({ begin, lasts }, index) => [
        { at: begin, order: 0, index },
        { at: begin + lasts, order: 1, index },
      ])
      .sort(
        (one, other) => one.at - other.at || one.order - other.order || one.index - other.index,
      );
    const timeOf = (index: number, order: number): number =>
      1 + events.findIndex((event) => event.index === index && event.order === order);
    return drafts.map(({ kind, from, to, outcome }, index) => {
      const isKnown = outcome === 'known' || ['read', 'not', 'other'].includes(kind);
      const end = timeOf(index, 1);
      return {
        ...{ kind, from, to, invokedAt: timeOf(index, 0) },
        returnedAt: isKnown ? end : undefined,
        deadline: !isKnown && outcome === 'deadline' ? end : undefined,
      };
    });
  });

/** By trying: the next operation is any that began before every end of those that must come. */
function isExplained(operations: readonly Operation[], held = 0): boolean {
  const mustCome = operations.filter(({ returnedAt }) => returnedAt !== undefined);
  if (mustCome.length === 0) return true;
  const firstEnd = Math.min(...mustCome.map(({ returnedAt = Infinity }) => returnedAt));
  return operations.some((operation, index) => {
    if (operation.invokedAt > firstEnd) return false;
    const after = valueAfter(operation, held);
    if (after === undefined) return false;
    // One whose deadline is before this moment has not happened and does not come back.
    const others = operations
      .filter((_, position) => position !== index)
      .filter(
        ({ returnedAt, deadline = Infinity }) =>
          returnedAt !== undefined || deadline > operation.invokedAt,
      );
    return isExplained(others, after);
  });
}
