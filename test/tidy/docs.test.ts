// What is written down about the code agrees with the code.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';

import { parseConfig } from '#src/config/load.js';
import { SECTIONS } from '#src/config/settings.js';
import { generatedPages } from './generated-docs.js';
import { ROOT } from './source-files.js';

for (const { path, text } of generatedPages()) {
  test(`${path} is what \`make docs\` writes`, () => {
    assert.equal(readFileSync(join(ROOT, path), 'utf8'), text);
  });
}

const SHIPPED = readFileSync(join(ROOT, 's3ish.toml'), 'utf8');

test('s3ish.toml holds the defaults, all of them', () => {
  assert.deepEqual(parseConfig('s3ish.toml', SHIPPED), parseConfig('empty', ''));
  for (const [section, settings] of Object.entries(SECTIONS)) {
    const [, content = ''] = SHIPPED.split(`[${section}]\n`);
    const [own = ''] = content.split(/^\[/m);
    for (const key of Object.keys(settings)) {
      assert.match(own, new RegExp(`^# [^]*\\n${key} = `, 'm'), `${section}.${key} is described`);
    }
  }
});

test('s3ish.toml describes each setting right above it', () => {
  const lines = SHIPPED.split('\n');
  const bare = lines.filter(
    (line, index) => /^[a-z_]+ = /.test(line) && !lines[index - 1]?.startsWith('# '),
  );
  assert.deepEqual(bare, []);
});

test('README names no make target that is missing', () => {
  const makefile = readFileSync(join(ROOT, 'Makefile'), 'utf8');
  const readme = readFileSync(join(ROOT, 'README.md'), 'utf8');
  const targets = [...readme.matchAll(/(?:`|^)make ([a-z-]+)/gm)].map(([, target]) => target ?? '');
  assert.ok(targets.includes('run') && targets.includes('test'));
  assert.deepEqual(
    targets.filter((target) => !new RegExp(`^${target}:`, 'm').test(makefile)),
    [],
  );
});
