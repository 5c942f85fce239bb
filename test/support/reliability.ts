/**
 * Figures of the promises: what a test measured, kept for `docs/RELIABILITY.md`.
 *
 * A test calls {@link reportFigure} at its end, when everything held. With
 * `S3ISH_RELIABILITY=record`, as `make crash` and `make fault` set it, the figure is stored under
 * `test/reliability/results`; without it only printed.
 *
 * @module
 */

import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, release, totalmem } from 'node:os';
import { join } from 'node:path';

import { REPOSITORY } from './repository.js';

const RESULTS = join(REPOSITORY, 'test/reliability/results');

/** One measurement of a promise. */
export interface Figure {
  /** Short and always the same; two figures of one promise differ in it. */
  readonly what: string;
  /** The outcome in words, with its numbers. */
  readonly figure: string;
  readonly seed?: number | string | undefined;
  /** How many faults were injected. */
  readonly faultCount?: number | undefined;
}

/** Where and when something was seen. */
export interface Occasion {
  /** ISO day. */
  readonly date: string;
  /** Short id of the commit, with `+` when the tree had changes. */
  readonly commit: string;
  readonly machine: string;
}

/** That a test failed for a server with one safeguard taken out. */
export interface SeenMutation {
  readonly name: string;
  /** Name of the first test that failed. */
  readonly failedTest: string;
  /** What it said, the first line. */
  readonly error: string;
}

/** What is on record for one promise. */
export interface PromiseResults {
  readonly figures: readonly (Figure & Occasion)[];
  readonly mutations: readonly (SeenMutation & Occasion)[];
}

/** Prints a figure, and stores it when results are recorded. */
export function reportFigure(promiseId: string, figure: Figure): void {
  console.log(`${promiseId} ${figure.what}: ${figure.figure}`);
  if (process.env['S3ISH_RELIABILITY'] === 'record')
    store(promiseId, 'figure', figure.what, figure);
}

/** Stores that a test was seen to fail. */
export function recordMutation(promiseId: string, seen: SeenMutation): void {
  store(promiseId, 'mutation', seen.name, seen);
}

/** What is on record for a promise, in the order of names. */
export function resultsOf(promiseId: string): PromiseResults {
  const read = <Result>(kind: string): (Result & Occasion)[] =>
    resultFiles(promiseId)
      .filter((name) => name.startsWith(`${kind}-`))
      .map((name) => JSON.parse(readFileSync(join(RESULTS, promiseId, name), 'utf8')) as never);
  return { figures: read<Figure>('figure'), mutations: read<SeenMutation>('mutation') };
}

function resultFiles(promiseId: string): readonly string[] {
  try {
    return readdirSync(join(RESULTS, promiseId)).sort();
  } catch {
    return [];
  }
}

/** A file for each, because tests run at the same time. */
function store(promiseId: string, kind: string, name: string, result: object): void {
  const directory = join(RESULTS, promiseId);
  mkdirSync(directory, { recursive: true });
  const slug = name.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-');
  const text = JSON.stringify({ ...result, ...occasion() }, undefined, 2);
  writeFileSync(join(directory, `${kind}-${slug}.json`), `${text}\n`);
}

function occasion(): Occasion {
  const git = (...args: string[]): string =>
    execFileSync('git', ['-C', REPOSITORY, ...args], { encoding: 'utf8' }).trim();
  // Results themselves are no change of the tree.
  const changes = git('status', '--porcelain', '--', ':!test/reliability/results', ':!docs');
  return {
    date: new Date().toISOString().slice(0, 10),
    commit: git('rev-parse', '--short', 'HEAD') + (changes === '' ? '' : '+'),
    machine: `${cpus().length} cores, ${Math.round(totalmem() / 1024 ** 3)} GiB, Linux ${release()}`,
  };
}
