import assert from 'node:assert/strict';
import { describe, mock, test } from 'node:test';

import { Refusals } from '#src/server/refusals.js';
import {
  REFUSAL_HOLD_MS_MAX,
  REFUSAL_TURN_MS,
  REFUSALS_PER_MS_COUNT,
} from '#src/server/transport-limits.js';

const PER_TURN_COUNT = REFUSAL_TURN_MS * REFUSALS_PER_MS_COUNT;

describe('Refusals', () => {
  test('Refusals are told at once while they are few, and then so many at a time, in order', async (context) => {
    const pass = clock(context);
    const refusals = new Refusals();
    const told: number[] = [];
    const refuse = (index: number): void => {
      const held = refusals.hold();
      if (held === undefined) told.push(index);
      else void held.then(() => told.push(index));
    };
    for (let index = 0; index < PER_TURN_COUNT * 3; index += 1) refuse(index);
    assert.equal(told.length, PER_TURN_COUNT);
    await pass(REFUSAL_TURN_MS);
    assert.equal(told.length, PER_TURN_COUNT * 2);
    refuse(PER_TURN_COUNT * 3);
    await pass(REFUSAL_TURN_MS * 2);
    assert.deepEqual(
      told,
      Array.from({ length: PER_TURN_COUNT * 3 + 1 }, (_, index) => index),
      'the newest waits behind those held',
    );
    await pass(REFUSAL_TURN_MS * 2);
    assert.equal(refusals.hold(), undefined);
  });

  test('No refusal is held longer than its client is asked to wait', async (context) => {
    const pass = clock(context);
    const refusals = new Refusals();
    let untoldCount = 0;
    for (let index = 0; index < REFUSAL_HOLD_MS_MAX * REFUSALS_PER_MS_COUNT * 2; index += 1) {
      untoldCount += 1;
      void Promise.resolve(refusals.hold()).then(() => (untoldCount -= 1));
    }
    await pass(REFUSAL_HOLD_MS_MAX - REFUSAL_TURN_MS);
    assert.ok(untoldCount > 0);
    await pass(REFUSAL_TURN_MS * 2);
    assert.equal(untoldCount, 0);
  });
});

/** Stops the clock; it goes on when told. */
function clock(context: { after(stop: () => void): void }): (ms: number) => Promise<void> {
  let nowMs = 1_000_000;
  mock.timers.enable({ apis: ['setInterval'] });
  const now = mock.method(performance, 'now', () => nowMs);
  context.after(() => {
    mock.timers.reset();
    now.mock.restore();
  });
  return async (ms) => {
    for (let passedMs = 0; passedMs < ms; passedMs += REFUSAL_TURN_MS) {
      nowMs += REFUSAL_TURN_MS;
      mock.timers.tick(REFUSAL_TURN_MS);
      await Promise.resolve();
    }
    await Promise.resolve();
  };
}
