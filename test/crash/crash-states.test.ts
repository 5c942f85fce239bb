/**
 * Every crash of every short workload: after each call to the disk and each commit, every state of
 * the disk that its flushes allow, with the index as it was committed. The store is opened on each
 * and must show what was acknowledged, and be clean when it was swept.
 *
 * @see docs/HACKING.md, "Crash states"
 */

import assert from 'node:assert/strict';
import test from 'node:test';

import { S3Error } from '#src/s3/errors.js';

import {
  crashImages,
  currentImage,
  randomCrashImage,
  type CrashImage,
} from '../support/crash-images.js';
import { SeededRandom } from '../support/random.js';
import { reportFigure } from '../support/reliability.js';
import { SimDisk } from '../support/sim-disk.js';
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
  type IndexDump,
} from '../support/sim-store.js';

/** Workloads of up to so many operations are tried with all their crashes. */
const DEPTH = Number(process.env['S3ISH_CRASH_STATES_DEPTH'] ?? 2);
/** States of longer workloads, drawn at random. */
const SAMPLES = Number(process.env['S3ISH_CRASH_STATES_SAMPLES'] ?? 2_000);
/** One workload, its names joined by commas. */
const ONLY = process.env['S3ISH_CRASH_STATES_ONLY'];
/** More states than this after one call: those of them with few deviations. */
const IMAGES_MAX = Number(process.env['S3ISH_CRASH_STATES_MAX'] ?? 600);
const SAMPLED_OPERATIONS = 8;
const NAMES = Object.keys(SIM_OPERATIONS);

/** Where a workload was stopped. */
interface Moment {
  readonly image: CrashImage;
  readonly dump: IndexDump;
  readonly commitCount: number;
  /** What may be seen: what was acknowledged, and for a while also what is under way. */
  readonly views: string[];
  readonly where: string;
  /** Nothing was lost: a process was killed and the power stayed. */
  readonly isKill: boolean;
}

test('every crash of short workloads leaves what was acknowledged, and nothing else', async () => {
  const beginning = await simBeginning();
  const workloads = ONLY === undefined ? workloadsOf(DEPTH) : [ONLY.split(',')];
  let [stateCount, pointCount, boundedCount] = [0, 0, 0];
  for (const workload of workloads) {
    const states = new Map<string, Moment>();
    // The crashes before its last operation are those of a shorter workload.
    await runTo(beginning, workload, workload.length - 1, (disk, moment) => {
      const current = currentImage(disk.root).name;
      const { images, isComplete } = crashImages(disk.root, IMAGES_MAX);
      pointCount += 1;
      if (!isComplete) boundedCount += 1;
      for (const image of images) {
        const isKill = image.name === current;
        const state = [moment.views.length, moment.commitCount, isKill, image.name].join(' ');
        if (!states.has(state)) {
          states.set(state, { ...moment, image, isKill });
        }
      }
    });
    for (const moment of states.values()) await check(moment);
    stateCount += states.size;
  }
  const figure = `${workloads.length} workloads, ${pointCount} crash points, ${stateCount} states, 0 wrong; ${boundedCount} points with more than ${IMAGES_MAX} states, of which all with up to 2 deviations`;
  reportFigure('P-04', {
    ...{ what: `all crash states of workloads of up to ${DEPTH} operations`, figure },
    faultCount: stateCount,
  });
});

test('random crashes of longer workloads leave what was acknowledged', async () => {
  const random = new SeededRandom('S3ISH_CRASH_STATES_SEED');
  const draw = (count: number): number => random.below(count);
  const beginning = await simBeginning();
  let [sampleCount, workloadCount] = [0, 0];
  while (sampleCount < SAMPLES) {
    const length = 4 + draw(SAMPLED_OPERATIONS - 3);
    const workload = Array.from({ length }, () => NAMES[draw(NAMES.length)] ?? '');
    const states = new Map<string, Moment>();
    await runTo(beginning, workload, 0, (disk, moment) => {
      if (draw(4) > 0) return;
      const image = randomCrashImage(disk.root, draw);
      states.set(`${moment.where} ${image.name}`, { ...moment, image, isKill: false });
    });
    for (const moment of states.values()) await check(moment);
    sampleCount += states.size;
    workloadCount += 1;
  }
  reportFigure('P-04', {
    what: 'random crash states of longer workloads',
    figure: `${sampleCount} states of ${workloadCount} workloads of 4 to ${SAMPLED_OPERATIONS} operations, 0 wrong`,
    ...{ seed: random.seed, faultCount: sampleCount },
  });
});

/** Workloads that take turns, shortest first. */
function workloadsOf(depth: number): string[][] {
  let last: string[][] = [[]];
  const all: string[][] = [];
  for (let length = 1; length <= depth; length += 1) {
    last = last.flatMap((one) => NAMES.map((name) => [...one, name]));
    all.push(...last);
  }
  return all;
}

/** Runs a workload; from operation `first` on, every change of disk or index is a moment. */
async function runTo(
  beginning: Beginning,
  workload: readonly string[],
  first: number,
  onMoment: (disk: SimDisk, moment: Omit<Moment, 'image' | 'isKill'>) => void,
): Promise<void> {
  let note: (() => void) | undefined;
  let [dump, commitCount] = [beginning.dump, 0];
  const { disk, living } = await openBeginning(beginning, () => {
    dump = dumpOf(living.index);
    commitCount += 1;
    note?.();
  });
  disk.onChange = () => note?.();
  let before = await viewOf(living);
  for (const [index, name] of workload.entries()) {
    const views = [before];
    let callCount = 0;
    note = () => {
      callCount += 1;
      const where = `${workload.slice(0, index + 1).join(',')} after step ${callCount}`;
      onMoment(disk, { dump, commitCount, views, where });
    };
    if (index < first) note = undefined;
    await apply(name, living.store);
    note = undefined;
    assert.equal(disk.openCount, 0, `${name} closes what it opens`);
    const after = await viewOf(living);
    views.push(after);
    before = after;
    if (index < first) continue;
    const acknowledged = `${workload.join(',')} acknowledged`;
    onMoment(disk, { dump, commitCount, views: [after], where: acknowledged });
  }
}

async function apply(name: string, store: Parameters<(typeof SIM_OPERATIONS)[string]>[0]) {
  store.refresh();
  try {
    await SIM_OPERATIONS[name]?.(store);
  } catch (error) {
    if (!(error instanceof S3Error)) throw error;
  }
}

async function check({ image, dump, views, where, isKill }: Moment): Promise<void> {
  const disk = new SimDisk(image.restore());
  try {
    const reopened = await openSimStore(disk, dump, 'p2');
    const view = await viewOf(reopened);
    assert(views.includes(view), `it shows\n${view}\nand not\n${views.join('\nor\n')}`);
    const walkedCount = await sweepEverything(reopened);
    // The one that all workloads begin with.
    if (isKill) assert(walkedCount <= 1, 'after a kill the marks tell what is left over');
    assert.equal(await viewOf(reopened), view, 'a sweep takes nothing that is seen');
    assertNothingLeft(reopened, disk);
  } catch (error) {
    const told = error instanceof Error ? error.message : String(error);
    throw new Error(`crash in ${where}: ${told}\ndisk ${image.name}`, { cause: error });
  }
}
