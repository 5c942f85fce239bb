// s3cmd: put, get, ls, sync, del, and its multipart upload.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { after, before, suite, test } from 'node:test';

import { absent, openWorkbench, type Workbench } from '../support/workbench.js';
import { AWKWARD_KEYS, FILE_KEYS } from './awkward-keys.js';
import { writeTree } from './file-keys.js';

/** Why s3cmd cannot name an object so on its command line. */
const INEXPRESSIBLE: Readonly<Record<string, string>> = {
  'trailing-slash/': 'put takes a trailing slash for a folder and appends the file name',
  'a/': 'put takes a trailing slash for a folder and appends the file name',
};

suite('s3cmd', { skip: absent('s3cmd') }, () => {
  let bench: Workbench;

  before(async () => {
    bench = await openWorkbench('s3cmd', { processes: 2 });
  });
  after(() => bench.close());

  const s3cmd = async (...args: string[]): Promise<string> => {
    const { host, port, accessKey, secretKey } = bench.server;
    const address = [`--host=${host}:${port}`, `--host-bucket=${host}:${port}`];
    const keys = [`--access_key=${accessKey}`, `--secret_key=${secretKey}`];
    const flags = ['--no-ssl', '--no-progress', ...address, ...keys];
    return (await bench.run('s3cmd', [...flags, ...args])).stdout;
  };

  test('K01 K02 s3cmd puts, lists, gets and deletes awkward keys', async (t) => {
    for (const [key, reason] of Object.entries(INEXPRESSIBLE)) {
      t.diagnostic(`s3cmd cannot express ${JSON.stringify(key)}: ${reason}`);
    }
    const keys = AWKWARD_KEYS.filter((key) => INEXPRESSIBLE[key] === undefined);
    await s3cmd('mb', 's3://keys-bucket');
    const file = bench.path('body');
    for (const key of keys) {
      writeFileSync(file, `content of ${key}`);
      await s3cmd('put', file, `s3://keys-bucket/${key}`);
    }
    const listing = await s3cmd('ls', '--recursive', 's3://keys-bucket');
    for (const key of keys) {
      assert(listing.includes(`s3://keys-bucket/${key}\n`), `${key} is listed in ${listing}`);
      await s3cmd('get', '--force', `s3://keys-bucket/${key}`, file);
      assert.equal(readFileSync(file, 'utf8'), `content of ${key}`);
    }
    for (const key of keys) await s3cmd('del', `s3://keys-bucket/${key}`);
    assert.equal(await s3cmd('ls', '--recursive', 's3://keys-bucket'), '');
    await s3cmd('rb', 's3://keys-bucket');
  });

  test('K01 s3cmd syncs a tree of awkward names up and down', async () => {
    const source = bench.path('source');
    const target = bench.path('target');
    writeTree(source, FILE_KEYS);
    mkdirSync(target);
    await s3cmd('mb', 's3://sync-bucket');
    await s3cmd('sync', `${source}/`, 's3://sync-bucket/');
    await s3cmd('sync', 's3://sync-bucket/', `${target}/`);
    await bench.assertSameTree(source, target);
    await s3cmd('rb', '--recursive', '--force', 's3://sync-bucket');
  });

  test('M01 s3cmd sends a large file in parts and copies it', async () => {
    const large = bench.path('large');
    writeFileSync(large, randomBytes(12 * 1024 * 1024 + 17));
    await s3cmd('mb', 's3://large-bucket');
    await s3cmd('put', '--multipart-chunk-size-mb=5', large, 's3://large-bucket/large');
    assert.match(await s3cmd('info', 's3://large-bucket/large'), /MD5 sum:\s+[0-9a-f]{32}/);
    await s3cmd('cp', 's3://large-bucket/large', 's3://large-bucket/copy');
    await s3cmd('get', 's3://large-bucket/copy', bench.path('copy'));
    await bench.run('cmp', [large, bench.path('copy')]);
    assert.match(await s3cmd('ls'), /s3:\/\/large-bucket$/m);
    await s3cmd('rb', '--recursive', '--force', 's3://large-bucket');
  });
});
