// restic: a repository that is written, checked, restored and thinned out.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { rmSync, writeFileSync } from 'node:fs';
import { after, before, suite, test } from 'node:test';

import { absent, openWorkbench, type Workbench } from '../support/workbench.js';
import { FILE_KEYS } from './awkward-keys.js';
import { writeTree } from './file-keys.js';

const MIB = 1024 * 1024;

suite('restic', { skip: absent('restic', 'version') }, () => {
  let bench: Workbench;
  let source: string;

  before(async () => {
    bench = await openWorkbench('restic', { processes: 2 });
    source = bench.path('source');
    writeTree(source, FILE_KEYS);
    writeFileSync(bench.path('source', 'large'), randomBytes(20 * MIB + 17));
    writeFileSync(bench.path('password'), 'a password');
  });
  after(() => bench.close());

  const restic = async (...args: string[]): Promise<string> => {
    const repository = ['--repo', `s3:${bench.server.endpoint}/restic-bucket/backups`];
    const flags = [...repository, '--password-file', bench.path('password'), '--no-cache'];
    const { stdout, stderr } = await bench.run('restic', [...flags, ...args], source);
    // It tells of every request that it repeats.
    assert.equal(stderr, '');
    return stdout;
  };
  const restored = async (snapshot: string): Promise<void> => {
    const target = bench.path('target');
    await restic('restore', snapshot, '--target', target);
    await bench.assertSameTree(source, target);
    rmSync(target, { recursive: true });
  };

  test('restic init makes the bucket and the repository', async () => {
    assert.match(await restic('init'), /created restic repository/);
    await assert.rejects(restic('init'), /already initialized|config already exists/);
  });

  test('restic backs up, checks every byte and restores', async () => {
    assert.match(await restic('backup', '.'), /snapshot [0-9a-f]+ saved/);
    assert.match(await restic('check', '--read-data'), /no errors were found/);
    await restored('latest');
  });

  test('restic forgets and prunes all but the last of several snapshots', async () => {
    for (const round of [1, 2]) {
      writeFileSync(bench.path('source', 'large'), randomBytes(9 * MIB + round));
      writeFileSync(bench.path('source', `new ${round}`), `round ${round}`);
      await restic('backup', '.');
    }
    const removed = await restic('forget', '--keep-last', '1', '--prune', '--max-unused', '0');
    assert.match(removed, /remove 2 snapshots/);
    const snapshots: unknown = JSON.parse(await restic('snapshots', '--json'));
    assert(Array.isArray(snapshots) && snapshots.length === 1);
    assert.match(await restic('check', '--read-data'), /no errors were found/);
    await restored('latest');
    bench.assertNothingFailed();
  });
});
