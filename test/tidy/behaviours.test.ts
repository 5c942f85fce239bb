// Every behaviour in scope has a test that names it, and tests name nothing else.

import assert from 'node:assert/strict';
import test from 'node:test';

import {
  filesOfIds,
  idsOfName,
  idsOfSource,
  IDS,
  IDS_IN_SCOPE,
  isBadInput,
} from './behaviour-ids.js';
import { countOf } from './behaviour-reporter.js';
import { LATER, NOT_YET } from './behaviours.js';

const FILES = filesOfIds();

test('every id in scope has a test, behaviours in test/operations', () => {
  const missing = IDS_IN_SCOPE.filter((id) => {
    const files = FILES.get(id) ?? [];
    const proving = files.filter((path) => isBadInput(id) || path.startsWith('test/operations/'));
    return proving.length === 0 && !(id in NOT_YET);
  });
  assert.deepEqual(missing, [], 'write a test, or say in behaviours.ts why there is none');
});

test('NOT_YET holds no id that has a test', () => {
  const proven = Object.keys(NOT_YET).filter((id) => FILES.has(id));
  assert.deepEqual(proven, [], 'take them off NOT_YET in behaviours.ts');
});

test('tests name no id that is unknown', () => {
  const unknown = [...FILES].filter(([id]) => !(id in IDS));
  assert.deepEqual(unknown, []);
});

test('NOT_YET and LATER name known ids, each once', () => {
  const listed = [...Object.keys(NOT_YET), ...Object.values(LATER).flat()];
  assert.deepEqual(
    listed.filter((id, index) => !(id in IDS) || listed.indexOf(id) !== index),
    [],
  );
});

test('ids are read from names and sources', () => {
  assert.deepEqual(idsOfName('C07 BI-082 a chunk'), ['C07', 'BI-082']);
  assert.deepEqual(idsOfName('a chunk of C07'), []);
  assert.deepEqual(idsOfName('X05x a name'), []);
  const source =
    "test('E01 a'); test(`${id} BI-001 G02 ${b}`); row(['A03', 1]); // W01\nf('a L01');";
  assert.deepEqual([...idsOfSource(source)], ['E01', 'BI-001', 'G02', 'A03']);
});

test('an id counts when all its tests passed', () => {
  const [failing, missing, ...counts] = countOf(
    new Map([
      ['E01', true],
      ['E02', false],
    ]),
  );
  const total = IDS_IN_SCOPE.filter((id) => !isBadInput(id)).length;
  assert.equal(failing, 'ids that fail: E02');
  assert.match(missing ?? '', /^ids that no test proves: E03 /);
  assert.deepEqual(counts, [
    `behaviours 1 of ${total}`,
    `bad inputs 0 of ${IDS_IN_SCOPE.length - total}`,
  ]);
});
