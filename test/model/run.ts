/**
 * One run: actions on a system and on the model, which must show the same after each.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { isDeepStrictEqual } from 'node:util';

import type { Clock } from '../support/clocked-client.js';
import { Model, type ModelOptions } from './model.js';
import { BUCKETS, type Step } from './steps.js';
import { NO_ANSWER, NOT_SHOWN, type Action, type System } from './system.js';

/** What a run is done on. */
export interface Subject extends System {
  close(): Promise<void>;
  assertNothingLeftOver?(model: Model): Promise<void>;
}

/** A kind of subject. */
export interface SubjectRow {
  readonly name: string;
  /** Whether it lives on the clock of the run. */
  readonly hasClock: boolean;
  readonly partSizeBytesMin: number;
  readonly open: (clock: Clock) => Promise<Subject>;
}

/** A run found a difference. */
export class RunFailure extends Error {
  constructor(
    /** The last of them showed it, or the look at everything after it. */
    readonly actions: readonly Action[],
    cause: unknown,
  ) {
    super(String(cause), { cause });
  }
}

const START_MS = Date.UTC(2026, 0, 1);
/** From action to action; no whole number of seconds. */
const ACTION_MS = 1_700;

/** Random steps, made concrete as the state of the run demands. @throws {RunFailure} */
export function runSteps(
  row: SubjectRow,
  steps: readonly Step[],
  counts: Map<string, number>,
): Promise<void> {
  return run(row, counts, async (apply, model) => {
    for (const bucket of BUCKETS) await apply({ kind: 'createBucket', bucket });
    for (const step of steps) {
      const action = step(model);
      if (action !== undefined) await apply(action);
    }
  });
}

/** The actions of an earlier run. @throws {RunFailure} */
export function runActions(row: SubjectRow, actions: readonly Action[]): Promise<void> {
  return run(row, new Map(), async (apply) => {
    for (const action of actions) await apply(action);
  });
}

async function run(
  row: SubjectRow,
  counts: Map<string, number>,
  work: (apply: (action: Action) => Promise<void>, model: Model) => Promise<void>,
): Promise<void> {
  const clock = { nowMs: START_MS };
  const { partSizeBytesMin } = row;
  const options: ModelOptions = { clock: row.hasClock ? clock : undefined, partSizeBytesMin };
  const model = new Model(options);
  const subject = await row.open(clock);
  const done: Action[] = [];
  const apply = async (action: Action): Promise<void> => {
    done.push(action);
    clock.nowMs += ACTION_MS + (action.kind === 'clock' ? action.byMs : 0);
    const seen = await subject.apply(action);
    let what = action.kind === 'interrupt' ? `interrupt ${action.by.kind}` : action.kind;
    if (seen === NO_ANSWER) {
      assert(action.kind === 'interrupt', 'only what is interrupted stays without an answer');
      const hasHappened = await settle(subject, model, action);
      if (hasHappened) await model.apply(action.change);
      what += hasHappened ? ', done' : ', not done';
    } else {
      const expected = await model.apply(action);
      if (seen !== NOT_SHOWN) assert.deepEqual(seen, expected);
      if (typeof expected === 'string' && expected !== 'ok') what += ` ${expected}`;
    }
    counts.set(what, (counts.get(what) ?? 0) + 1);
  };
  try {
    await work(apply, model);
    for (const action of everythingIn(model)) {
      const seen = await subject.apply(action);
      if (seen !== NOT_SHOWN) assert.deepEqual(seen, await model.apply(action));
    }
    await subject.assertNothingLeftOver?.(model);
  } catch (error) {
    throw new RunFailure(done, error);
  } finally {
    await subject.close();
  }
}

/**
 * Whether an action whose answer got lost was carried out: the system shows everything as it would
 * be then, or everything as it was before. @throws when it shows neither.
 */
async function settle(
  subject: Subject,
  model: Model,
  { change, by }: Extract<Action, { kind: 'interrupt' }>,
): Promise<boolean> {
  const after = model.clone();
  await after.apply(change);
  // A commit that failed did not happen, and one whose answer alone got lost did.
  if (by.kind !== 'index' && (await shows(subject, after))) return true;
  if (by.kind !== 'answer' && (await shows(subject, model.clone()))) return false;
  for (const action of everythingIn(by.kind === 'index' ? model : after)) {
    assert.deepEqual(
      await subject.apply(action),
      await (by.kind === 'index' ? model.clone() : after).apply(action),
      'carried out in part',
    );
  }
  assert.fail('what the system shows changes while nothing is done');
}

async function shows(subject: Subject, model: Model): Promise<boolean> {
  for (const action of everythingIn(model)) {
    const seen = await subject.apply(action);
    if (seen !== NOT_SHOWN && !isDeepStrictEqual(seen, await model.apply(action))) return false;
  }
  return true;
}

/** Looks at everything a client can see. */
function everythingIn(model: Model): Action[] {
  const places = [...model.buckets].flatMap(([bucket, objects]) =>
    [...objects.keys()].map((key) => ({ bucket, key })),
  );
  const whole = { prefix: '', countMax: 1000 };
  return [
    ...BUCKETS.map((bucket): Action => {
      return { kind: 'list', bucket, ...whole, delimiter: '', startAfter: '' };
    }),
    ...BUCKETS.map((bucket): Action => ({ kind: 'listUploads', bucket, ...whole })),
    ...BUCKETS.map((bucket): Action => ({ kind: 'counters', bucket })),
    ...places.map((place): Action => ({ kind: 'get', ...place })),
    ...places.map((place): Action => ({ kind: 'getTag', ...place })),
    ...model.uploads.flatMap(({ isOpen }, upload): Action[] =>
      isOpen ? [{ kind: 'listParts', upload, countMax: 1000 }] : [],
    ),
  ];
}
