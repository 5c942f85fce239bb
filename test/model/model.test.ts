// Random runs of steps against the reference model: after each step store and model show the same.
//
// S3ISH_MODEL_RUNS sets the runs per subject, S3ISH_MODEL_SEED repeats one (a failure prints it).

import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { describe, test } from 'node:test';

import fc from 'fast-check';

import { HttpSystem } from './http-system.js';
import { Model } from './model.js';
import { steps, BUCKETS, type Step } from './steps.js';
import { StoreSystem } from './store-system.js';
import type { Action, System } from './system.js';

const RUNS = Number(process.env['S3ISH_MODEL_RUNS'] ?? 24);
/** Of one subject: a slow machine does fewer runs, and a failure is shrunk no longer than this. */
const TIME_MS_MAX = Math.max(60_000, RUNS * 2_000);
const SEED = Number(process.env['S3ISH_MODEL_SEED'] ?? randomInt(2 ** 31));

interface Subject extends System {
  close(): Promise<void>;
  assertNothingLeftOver?(model: Model): Promise<void>;
}

interface Row {
  readonly name: string;
  readonly runs: number;
  readonly open: () => Promise<Subject>;
}

const SUBJECTS: readonly Row[] = [
  { name: 'the memory store', runs: RUNS, open: () => StoreSystem.open('memory') },
  { name: 'the file store', runs: RUNS, open: () => StoreSystem.open('file') },
  {
    name: 'a server on the memory store',
    runs: Math.ceil(RUNS / 6),
    open: () => HttpSystem.open('memory'),
  },
  {
    name: 'a server on the file store',
    runs: Math.ceil(RUNS / 6),
    open: () => HttpSystem.open('file'),
  },
];

describe(`model, seed ${SEED}`, () => {
  for (const { name, runs, open } of SUBJECTS) {
    test(`${name} does what the model does (${runs} runs)`, async (context) => {
      const counts = new Map<string, number>();
      let runCount = 0;
      await fc.assert(
        fc.asyncProperty(steps, async (chosen) => {
          runCount += 1;
          const subject = await open();
          try {
            await run(subject, chosen, counts);
          } finally {
            await subject.close();
          }
        }),
        { seed: SEED, numRuns: runs, interruptAfterTimeLimit: TIME_MS_MAX },
      );
      context.diagnostic(
        `${runCount} runs: ${[...counts].map(([kind, count]) => `${kind} ${count}`).join(', ')}`,
      );
    });
  }
});

async function run(
  subject: Subject,
  chosen: readonly Step[],
  counts: Map<string, number>,
): Promise<void> {
  const model = new Model();
  const done: Action[] = [];
  const compare = async (action: Action): Promise<void> => {
    done.push(action);
    const expected = await model.apply(action);
    assert.deepEqual(await subject.apply(action), expected);
    const what = typeof expected === 'string' && expected !== 'ok' ? ` ${expected}` : '';
    counts.set(action.kind + what, (counts.get(action.kind + what) ?? 0) + 1);
  };
  try {
    for (const bucket of BUCKETS) await compare({ kind: 'createBucket', bucket });
    for (const step of chosen) {
      const action = step(model);
      if (action !== undefined) await compare(action);
    }
    for (const [bucket, objects] of model.buckets) {
      await compare({ kind: 'counters', bucket });
      for (const key of objects.keys()) {
        await compare({ kind: 'get', bucket, key });
        await compare({ kind: 'getTag', bucket, key });
      }
    }
    await subject.assertNothingLeftOver?.(model);
  } catch (error) {
    // Steps are functions and print as such; what they came to is what one wants to see.
    const trace = done.map((action) => JSON.stringify(action)).join('\n');
    throw new Error(`${String(error)}\nThe last of these steps failed:\n${trace}`, {
      cause: error,
    });
  }
}
