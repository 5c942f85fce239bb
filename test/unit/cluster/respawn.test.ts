import assert from 'node:assert/strict';
import test from 'node:test';

import { FAILURES_COUNT_MAX, RespawnBackoff, StartFailures } from '#src/cluster/respawn.js';

test('RespawnBackoff doubles from 0.2 s to 10 s for short lives', () => {
  const backoff = new RespawnBackoff();
  const delays = Array.from({ length: 9 }, () => backoff.delayAfter(10));
  assert.deepEqual(delays, [200, 400, 800, 1600, 3200, 6400, 10_000, 10_000, 10_000]);
});

test('RespawnBackoff starts over after a life of 5 s', () => {
  const backoff = new RespawnBackoff();
  for (let times = 0; times < 5; times += 1) backoff.delayAfter(10);
  assert.equal(backoff.delayAfter(5_000), 200);
  assert.equal(backoff.delayAfter(4_999), 400);
});

test('StartFailures gives up after equal failures in a short time', () => {
  const failures = new StartFailures();
  for (let count = 1; count < FAILURES_COUNT_MAX; count += 1) {
    assert.equal(failures.add('port in use', count * 100), false);
  }
  assert.equal(failures.add('port in use', 1000), true);
});

test('StartFailures forgets failures that are old, different, or followed by a start', () => {
  const old = new StartFailures();
  for (let count = 0; count < 20; count += 1) assert.equal(old.add('x', count * 3000), false);

  const different = new StartFailures();
  for (let count = 0; count < 20; count += 1) assert.equal(different.add(`${count % 2}`, 0), false);

  const followed = new StartFailures();
  for (let count = 0; count < 20; count += 1) {
    assert.equal(followed.add('x', 0), false);
    if (count % 3 === 0) followed.clear();
  }
});

test('StartFailures shows three failed starts in a row, whatever their reasons, until one works', () => {
  const failures = new StartFailures();
  const seen = ['one', 'other', 'third'].map((reason, index) => {
    failures.add(reason, index * 60_000);
    return failures.isRepeated;
  });
  assert.deepEqual(seen, [false, false, true]);
  failures.clear();
  assert.equal(failures.isRepeated, false);
});
