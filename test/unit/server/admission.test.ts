import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { Admission } from '#src/server/admission.js';
import {
  TURN_REQUESTS_COUNT_MIN,
  TURN_WATCH_MS,
  TURN_WORK_MS_MAX,
} from '#src/server/transport-limits.js';

const TURN_MS = TURN_WORK_MS_MAX + TURN_WATCH_MS + 1;

describe('Admission', () => {
  test('Admission lets in as many as may be in progress, and the next when one has left', () => {
    const admission = new Admission({ requestsCountMax: 2, turnMsMax: 0 });
    assert.deepEqual(
      [1, 2, 3].map(() => admission.enter(0)),
      [true, true, false],
    );
    admission.leave();
    assert.equal(admission.enter(0), true);
    assert.equal(admission.enter(0), false);
  });

  test('Admission lets what comes late in a long turn wait for the next, oldest first', async () => {
    let cpuMs = 0;
    const limits = { requestsCountMax: 1000, turnMsMax: 500, cpuMs: () => cpuMs };
    const admission = new Admission(limits);
    const startMs = performance.now();
    const lateMs = startMs + TURN_MS;
    assert.equal(admission.enter(startMs), true);
    for (let count = 1; count < TURN_REQUESTS_COUNT_MIN; count += 1) {
      assert.equal(admission.enter(lateMs), true, 'a few are begun however late it is');
    }
    assert.equal(admission.enter(lateMs), true, 'the process did not work all the time');
    cpuMs = TURN_MS;
    assert.equal(admission.enter(startMs), true, 'in time');
    const begun: number[] = [];
    const waiting = [0, 1, 2].map(async (index) => {
      const admitted = admission.enter(lateMs);
      assert.ok(admitted instanceof Promise);
      await admitted;
      begun.push(index);
    });
    await Promise.resolve();
    assert.deepEqual(begun, [], 'none in this turn');
    await Promise.all(waiting);
    assert.deepEqual(begun, [0, 1, 2]);
    await sleep(TURN_WATCH_MS * 3);
    const nextMs = performance.now();
    for (let count = 0; count < TURN_REQUESTS_COUNT_MIN * 2; count += 1) {
      assert.equal(admission.enter(nextMs), true, 'nothing is left of it');
    }
  });

  test('Admission refuses at once when there is too much work ahead', async () => {
    let cpuMs = 0;
    const limits = { requestsCountMax: 1000, turnMsMax: 100, cpuMs: () => cpuMs };
    const admission = new Admission(limits);
    const startMs = performance.now();
    const lateMs = startMs + TURN_MS;
    for (let count = 0; count < TURN_REQUESTS_COUNT_MIN; count += 1) void admission.enter(startMs);
    // Some 2.4 ms for each of them and the one that follows.
    cpuMs = 2.4 * (TURN_REQUESTS_COUNT_MIN + 1);
    const waiting: Promise<void>[] = [];
    for (;;) {
      const admitted = admission.enter(lateMs);
      if (admitted === false) break;
      assert.ok(admitted instanceof Promise);
      waiting.push(admitted);
    }
    assert.equal(waiting.length, Math.ceil(100 / 2.4));
    await Promise.all(waiting);
  });

  test('Admission does not watch turns when it is told so', () => {
    const admission = new Admission({ requestsCountMax: 1000, turnMsMax: 0 });
    for (let count = 0; count < 100; count += 1) assert.equal(admission.enter(count * 1000), true);
  });
});
