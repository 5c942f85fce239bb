// What every source file has in common.

import assert from 'node:assert/strict';
import { basename } from 'node:path';
import test from 'node:test';

import { sourceFiles } from './source-files.js';

const SOURCES = sourceFiles('src', '.ts');
const EVERYTHING = [...SOURCES, ...sourceFiles('test', '.ts')];

test('src files are named in kebab-case', () => {
  const wrong = SOURCES.filter(
    ({ path }) => !/^[a-z0-9]+(-[a-z0-9]+)*(\.as)?\.ts$/.test(basename(path)),
  ).map(({ path }) => path);
  assert.deepEqual(wrong, []);
});

test('src files begin with a module comment', () => {
  const wrong = SOURCES.filter(
    ({ path, text }) =>
      !path.endsWith('.as.ts') && !/^(#!.*\n)?\/\*\*\n( \*.*\n)+ \*\/\n/.test(text),
  ).map(({ path }) => path);
  assert.deepEqual(wrong, []);
});

test('sources hold no leftovers of work in progress', () => {
  // Written with a class, so that this line is not one of them.
  const leftovers =
    /\b(T[O]DO|FI[X]ME)\b|\b(describe|test|it)\.only\(|@ts-(ignore|nocheck)|\bdebugger;/;
  const wrong = EVERYTHING.flatMap(({ path, text }) =>
    text
      .split('\n')
      .map((line, index) => ({ line, place: `${path}:${index + 1}` }))
      .filter(({ line, place }) => leftovers.test(line) && !place.startsWith('test/tidy/sources'))
      .map(({ place }) => place),
  );
  assert.deepEqual(wrong, []);
});
