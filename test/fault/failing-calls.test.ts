/**
 * Every call to the disk fails once, and from then on: the operation fails and has done nothing, or
 * succeeds and has done it; nothing stays open, and nothing is left when it was swept.
 *
 * @see docs/HACKING.md, "Crash states"
 */

import assert from 'node:assert/strict';
import test from 'node:test';

import type { OpenStore } from '#src/store/open-store.js';

import { reportFigure } from '../support/reliability.js';
import {
  openBeginning,
  SIM_OPERATIONS,
  simBeginning,
  type Beginning,
} from '../support/sim-operations.js';
import {
  assertNothingLeft,
  dumpOf,
  openSimStore,
  sweepEverything,
  viewOf,
} from '../support/sim-store.js';

/** The fault falls into the last of so many operations. */
const DEPTH = process.env['S3ISH_FAILING_CALLS'] === 'full' ? 2 : 1;
/** One workload, its names joined by commas. */
const ONLY = process.env['S3ISH_FAILING_CALLS_ONLY'];
const CODES = ['EIO', 'ENOSPC', 'EROFS', 'EMFILE'];
const NAMES = Object.keys(SIM_OPERATIONS);

interface Fault {
  readonly afterCalls: number;
  readonly code: string;
  readonly isSticky: boolean;
}

test('an operation whose call to the disk fails tells the truth and leaves nothing', async () => {
  const beginning = await simBeginning();
  let [runCount, faultCount] = [0, 0];
  for (const workload of ONLY === undefined ? workloadsOf(DEPTH) : [ONLY.split(',')]) {
    const after = await cleanViewOf(beginning, workload);
    for (const code of CODES) {
      for (const isSticky of [false, true]) {
        for (let afterCalls = 0; ; afterCalls += 1) {
          const fault = { afterCalls, code, isSticky };
          const count = await tryFault(beginning, workload, fault, after);
          if (count === 0) break;
          runCount += 1;
          faultCount += count;
        }
      }
    }
  }
  reportFigure('P-06', {
    what: `every call to the disk of workloads of up to ${DEPTH} operations, failing`,
    figure: `${runCount} runs (${CODES.join(', ')}; once, and from then on), 0 untrue answers, 0 left over`,
    faultCount,
  });
});

function workloadsOf(depth: number): string[][] {
  let last: string[][] = [[]];
  const all: string[][] = [];
  for (let length = 1; length <= depth; length += 1) {
    last = last.flatMap((one) => NAMES.map((name) => [...one, name]));
    all.push(...last);
  }
  return all;
}

/** What is seen when nothing fails. */
async function cleanViewOf(beginning: Beginning, workload: readonly string[]): Promise<string> {
  const { living } = await openBeginning(beginning);
  for (const name of workload) await outcomeOf(name, living.store);
  return viewOf(living);
}

/** @returns why it failed. */
async function outcomeOf(name: string, store: OpenStore): Promise<Error | undefined> {
  store.refresh();
  try {
    await SIM_OPERATIONS[name]?.(store);
    return undefined;
  } catch (error) {
    assert(error instanceof Error);
    return error;
  }
}

/** @returns how many calls failed. */
async function tryFault(
  beginning: Beginning,
  workload: readonly string[],
  fault: Fault,
  cleanView: string,
): Promise<number> {
  const { disk, living } = await openBeginning(beginning);
  const { store } = living;
  const where = `${workload.join(',')}, ${fault.code} at call ${fault.afterCalls + 1}`;
  try {
    for (const name of workload.slice(0, -1)) await outcomeOf(name, store);
    const before = await viewOf(living);
    disk.failOn(fault);
    const failure = await outcomeOf(workload.at(-1) ?? '', store);
    disk.failOn(undefined);
    assert.equal(disk.openCount, 0, 'everything is closed');
    const after = await viewOf(living);
    if (failure === undefined) assert.equal(after, cleanView, 'it succeeded, and was not done');
    else assert.equal(after, before, `it failed with ${failure.message}, and did something`);
    const reopened = await openSimStore(disk, dumpOf(living.index), 'p2');
    const walkedCount = await sweepEverything(reopened);
    // The one that all workloads begin with.
    assert(walkedCount <= 1, 'the marks tell what is left over');
    assert.equal(await viewOf(reopened), after, 'a sweep takes nothing that is seen');
    assertNothingLeft(reopened, disk);
  } catch (error) {
    const told = error instanceof Error ? error.message : String(error);
    throw new Error(`${where} (${disk.faults.join(', ')}): ${told}`, { cause: error });
  }
  return disk.faults.length;
}
