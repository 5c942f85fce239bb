import assert from 'node:assert/strict';
import test from 'node:test';

import { Heartbeat, SILENT_COUNT_MAX, SILENT_COUNT_MAX_AT_START } from '#src/cluster/heartbeat.js';

/** Intervals until a silent process is given up. */
function passesUntilHung(heartbeat: Heartbeat, isReady: boolean): number {
  let count = 1;
  while (!heartbeat.pass(isReady)) count += 1;
  return count;
}

test('Heartbeat gives a process up after silence, later while it starts', () => {
  assert.equal(passesUntilHung(new Heartbeat(), true), SILENT_COUNT_MAX + 1);
  assert.equal(passesUntilHung(new Heartbeat(), false), SILENT_COUNT_MAX_AT_START + 1);
});

test('Heartbeat forgets earlier silence when the process says something', () => {
  const heartbeat = new Heartbeat();
  for (let count = 0; count < SILENT_COUNT_MAX; count += 1) assert(!heartbeat.pass(true));
  heartbeat.beat();
  assert.equal(passesUntilHung(heartbeat, true), SILENT_COUNT_MAX + 1);
});
