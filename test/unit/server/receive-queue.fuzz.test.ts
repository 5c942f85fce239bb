/**
 * Any order of pushes, pulls and endings: the reader gets a prefix of what was pushed, in order,
 * and the gate is paused and resumed in turns.
 *
 * @module
 */

import assert from 'node:assert/strict';

import fc from 'fast-check';

import { ReceiveQueue } from '#src/server/receive-queue.js';
import { BodyError } from '#src/util/byte-source.js';

import { fuzzTarget, property } from '../../support/fuzz.js';

type Step = number | 'pull' | 'finish' | 'fail' | 'abandon' | 'dismiss' | 'tick';

const STEPS = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: fc.integer({ min: 1, max: 400_000 }) },
    { weight: 6, arbitrary: fc.constant<Step>('pull') },
    { weight: 1, arbitrary: fc.constantFrom<Step>('finish', 'fail', 'abandon', 'dismiss', 'tick') },
  ),
  { maxLength: 60 },
);

fuzzTarget('receive-queue', {
  'ReceiveQueue keeps order, pairs and limits for any sequence of calls': property(
    STEPS,
    check,
    400,
  ),
});

async function check(steps: readonly Step[]): Promise<void> {
  const gate = { isPaused: false };
  const queue = new ReceiveQueue(undefined, {
    pauseReceiving: () => {
      assert.equal(gate.isPaused, false);
      gate.isPaused = true;
    },
    resumeReceiving: () => {
      assert.equal(gate.isPaused, true);
      gate.isPaused = false;
    },
  });
  const pulls: Promise<IteratorResult<Uint8Array, undefined> | 'failed'>[] = [];
  let isPulling = false;
  let isFinished = false;
  let isOver = false;
  let pushed = 0;
  for (const step of steps) {
    if (typeof step === 'number') {
      // A sender that was told to pause, or has finished, sends nothing more.
      if (gate.isPaused || isFinished) continue;
      const piece = new Uint8Array(step);
      new DataView(piece.buffer).setUint8(0, pushed & 0xff);
      queue.push(piece);
      pushed += 1;
    } else if (step === 'pull') {
      if (isPulling) continue;
      isPulling = true;
      const pull = queue.next().catch((error: unknown) => {
        assert(error instanceof BodyError);
        return 'failed' as const;
      });
      pulls.push(pull);
      void pull.then(() => (isPulling = false));
    } else if (step === 'finish') {
      queue.finish();
      isFinished = true;
    } else if (step === 'tick') {
      queue.tick(0, 0);
    } else {
      if (step === 'fail') queue.fail(new BodyError('aborted', 'gone'));
      else if (step === 'abandon') queue.abandon();
      else queue.dismiss();
      isOver = true;
    }
    await Promise.resolve();
    await Promise.resolve();
    await Promise.resolve();
    if (isOver) assert.equal(gate.isPaused, false, 'what is not wanted must not hold the sender');
  }
  queue.fail(new BodyError('aborted', 'end of the test'));
  queue.finish();
  let next = 0;
  for (const result of await Promise.all(pulls)) {
    if (result === 'failed' || result.done === true) continue;
    assert.equal(result.value[0], next & 0xff);
    next += 1;
  }
  assert(next <= pushed);
}
