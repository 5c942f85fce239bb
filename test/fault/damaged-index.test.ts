// An index that LMDB cannot read without a signal: the start says so and ends, once.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';

import { MAIN_FILE } from '../support/server.js';
import { startDamageableServer } from './damageable-server.js';

const PAGE_BYTES = 4096;
const START_MS_MAX = 60_000;
/** The first two pages say where the others are. */
const META_PAGES = 2;

const CASES: readonly (readonly [what: string, damage: (file: string) => void])[] = [
  ['was cut to its first pages', (file) => truncateSync(file, META_PAGES * PAGE_BYTES)],
  [
    'holds nothing but ones',
    (file) => {
      const bytes = readFileSync(file);
      writeFileSync(file, bytes.fill(0xff, META_PAGES * PAGE_BYTES));
    },
  ],
  ['holds nothing', (file) => writeFileSync(file, Buffer.alloc(16 * PAGE_BYTES))],
];

for (const [what, damage] of CASES) {
  test(`s3ish serve ends with its reason when the index ${what}`, async (context) => {
    const damageable = await startDamageableServer();
    context.after(() => damageable.stop());
    const { server } = damageable;
    for (let index = 0; index < 20; index += 1) {
      await damageable.put(`object-${index}`, randomBytes(100));
    }
    assert.equal(await server.terminate(), 0);
    await damageable.store.close();
    damage(join(server.dataPath, '.s3ish/metadata/data.mdb'));

    const { status, signal, stderr } = spawnSync(
      process.execPath,
      [MAIN_FILE, 'serve', '--config', server.configFile],
      { encoding: 'utf8', timeout: START_MS_MAX },
    );
    assert.deepEqual({ status, signal }, { status: 1, signal: null }, stderr);
    assert.match(stderr, /index in \S+/, 'it says what');
    assert.doesNotMatch(stderr, /\n {4}at /, 'in words');
    context.diagnostic(stderr.trim());
  });
}
