import assert from 'node:assert/strict';
import test from 'node:test';

import { editDistance, suggest } from '#src/config/suggest.js';

const DISTANCES: readonly (readonly [string, string, number])[] = [
  ['', '', 0],
  ['a', '', 1],
  ['', 'abc', 3],
  ['level', 'level', 0],
  ['levle', 'level', 1],
  ['lvl', 'level', 2],
  ['kitten', 'sitting', 3],
];

for (const [from, to, distance] of DISTANCES) {
  test(`editDistance of "${from}" and "${to}" is ${distance}`, () => {
    assert.equal(editDistance(from, to), distance);
    assert.equal(editDistance(to, from), distance);
  });
}

test('suggest prefers the nearest name and ignores case', () => {
  assert.equal(suggest('Proceses', ['processes', 'process']), 'processes');
  assert.equal(suggest('proces', ['processes', 'process']), 'process');
});

test('suggest stays silent when nothing is near', () => {
  assert.equal(suggest('erasure', ['server', 'cluster', 'auth']), undefined);
  assert.equal(suggest('x', ['yes']), undefined);
});
