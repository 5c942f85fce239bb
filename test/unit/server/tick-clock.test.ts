import assert from 'node:assert/strict';
import { test } from 'node:test';

import { TickClock } from '#src/server/tick-clock.js';

test('TickClock ticks to its members until they leave or it stops', (context) => {
  context.mock.timers.enable({ apis: ['setInterval'] });
  const clock = new TickClock(400, unexpected);
  assert.equal(clock.periodMs, 100);
  const ticks: string[] = [];
  const staying = { onTick: () => ticks.push('staying') };
  const leaving = {
    onTick: () => {
      ticks.push('leaving');
      clock.delete(leaving);
    },
  };
  clock.add(leaving);
  clock.add(staying);
  clock.start();
  clock.start();
  context.mock.timers.tick(200);
  assert.deepEqual(ticks, ['leaving', 'staying', 'staying']);
  clock.stop();
  context.mock.timers.tick(1000);
  assert.equal(ticks.length, 3);
});

test('TickClock reports a member that throws and ticks to the others', (context) => {
  context.mock.timers.enable({ apis: ['setInterval'] });
  const faults: string[] = [];
  const clock = new TickClock(400, (fault, where) => faults.push(`${where}: ${String(fault)}`));
  let ticks = 0;
  clock.add({
    onTick: () => {
      throw new Error('bad');
    },
  });
  clock.add({ onTick: () => (ticks += 1) });
  clock.start();
  context.mock.timers.tick(100);
  assert.deepEqual(faults, ['tick: Error: bad']);
  assert.equal(ticks, 1);
  clock.stop();
});

test('TickClock keeps below the 10 s of the library, and covers every timeout', () => {
  assert.equal(new TickClock(3_600_000, unexpected).periodMs, 4_000);
  assert.equal(new TickClock(1, unexpected).periodMs, 10);
  const clock = new TickClock(30_000, unexpected);
  assert.equal(clock.ticksFor(30_000), 8);
  assert(clock.ticksFor(30_001) * clock.periodMs >= 30_001);
});

function unexpected(fault: unknown): void {
  throw new Error('Unexpected', { cause: fault });
}
