/**
 * Runs that once failed, as files of `test/corpus/model`: the actions themselves, which mean the
 * same when the choice of random steps has changed.
 *
 * @module
 */

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { REPOSITORY } from '../support/repository.js';
import { runActions, RunFailure, type SubjectRow } from './run.js';
import type { Action } from './system.js';

export interface CorpusRun {
  readonly file: string;
  /** Name of the subject that failed; all subjects run it. */
  readonly subject: string;
  /** What went wrong. */
  readonly why: string;
  readonly actions: readonly Action[];
}

/** A failure is made smaller for no longer than this. */
const REDUCE_MS_MAX = 60_000;

export function corpusRuns(): CorpusRun[] {
  const directory = join(REPOSITORY, 'test/corpus/model');
  return readdirSync(directory)
    .filter((name) => name.endsWith('.json'))
    .sort()
    .map((file) => ({
      file,
      ...(JSON.parse(readFileSync(join(directory, file), 'utf8')) as Omit<CorpusRun, 'file'>),
    }));
}

/** The text of a file for the corpus: one action a line. */
export function corpusText({ subject, why, actions }: Omit<CorpusRun, 'file'>): string {
  const lines = actions.map((action) => `    ${JSON.stringify(action)}`).join(',\n');
  const head = `  "subject": ${JSON.stringify(subject)},\n  "why": ${JSON.stringify(why)},`;
  return `{\n${head}\n  "actions": [\n${lines}\n  ]\n}\n`;
}

/** Leaves out every action that the failure does not need. */
export async function reduced(row: SubjectRow, failure: RunFailure): Promise<RunFailure> {
  const untilMs = performance.now() + REDUCE_MS_MAX;
  let smallest = failure;
  for (let length = Math.ceil(failure.actions.length / 2); length >= 1;) {
    let hasShrunk = false;
    for (let start = 0; start < smallest.actions.length && performance.now() < untilMs;) {
      const actions = smallest.actions.toSpliced(start, length);
      const smaller = await failureOf(row, actions);
      if (smaller === undefined) start += length;
      else {
        smallest = smaller;
        hasShrunk = true;
      }
    }
    if (length === 1 && !hasShrunk) break;
    length = hasShrunk ? length : Math.max(1, Math.floor(length / 2));
    if (performance.now() > untilMs) break;
  }
  return smallest;
}

async function failureOf(
  row: SubjectRow,
  actions: readonly Action[],
): Promise<RunFailure | undefined> {
  try {
    await runActions(row, actions);
    return undefined;
  } catch (error) {
    // Without an action others may lose their sense; that is not what was looked for.
    const isDifference =
      error instanceof RunFailure && (error.cause as { code?: string }).code === 'ERR_ASSERTION';
    return isDifference ? error : undefined;
  }
}
