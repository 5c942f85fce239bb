import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';

import { startSweeper, type Sweeper } from '#src/jobs/sweeper.js';
import type { MayReclaim, Reclaimer } from '#src/store/reclaimer.js';

interface Fixture {
  readonly sweeper: Sweeper;
  /** Every look at the garbage list: which write numbers could have gone. */
  readonly looks: MayReclaim[];
  readonly swept: string[];
  readonly faults: unknown[];
}

function startOver(
  context: TestContext,
  incarnations: readonly string[],
  reclaimer: Partial<Reclaimer> = {},
): Fixture {
  const looks: MayReclaim[] = [];
  const swept: string[] = [];
  const faults: unknown[] = [];
  const sweeper = startSweeper({
    reclaimer: {
      reclaimGarbage: async (mayReclaim) => {
        looks.push(mayReclaim);
        return { removedCount: 0, waitingCount: 0 };
      },
      sweepIncarnation: async (incarnation) => swept.push(incarnation),
      stagingIncarnations: async () => [],
      sweepOrphans: async () => 0,
      ...reclaimer,
    },
    incarnations,
    garbageIntervalMs: 1_000_000,
    walkIntervalMs: 0,
    orphanAgeMs: 0,
    onFault: (fault) => faults.push(fault),
    onSwept: () => undefined,
  });
  context.after(() => sweeper.stop());
  return { sweeper, looks, swept, faults };
}

test('the sweeper removes only what every living process has passed', async (context) => {
  const { sweeper, looks } = startOver(context, ['one', 'two']);
  const reclaims = async (sequence: number, uploadId?: string): Promise<boolean> => {
    await sweeper.sweepNow();
    return looks.at(-1)?.(sequence, uploadId) ?? false;
  };
  assert.equal(await reclaims(1), false, 'before any report');
  sweeper.processReported('one', { readableFrom: 9, heldUploads: [] });
  assert.equal(await reclaims(1), false, 'before the second process has reported');
  sweeper.processReported('two', { readableFrom: 5, heldUploads: ['held'] });
  assert.deepEqual([await reclaims(5), await reclaims(6)], [true, false]);
  assert.deepEqual([await reclaims(5, 'held'), await reclaims(5, 'free')], [false, true]);
  sweeper.processStarted('three');
  assert.equal(await reclaims(1), false, 'before a new process has reported');
  sweeper.processDied('two');
  sweeper.processDied('three');
  sweeper.processReported('two', { readableFrom: 1, heldUploads: [] });
  assert.equal(await reclaims(9), true, 'a late report of a dead process counts for nothing');
});

test('the sweeper asks anew at every step, since processes start meanwhile', async (context) => {
  const answers: boolean[] = [];
  const { sweeper } = startOver(context, [], {
    reclaimGarbage: async (mayReclaim) => {
      answers.push(mayReclaim(7, undefined));
      // A server starts while the first garbage goes; what it reads must stay.
      if (answers.length === 1) sweeper.processStarted('new');
      return { removedCount: answers.length === 1 ? 1 : 0, waitingCount: 0 };
    },
  });
  await sweeper.sweepNow();
  assert.deepEqual(answers, [true, false]);
});

test('the sweeper spares the marks of a process it is about to hear of', async (context) => {
  const { sweeper, swept } = startOver(context, ['known'], {
    stagingIncarnations: async () => {
      // The process existed before its directory was seen; the message is on its way.
      setImmediate(() => sweeper.processStarted('new'));
      return ['abandoned', 'known', 'new'];
    },
  });
  await turn();
  await sweeper.sweepNow();
  assert.deepEqual(swept, ['abandoned']);
});

test('the sweeper goes on after a job that failed', async (context) => {
  const fault = new Error('EIO');
  const { sweeper, swept, faults } = startOver(context, ['one'], {
    reclaimGarbage: () => Promise.reject(fault),
  });
  await sweeper.sweepNow();
  sweeper.processDied('one');
  await sweeper.sweepNow();
  assert.deepEqual(swept, ['one']);
  assert.deepEqual(faults, [fault, fault]);
});
