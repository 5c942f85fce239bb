// Random runs of 40 steps against the reference model: after each step system and model show the
// same, over clean and dirty restarts, failing disks, lost answers and clocks that jump.
//
// S3ISH_MODEL_RUNS sets the runs on the file store (200; the other subjects do a part of that), and
// S3ISH_MODEL_SEED repeats them: a failure prints its seed, and the actions as a file for
// test/corpus/model, which runs first.

import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { describe, test } from 'node:test';

import fc from 'fast-check';

import { reportFigure } from '../support/reliability.js';
import { corpusRuns, corpusText, reduced } from './corpus.js';
import { HttpSystem } from './http-system.js';
import { runActions, RunFailure, runSteps, type SubjectRow } from './run.js';
import { steps } from './steps.js';
import { StoreSystem } from './store-system.js';
import { PART_SIZE_BYTES_MIN } from './system.js';

const RUNS = Number(process.env['S3ISH_MODEL_RUNS'] ?? 200);
/** Of one subject: a slow machine does fewer runs. */
const TIME_MS_MAX = Math.max(40_000, RUNS * 500);
const SEED = Number(process.env['S3ISH_MODEL_SEED'] ?? randomInt(2 ** 31));

interface Row extends SubjectRow {
  /** Part of all runs. */
  readonly share: number;
}

const inStore = { hasClock: true, partSizeBytesMin: PART_SIZE_BYTES_MIN };

const SUBJECTS: readonly Row[] = [
  {
    name: 'the file store',
    share: 1,
    ...inStore,
    open: (clock) => StoreSystem.open('file', clock),
  },
  {
    ...{ name: 'the memory store', share: 0.5, ...inStore },
    open: (clock) => StoreSystem.open('memory', clock),
  },
  {
    ...{ name: 'a server on the file store', share: 0.02, ...inStore },
    open: (clock) => HttpSystem.open('file', clock),
  },
  {
    ...{ name: 'a server on the memory store', share: 0.02, ...inStore },
    open: (clock) => HttpSystem.open('memory', clock),
  },
  {
    ...{ name: 'processes that are killed', share: 0.01, hasClock: false, partSizeBytesMin: 0 },
    open: () => HttpSystem.openProcesses(),
  },
];

describe('corpus', () => {
  for (const { file, why, actions } of corpusRuns()) {
    for (const row of SUBJECTS.filter(({ hasClock }) => hasClock)) {
      test(`${row.name} does ${file}`, async () => {
        await runActions(row, actions).catch((cause: unknown) => {
          assert.fail(`a run of the corpus fails again (${why}): ${String(cause)}`);
        });
      });
    }
  }
});

describe(`model, seed ${SEED}`, () => {
  for (const row of SUBJECTS) {
    const runs = Math.ceil(RUNS * row.share);
    test(`${row.name} does what the model does (${runs} runs)`, async (context) => {
      const counts = new Map<string, number>();
      let runCount = 0;
      const result = await fc.check(
        fc.asyncProperty(steps, async (chosen) => {
          runCount += 1;
          await runSteps(row, chosen, counts);
        }),
        { seed: SEED, numRuns: runs, interruptAfterTimeLimit: TIME_MS_MAX, endOnFailure: true },
      );
      if (result.failed && result.errorInstance !== null) {
        await explain(row, result.errorInstance);
      }
      const each = [...counts].sort().map(([kind, count]) => `${kind} ${count}`);
      context.diagnostic(`${runCount} runs: ${each.join(', ')}`);
      const faultCount = sumOf(counts, /^interrupt|^reopen/);
      reportFigure('R1', {
        what: row.name,
        figure:
          `${runCount.toLocaleString('en')} runs of 40 steps, ${faultCount} restarts, crashes and faults, ` +
          `${sumOf(counts, /^clock/)} jumps of the clock, 0 differences`,
        ...{ seed: SEED, faultCount },
      });
    });
  }
});

async function explain(row: SubjectRow, error: unknown): Promise<never> {
  if (!(error instanceof RunFailure)) throw error;
  const { actions, cause } = await reduced(row, error);
  const why = `found with seed ${SEED}`;
  assert.fail(
    [
      String(cause),
      `Repeat: S3ISH_MODEL_SEED=${SEED} node --test build/test/model/model.test.js`,
      'Keep it as test/corpus/model/<what it is>.json:',
      corpusText({ subject: row.name, why, actions }),
    ].join('\n'),
  );
}

function sumOf(counts: ReadonlyMap<string, number>, pattern: RegExp): number {
  return [...counts]
    .filter(([kind]) => pattern.test(kind))
    .reduce((sum, [, count]) => sum + count, 0);
}
