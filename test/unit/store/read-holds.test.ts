/** What a process reports of its readers. */

import assert from 'node:assert/strict';
import test from 'node:test';

import { ReadHolds } from '#src/store/read-holds.js';

test('ReadHolds reports the last write while nothing is being opened', () => {
  assert.deepEqual(new ReadHolds().report(42), { readableFrom: 42, heldUploads: [] });
});

test('ReadHolds reports the oldest open under way', () => {
  const holds = new ReadHolds();
  const endFirst = holds.beginOpen(5);
  const endSecond = holds.beginOpen(9);
  assert.equal(holds.report(20).readableFrom, 5);
  endFirst();
  assert.equal(holds.report(20).readableFrom, 9);
  endSecond();
  assert.equal(holds.report(20).readableFrom, 20);
});

test('ReadHolds counts opens at the same write', () => {
  const holds = new ReadHolds();
  const ends = [holds.beginOpen(5), holds.beginOpen(5)];
  ends[0]?.();
  assert.equal(holds.report(20).readableFrom, 5);
  ends[1]?.();
  assert.equal(holds.report(20).readableFrom, 20);
});

test('ReadHolds takes a second end of the same open for nothing', () => {
  const holds = new ReadHolds();
  const ends = [holds.beginOpen(5), holds.beginOpen(5)];
  ends[0]?.();
  ends[0]?.();
  assert.equal(holds.report(20).readableFrom, 5);
});

test('ReadHolds never reports more than the last write it was told', () => {
  const holds = new ReadHolds();
  holds.beginOpen(30);
  assert.equal(holds.report(20).readableFrom, 20);
});

test('ReadHolds reports an upload until its last reader is done', () => {
  const holds = new ReadHolds();
  const releases = [holds.holdUpload('one'), holds.holdUpload('one'), holds.holdUpload('two')];
  assert.deepEqual(holds.report(1).heldUploads, ['one', 'two']);
  releases[0]?.();
  assert.deepEqual(holds.report(1).heldUploads, ['one', 'two']);
  releases[1]?.();
  releases[2]?.();
  assert.deepEqual(holds.report(1).heldUploads, []);
});
