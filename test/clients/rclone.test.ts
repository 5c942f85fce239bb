// rclone: copy, check, copyto, sync, mount, delete, and its multipart upload.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { after, before, suite, test } from 'node:test';

import { waitFor } from '../support/server.js';
import { absent, openWorkbench, withoutFuse, type Workbench } from '../support/workbench.js';
import { AWKWARD_KEYS, FILE_KEYS } from './awkward-keys.js';
import { writeTree } from './file-keys.js';

/** Why rclone cannot name an object so: its remotes are trees of files. */
const INEXPRESSIBLE: Readonly<Record<string, string>> = {
  'double//slash.txt': 'rclone cleans the path before it is sent',
  '/leading-slash.txt': 'rclone cleans the path before it is sent',
  'trailing-slash/': 'a directory has no content of its own for rclone',
  'a/': 'a directory has no content of its own for rclone',
};

suite('rclone', { skip: absent('rclone') }, () => {
  let bench: Workbench;

  before(async () => {
    bench = await openWorkbench('rclone', { processes: 2 });
    writeFileSync(
      bench.path('rclone.conf'),
      [
        '[s3ish]',
        'type = s3',
        'provider = Other',
        'env_auth = true',
        `endpoint = ${bench.server.endpoint}`,
        '',
      ].join('\n'),
    );
  });
  after(() => bench.close());

  const rclone = async (...args: string[]): Promise<string> =>
    (await bench.run('rclone', ['--config', bench.path('rclone.conf'), ...args])).stdout;

  test('K01 K02 rclone copies, reads, lists and deletes awkward keys', async (t) => {
    for (const [key, reason] of Object.entries(INEXPRESSIBLE)) {
      t.diagnostic(`rclone cannot express ${JSON.stringify(key)}: ${reason}`);
    }
    const keys = AWKWARD_KEYS.filter((key) => INEXPRESSIBLE[key] === undefined);
    await rclone('mkdir', 's3ish:keys-bucket');
    const file = bench.path('body');
    for (const key of keys) {
      writeFileSync(file, `content of ${key}`);
      await rclone('copyto', file, `s3ish:keys-bucket/${key}`);
    }
    const listing = await rclone('lsf', '--recursive', '--files-only', 's3ish:keys-bucket');
    assert.deepEqual(listing.trimEnd().split('\n').sort(), [...keys].sort());
    for (const key of keys) {
      assert.equal(await rclone('cat', `s3ish:keys-bucket/${key}`), `content of ${key}`);
      await rclone('deletefile', `s3ish:keys-bucket/${key}`);
    }
    await rclone('rmdir', 's3ish:keys-bucket');
  });

  test('K01 rclone check finds no difference in a tree of awkward names, and finds one', async () => {
    const source = bench.path('source');
    writeTree(source, FILE_KEYS);
    writeFileSync(bench.path('source', 'empty'), '');
    await rclone('copy', source, 's3ish:check-bucket');
    await rclone('check', source, 's3ish:check-bucket');
    await rclone('check', '--download', source, 's3ish:check-bucket');
    await rclone('copy', 's3ish:check-bucket', bench.path('target'));
    await bench.assertSameTree(source, bench.path('target'));
    await rclone('copyto', bench.path('rclone.conf'), 's3ish:check-bucket/plain.txt');
    await assert.rejects(rclone('check', source, 's3ish:check-bucket'), /1 differences found/);
    await rclone('purge', 's3ish:check-bucket');
  });

  test('M01 X01 rclone sends a large file in parts and moves it within the bucket', async () => {
    const large = bench.path('large');
    writeFileSync(large, randomBytes(21 * 1024 * 1024 + 17));
    const parts = ['--s3-upload-cutoff', '5M', '--s3-chunk-size', '5M'];
    await rclone('copyto', ...parts, large, 's3ish:large-bucket/from');
    await rclone('moveto', 's3ish:large-bucket/from', 's3ish:large-bucket/to');
    assert.equal((await rclone('lsf', 's3ish:large-bucket')).trim(), 'to');
    await rclone('copyto', 's3ish:large-bucket/to', bench.path('back'));
    assert(readFileSync(bench.path('back')).equals(readFileSync(large)));
    await rclone('purge', 's3ish:large-bucket');
  });

  test('K01 D01 rclone sync makes the bucket like the tree, and the tree like the bucket', async () => {
    const source = bench.path('sync');
    writeTree(source, FILE_KEYS);
    await rclone('sync', source, 's3ish:sync-bucket');
    rmSync(bench.path('sync', 'a.d'), { recursive: true });
    renameSync(bench.path('sync', '100%'), bench.path('sync', '99%'));
    writeFileSync(bench.path('sync', 'plain.txt'), 'changed, and longer than before');
    await rclone('sync', source, 's3ish:sync-bucket');
    await rclone('check', source, 's3ish:sync-bucket');
    const target = bench.path('synced');
    writeTree(target, ['must go', 'plain.txt']);
    await rclone('sync', 's3ish:sync-bucket', target);
    await bench.assertSameTree(source, target);
    // Times and sizes of the listing tell it that nothing needs to be sent.
    const again = await rclone('sync', '--dry-run', '--use-json-log', source, 's3ish:sync-bucket');
    assert.equal(again, '');
    await rclone('purge', 's3ish:sync-bucket');
  });

  test('rclone mount reads, writes, renames and lists', { skip: withoutFuse() }, async () => {
    const mountPoint = bench.path('mount');
    mkdirSync(mountPoint);
    await rclone('mkdir', 's3ish:mount-bucket');
    const config = ['--config', bench.path('rclone.conf'), '--vfs-cache-mode', 'writes'];
    const log = ['--log-file', bench.path('mount.log'), '--cache-dir', bench.path('cache')];
    const write = ['--vfs-write-back', '0', 's3ish:mount-bucket', mountPoint];
    const { env } = bench;
    const child = spawn('rclone', ['mount', ...config, ...log, ...write], { env, stdio: 'ignore' });
    const ended = once(child, 'exit');
    try {
      await waitFor('rclone to mount', () =>
        readFileSync('/proc/mounts', 'utf8').includes(` ${mountPoint} `),
      );
      const source = bench.path('mounted');
      writeTree(source, FILE_KEYS);
      writeFileSync(bench.path('mounted', 'large'), randomBytes(6 * 1024 * 1024 + 17));
      await bench.run('cp', ['-r', `${source}/.`, mountPoint]);
      await bench.assertSameTree(source, mountPoint);
      await bench.run('mv', [`${mountPoint}/a.d`, `${mountPoint}/moved`]);
      await bench.run('rm', [`${mountPoint}/large`]);
      renameSync(bench.path('mounted', 'a.d'), bench.path('mounted', 'moved'));
      rmSync(bench.path('mounted', 'large'));
      await bench.run('fusermount3', ['-u', mountPoint]);
      await ended;
      await rclone('check', '--download', source, 's3ish:mount-bucket');
      assert.doesNotMatch(readFileSync(bench.path('mount.log'), 'utf8'), /ERROR|retry/i);
    } finally {
      child.kill('SIGTERM');
      await ended;
    }
    await rclone('purge', 's3ish:mount-bucket');
    bench.assertNothingFailed();
  });
});
