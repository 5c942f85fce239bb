/**
 * The benchmarks that users run: MinIO's warp, and wasabi's s3-benchmark, which knows Signature
 * Version 2 only in its older versions. Not for their figures: no request of theirs may fail.
 *
 * They are installed by `install.sh` where there is a Go, and skipped elsewhere.
 */

import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';

import { absent, openWorkbench, report, type Workbench } from '../support/workbench.js';

const CACHE = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 's3ish-clients');

/** Small: ten seconds each are for the kinds of request, not for their number. */
const COMMANDS: Readonly<Record<string, readonly string[]>> = {
  get: ['--objects', '200', '--obj.size', '64KiB'],
  put: ['--obj.size', '64KiB'],
  mixed: ['--objects', '200', '--obj.size', '64KiB'],
  list: ['--objects', '400', '--obj.size', '1KiB'],
  stat: ['--objects', '400', '--obj.size', '1KiB'],
  delete: ['--objects', '3200', '--obj.size', '1KiB', '--batch', '100'],
  multipart: ['--parts', '8', '--part.size', '5MiB'],
};

suite('warp', { skip: notInstalled('warp') }, () => {
  let bench: Workbench;

  before(async () => {
    bench = await openWorkbench('warp', { processes: 2 });
  });
  after(() => bench.close());

  for (const [command, sizes] of Object.entries(COMMANDS)) {
    test(`warp ${command} ends without an error`, async () => {
      const { host, port, accessKey, secretKey } = bench.server;
      const keys = ['--access-key', accessKey, '--secret-key', secretKey];
      const place = ['--host', `${host}:${port}`, '--bucket', `warp-${command}`, ...keys];
      const effort = ['--duration', '10s', '--concurrent', '4', '--no-color'];
      const args = [command, ...place, ...effort, ...sizes];
      const { stdout, stderr } = await bench.run(join(CACHE, 'warp'), args);
      assert.doesNotMatch(stdout + stderr, /error|panic|failed/i);
      assertNoneRefused(bench);
    });
  }
});

suite('s3-benchmark', { skip: notInstalled('s3-benchmark') }, () => {
  test('BI-037 s3-benchmark puts and gets, and not one answer is a refusal', async () => {
    const settings = { auth: { signature_v2: true } };
    const bench = await openWorkbench('s3-benchmark', { processes: 2, settings });
    try {
      const { endpoint, accessKey, secretKey } = bench.server;
      const place = ['-u', endpoint, '-b', 'benchmark-bucket', '-a', accessKey, '-s', secretKey];
      const effort = ['-p', '-d', '10', '-t', '4', '-z', '64K'];
      const { stdout } = await bench.run(join(CACHE, 's3-benchmark'), [...place, ...effort]);
      assert.match(stdout, /PUT time .* Slowdowns = 0$/m);
      assert.match(stdout, /GET time .* Slowdowns = 0$/m);
      // It takes every answer but 503 for a success.
      assertNoneRefused(bench);
    } finally {
      await bench.close();
    }
  });
});

/** They ask for a bucket before they make it, and one of them makes it twice. */
function assertNoneRefused(bench: Workbench): void {
  const refused = bench
    .requests()
    .filter(({ status }) => status >= 400)
    .filter(({ operation }) => operation !== 'HeadBucket' && operation !== 'CreateBucket');
  assert.deepEqual(refused, []);
  assert(bench.requests().length > 0);
}

/** Why a benchmark cannot be run; false when it can. */
function notInstalled(name: string): string | false {
  if (existsSync(join(CACHE, name))) return false;
  const reason = absent('go', 'version') || reasonOf(join(CACHE, `${name}.log`));
  report(`${name}: SKIPPED, ${reason}`);
  return `${name}: ${reason}`;
}

function reasonOf(log: string): string {
  if (!existsSync(log)) return 'install.sh has not been run';
  const lines = readFileSync(log, 'utf8').trim().split('\n');
  return `Go could not install it: ${(lines.at(-1) ?? '').trim()}`;
}
