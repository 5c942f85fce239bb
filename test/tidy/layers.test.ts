// Imports point downwards only. A failure says which import is wrong and what would be right.

import assert from 'node:assert/strict';
import { posix } from 'node:path';
import test from 'node:test';

import { LAYERS, NODE_MODULES, PACKAGES } from './layers.js';
import { importsOf, sourceFiles } from './source-files.js';

const SOURCES = sourceFiles('src', '.ts').filter(({ path }) => !path.endsWith('.as.ts'));

function folderOf(path: string): string {
  const [, folder = '', rest] = path.split('/');
  return rest === undefined ? folder.replace(/\.(ts|js)$/, '') : folder;
}

function packageOf(specifier: string): string {
  const [scope = '', name = ''] = specifier.split('/');
  return scope.startsWith('@') ? `${scope}/${name}` : scope;
}

/** Every import of src/ with where it is. */
const IMPORTS = SOURCES.flatMap(({ path, text }) =>
  importsOf(text).map((specifier) => ({ path, specifier })),
);

test('LAYERS has a row for every folder of src', () => {
  const folders = new Set(SOURCES.map(({ path }) => folderOf(path)));
  assert.deepEqual(
    [...folders].filter((folder) => !(folder in LAYERS)),
    [],
  );
});

test('LAYERS has no cycle', () => {
  const above = (folder: string, path: readonly string[]): void => {
    assert.ok(!path.includes(folder), `cycle: ${[...path, folder].join(' > ')}`);
    for (const below of LAYERS[folder] ?? []) above(below, [...path, folder]);
  };
  for (const folder of Object.keys(LAYERS)) above(folder, []);
});

test('importsOf sees every form of import', () => {
  const text = `import a from 'one';\nimport {\n  b,\n} from 'two';\nimport type { C } from 'three';
import 'four';\nexport { d } from 'five';\nconst e = await import('six');\n`;
  assert.deepEqual(importsOf(text), ['one', 'two', 'three', 'four', 'five', 'six']);
});

test('src imports point down the layers', () => {
  const wrong = IMPORTS.filter(({ specifier }) => specifier.startsWith('.'))
    .map(({ path, specifier }) => {
      const from = folderOf(path);
      const to = folderOf(posix.join(posix.dirname(path), specifier));
      const permitted = LAYERS[from] ?? [];
      return from === to || permitted.includes(to)
        ? undefined
        : `${path} imports ${specifier}; ${from} may import: ${permitted.join(', ') || 'nothing'}`;
    })
    .filter((problem) => problem !== undefined);
  assert.deepEqual(wrong, []);
});

test('src imports each package in its one file', () => {
  const wrong = IMPORTS.filter(({ specifier }) => /^[^.#]/.test(specifier))
    .filter(({ specifier }) => !specifier.startsWith('node:'))
    .filter(({ path, specifier }) => {
      const homes = PACKAGES[packageOf(specifier)] ?? [];
      return !homes.some((home) => path === home || (home.endsWith('/') && path.startsWith(home)));
    })
    .map(({ path, specifier }) => {
      const home = PACKAGES[packageOf(specifier)]?.join(', ') ?? 'no file yet; see layers.ts';
      return `${path} imports ${specifier}; its place is ${home}`;
    });
  assert.deepEqual(wrong, []);
});

test('src uses the modules of Node that touch the system only where they belong', () => {
  const wrong = IMPORTS.filter(({ path, specifier }) => {
    const permitted = NODE_MODULES[specifier];
    return permitted !== undefined && !permitted.includes(folderOf(path));
  }).map(({ path, specifier }) => {
    return `${path} imports ${specifier}; permitted in: ${NODE_MODULES[specifier]?.join(', ')}`;
  });
  assert.deepEqual(wrong, []);
});

test('src imports modules of Node by their node: names', () => {
  const bare = new Set(['fs', 'path', 'http', 'crypto', 'os', 'net', 'util', 'events', 'stream']);
  assert.deepEqual(
    IMPORTS.filter(({ specifier }) => bare.has(specifier)),
    [],
  );
});
