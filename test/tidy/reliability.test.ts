// The table of promises agrees with the sources and the tests it names.

import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';

import { PROMISES } from '../reliability/promises.js';
import { ROOT } from './source-files.js';

const MUTATIONS = PROMISES.flatMap(({ id, mutations }) =>
  mutations.map((mutation) => ({ id, ...mutation })),
);

test('promises are in the order of their ids, each once', () => {
  const ids = PROMISES.map(({ id }) => id);
  assert.deepEqual(ids, [...new Set(ids)].sort());
});

test('every promise has a mutation', () => {
  const without = PROMISES.filter(({ mutations }) => mutations.length === 0);
  assert.deepEqual(
    without.map(({ id }) => id),
    [],
  );
});

test('every mutation finds its place once', () => {
  const lost = MUTATIONS.filter(
    ({ file, find }) => readFileSync(join(ROOT, file), 'utf8').split(find).length !== 2,
  );
  assert.deepEqual(
    lost.map(({ id, name }) => `${id}: ${name}`),
    [],
  );
});

test('every mutation names a test that exists', () => {
  const lost = MUTATIONS.filter(
    ({ test: name }) => !existsSync(join(ROOT, 'test', name.replace(/\.js$/, '.ts'))),
  );
  assert.deepEqual(
    lost.map(({ id, name }) => `${id}: ${name}`),
    [],
  );
});
