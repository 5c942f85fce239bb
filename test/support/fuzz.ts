/**
 * Fuzz targets: one suite per parser or codec, its properties, and its corpus of past failures.
 *
 *     fuzzTarget('range', {
 *       'parseRange never leaves the object': property(fc.string(), (header) => ...),
 *     });
 *
 * Every property runs the corpus of its target first (`test/corpus/<target>/*.json`), then random
 * inputs. An input is what JSON can hold, and a check sees it as it comes back out of JSON, so that
 * every counterexample can be kept as a file of the corpus; a failure prints that file.
 *
 * Random inputs come in batches, each with a seed of its own that repeats it:
 *
 * - `S3ISH_FUZZ_SECONDS`: time for each target; without it one batch of each property is run.
 * - `S3ISH_FUZZ_SEED`: seed of the first batch; 1 without a time, the clock's with one.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { inspect } from 'node:util';

import fc from 'fast-check';

import { REPOSITORY } from './repository.js';

/** Something that must hold for every input. */
export interface Property {
  /** Throws when the input, which is made of JSON, does not do. */
  readonly check: (input: unknown) => void | Promise<void>;
  readonly inputs: fc.Arbitrary<unknown>;
  readonly batchRunsCount: number;
}

/** A file of the corpus. */
interface CorpusCase {
  readonly property: string;
  /** What went wrong with it. */
  readonly why: string;
  readonly input: unknown;
}

/** @param batchRunsCount - inputs of one batch: as many as run in about a tenth of a second. */
export function property<Input>(
  inputs: fc.Arbitrary<Input>,
  check: (input: Input) => void | Promise<void>,
  batchRunsCount = 300,
): Property {
  return { inputs, check: check as Property['check'], batchRunsCount };
}

/** Defines the suite of a target, whose file is `<target>.fuzz.test.ts`. */
export function fuzzTarget(target: string, properties: Readonly<Record<string, Property>>): void {
  const corpus = corpusOf(target);
  test(`the corpus of ${target} is about properties that exist`, () => {
    const unknown = corpus.filter(({ property: name }) => properties[name] === undefined);
    assert.deepEqual(unknown, []);
  });
  const count = Object.keys(properties).length;
  for (const [name, tested] of Object.entries(properties)) {
    test(name, async (context) => {
      const cases = corpus.filter(({ property: of }) => of === name);
      for (const { why, input } of cases) await checkCase(tested, why, input);
      await checkRandom(context, { target, name, tested, corpusCount: cases.length, count });
    });
  }
}

/** What a failing input looks like as a file of the corpus. */
export function corpusFile(entry: CorpusCase): string {
  return `${JSON.stringify(entry, undefined, 2)}\n`;
}

function corpusOf(target: string): CorpusCase[] {
  const directory = join(REPOSITORY, 'test/corpus', target);
  return readdirSync(directory)
    .filter((name) => name.endsWith('.json'))
    .sort()
    .map((name) => JSON.parse(readFileSync(join(directory, name), 'utf8')) as CorpusCase);
}

async function checkCase({ check }: Property, why: string, input: unknown): Promise<void> {
  try {
    await check(input);
  } catch (cause) {
    const message = `a case of the corpus fails again (${why}): ${inspect(cause)}`;
    throw new assert.AssertionError({ message });
  }
}

interface RandomRun {
  readonly target: string;
  readonly name: string;
  readonly tested: Property;
  readonly corpusCount: number;
  /** Properties that share the time of the target. */
  readonly count: number;
}

async function checkRandom(context: TestContext, run: RandomRun): Promise<void> {
  const { target, name, tested, corpusCount, count } = run;
  const { S3ISH_FUZZ_SECONDS: seconds = '0', S3ISH_FUZZ_SEED: given } = process.env;
  const untilMs = performance.now() + (Number(seconds) * 1000) / count;
  const firstSeed = Number(given ?? (Number(seconds) > 0 ? Date.now() % 0x7fffffff : 1));
  let seed = firstSeed;
  let runsCount = 0;
  do {
    const found = await failureOf(tested, seed);
    if (found !== undefined) {
      const why = `found with seed ${seed}`;
      const lines = [
        inspect(found.error),
        `Repeat: S3ISH_FUZZ_SEED=${seed} node --test build/test/unit/**/${target}.fuzz.test.js`,
        `Keep it as test/corpus/${target}/<what it is>.json:`,
        corpusFile({ property: name, why, input: found.input }),
      ];
      assert.fail(lines.join('\n'));
    }
    runsCount += tested.batchRunsCount;
    seed += 1;
    // Other properties, timers and signals get a turn between batches.
    await new Promise(setImmediate);
  } while (performance.now() < untilMs);
  context.diagnostic(
    `${target}: ${corpusCount} of the corpus, ${runsCount} random, seeds from ${firstSeed}`,
  );
}

/** The smallest input of a batch that fails, if any. */
async function failureOf(
  { inputs, check, batchRunsCount }: Property,
  seed: number,
): Promise<{ readonly input: unknown; readonly error: unknown } | undefined> {
  const viaJson = (input: unknown): unknown => JSON.parse(JSON.stringify(input));
  const result = await fc.check(
    fc.asyncProperty(inputs, async (input) => {
      await check(viaJson(input));
    }),
    { numRuns: batchRunsCount, seed },
  );
  if (!result.failed) return undefined;
  assert(result.counterexample !== null, 'no property fails for want of inputs');
  return { input: viaJson(result.counterexample[0]), error: result.errorInstance };
}
