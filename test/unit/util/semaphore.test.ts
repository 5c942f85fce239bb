/** Admission: so many at once, so many in line, and none for longer than it was told. */

import assert from 'node:assert/strict';
import test from 'node:test';

import { Semaphore } from '#src/util/semaphore.js';

const WAIT_MS_MAX = 1000;

function semaphoreOf(count: number, waitersCountMax: number): Semaphore {
  return new Semaphore(count, { waitMsMax: WAIT_MS_MAX, waitersCountMax });
}

test('Semaphore admits as many as it has places without a wait', () => {
  const semaphore = semaphoreOf(2, 0);
  assert.deepEqual([semaphore.acquire(), semaphore.acquire()], [true, true]);
  assert.equal(semaphore.acquire(), false, 'nobody may wait');
});

test('Semaphore has a place again after a release', () => {
  const semaphore = semaphoreOf(1, 0);
  void semaphore.acquire();
  semaphore.release();
  assert.equal(semaphore.acquire(), true);
  assert.equal(semaphore.acquire(), false);
});

test('Semaphore admits waiters first come, first served', async () => {
  const semaphore = semaphoreOf(1, 2);
  void semaphore.acquire();
  const admitted: string[] = [];
  const waiters = ['first', 'second'].map(async (name) => {
    assert.equal(await semaphore.acquire(), true);
    admitted.push(name);
  });
  semaphore.release();
  await waiters[0];
  assert.deepEqual(admitted, ['first']);
  semaphore.release();
  await waiters[1];
  assert.deepEqual(admitted, ['first', 'second']);
});

test('Semaphore refuses at once when the line is full', () => {
  const semaphore = semaphoreOf(1, 1);
  void semaphore.acquire();
  assert(semaphore.acquire() instanceof Promise);
  assert.equal(semaphore.acquire(), false);
  semaphore.release();
});

test('Semaphore refuses whoever has waited too long and gives the place to the next', async (context) => {
  context.mock.timers.enable({ apis: ['setTimeout'] });
  const semaphore = semaphoreOf(1, 2);
  void semaphore.acquire();
  const late = semaphore.acquire();
  context.mock.timers.tick(WAIT_MS_MAX - 1);
  const next = semaphore.acquire();
  context.mock.timers.tick(1);
  assert.equal(await late, false);
  semaphore.release();
  assert.equal(await next, true);
  context.mock.timers.tick(WAIT_MS_MAX);
  semaphore.release();
  assert.equal(semaphore.acquire(), true, 'one place, not two and not none');
  assert(semaphore.acquire() instanceof Promise);
  semaphore.release();
});
