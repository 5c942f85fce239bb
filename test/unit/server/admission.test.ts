import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { Admission } from '#src/server/admission.js';
import { TURN_REQUESTS_COUNT_MIN, TURN_WATCH_MS } from '#src/server/transport-limits.js';

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

  test('Admission refuses what comes late in a long turn, and nothing in the next', async () => {
    let cpuMs = 0;
    const limits = { requestsCountMax: 1000, turnMsMax: 50, cpuMs: () => cpuMs };
    const admission = new Admission(limits);
    const startMs = performance.now();
    const lateMs = startMs + 50 + TURN_WATCH_MS + 1;
    assert.equal(admission.enter(startMs), true);
    for (let count = 1; count < TURN_REQUESTS_COUNT_MIN; count += 1) {
      assert.equal(admission.enter(lateMs), true, 'a few are served however late it is');
    }
    assert.equal(admission.enter(lateMs), true, 'the process did not work all the time');
    cpuMs = 50 + TURN_WATCH_MS + 1;
    assert.equal(admission.enter(lateMs), false);
    assert.equal(admission.enter(startMs + 50), true, 'in time');
    await sleep(TURN_WATCH_MS * 3);
    const nextMs = performance.now();
    for (let count = 0; count < TURN_REQUESTS_COUNT_MIN * 2; count += 1) {
      assert.equal(admission.enter(nextMs), true);
    }
  });

  test('Admission does not watch turns when it is told so', () => {
    const admission = new Admission({ requestsCountMax: 1000, turnMsMax: 0 });
    for (let count = 0; count < 100; count += 1) assert.equal(admission.enter(count * 1000), true);
  });
});
