// The AWS CLI: its everyday commands, with keys that are easily confused.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { after, before, suite, test } from 'node:test';

import { absent, openWorkbench, type Workbench } from '../support/workbench.js';
import { AWKWARD_KEYS, FILE_KEYS } from './awkward-keys.js';
import { writeTree } from './file-keys.js';

const LARGE_BYTES = 20 * 1024 * 1024 + 17;

const LONG_AGO = new Date('2020-01-01T00:00:00Z');

suite('aws-cli', { skip: absent('aws') }, () => {
  let bench: Workbench;
  let source: string;

  before(async () => {
    bench = await openWorkbench('aws-cli', { processes: 2 });
    source = bench.path('source');
    writeTree(source, FILE_KEYS);
  });
  after(async () => {
    bench.assertNothingFailed();
    await bench.close();
  });

  const s3 = async (...args: string[]): Promise<string> => {
    const { stdout, stderr } = await bench.aws('s3', ...args);
    assert.equal(stderr, '');
    return stdout;
  };
  const listed = async (bucket: string): Promise<string[]> => {
    const { stdout } = await bench.aws(
      ...['s3api', 'list-objects-v2', '--bucket', bucket, '--output', 'json'],
    );
    const { Contents: contents = [] } = JSON.parse(stdout || '{}') as {
      readonly Contents?: readonly { readonly Key: string }[];
    };
    return contents.map(({ Key: key }) => key);
  };

  test('K01 K02 K05 aws s3api puts, gets, lists and deletes awkward keys', async () => {
    await s3('mb', 's3://keys-bucket');
    const file = bench.path('body');
    for (const key of AWKWARD_KEYS) {
      writeFileSync(file, `content of ${key}`);
      const target = ['--bucket', 'keys-bucket', '--key', key];
      await bench.aws('s3api', 'put-object', ...target, '--body', file);
    }
    assert.deepEqual(await listed('keys-bucket'), sorted(AWKWARD_KEYS));
    for (const key of AWKWARD_KEYS) {
      const target = ['--bucket', 'keys-bucket', '--key', key];
      await bench.aws('s3api', 'get-object', ...target, file);
      assert.equal(readFileSync(file, 'utf8'), `content of ${key}`);
    }
    await s3('rm', '--recursive', 's3://keys-bucket');
    assert.deepEqual(await listed('keys-bucket'), []);
    await s3('rb', 's3://keys-bucket');
  });

  test('K01 aws s3 sync, cp --recursive and rm --recursive move a tree of awkward names', async () => {
    await s3('mb', 's3://sync-bucket');
    await s3('sync', '--no-progress', source, 's3://sync-bucket');
    await s3('mb', 's3://copy-bucket');
    await s3('cp', '--no-progress', '--recursive', 's3://sync-bucket', 's3://copy-bucket');
    await s3('sync', '--no-progress', 's3://copy-bucket', bench.path('target'));
    await bench.assertSameTree(source, bench.path('target'));
    await s3('rm', '--recursive', 's3://sync-bucket');
    assert.deepEqual(await listed('sync-bucket'), []);
    await s3('rb', 's3://sync-bucket');
    await s3('rb', '--force', 's3://copy-bucket');
  });

  test('D01 aws s3 sync --delete removes what is gone, on either side', async () => {
    const local = bench.path('mirror');
    writeTree(local, ['keep', 'gone', 'deep/gone', 'changed ü']);
    await s3('mb', 's3://mirror-bucket');
    await s3('sync', '--no-progress', local, 's3://mirror-bucket/m');
    rmSync(bench.path('mirror', 'gone'));
    rmSync(bench.path('mirror', 'deep'), { recursive: true });
    writeFileSync(bench.path('mirror', 'changed ü'), 'changed, and longer than before');
    // Objects have whole seconds: a file of the second it is sent in would look newer than its copy.
    for (const name of ['keep', 'changed ü'])
      utimesSync(bench.path('mirror', name), LONG_AGO, LONG_AGO);
    await s3('sync', '--no-progress', '--delete', local, 's3://mirror-bucket/m');
    assert.deepEqual(await listed('mirror-bucket'), ['m/changed ü', 'm/keep']);
    assert.equal(await s3('sync', '--delete', local, 's3://mirror-bucket/m'), '');
    const target = bench.path('mirrored');
    writeTree(target, ['must go', 'keep']);
    await s3('sync', '--no-progress', '--delete', 's3://mirror-bucket/m', target);
    await bench.assertSameTree(local, target);
    await s3('rb', '--force', 's3://mirror-bucket');
  });

  test('C07 M01 aws s3 cp sends a large file in parts, and streams one from standard input', async () => {
    await s3('mb', 's3://large-bucket');
    writeFileSync(bench.path('large'), randomBytes(LARGE_BYTES));
    await s3('cp', '--no-progress', bench.path('large'), 's3://large-bucket/file');
    const address = `--endpoint-url ${bench.server.endpoint}`;
    await bench.paste(
      `aws ${address} s3 cp - s3://large-bucket/stream < large
      aws ${address} s3 cp s3://large-bucket/stream - | cmp - large
      aws ${address} s3 cp s3://large-bucket/file - | cmp - large`,
    );
    await s3('rb', '--force', 's3://large-bucket');
  });

  test('X01 aws s3 mv renames, and moves between a file and the bucket', async () => {
    await s3('mb', 's3://move-bucket');
    mkdirSync(bench.path('move'));
    writeFileSync(bench.path('move', 'from'), 'moved');
    await s3('mv', bench.path('move', 'from'), 's3://move-bucket/a+b %');
    await s3('mv', 's3://move-bucket/a+b %', 's3://move-bucket/ünï//c');
    assert.deepEqual(await listed('move-bucket'), ['ünï//c']);
    await s3('mv', 's3://move-bucket/ünï//c', bench.path('move', 'to'));
    assert.equal(readFileSync(bench.path('move', 'to'), 'utf8'), 'moved');
    assert.deepEqual(await listed('move-bucket'), []);
    await s3('rb', 's3://move-bucket');
  });

  test('A07 aws s3 presign makes a URL that anybody can read for a while', async () => {
    await s3('mb', 's3://presign-bucket');
    writeFileSync(bench.path('body'), 'shared');
    await s3('cp', bench.path('body'), 's3://presign-bucket/a b+ü');
    const url = (await s3('presign', 's3://presign-bucket/a b+ü', '--expires-in', '60')).trim();
    const shared = await fetch(url);
    assert.equal(shared.status, 200);
    assert.equal(await shared.text(), 'shared');
    const tampered = await fetch(url.replace('X-Amz-Expires=60', 'X-Amz-Expires=61'));
    assert.equal(tampered.status, 403);
    await s3('rb', '--force', 's3://presign-bucket');
  });

  test('L01 aws s3 ls shows buckets, folders and sizes', async () => {
    await s3('mb', 's3://list-bucket');
    writeFileSync(bench.path('body'), '12345');
    for (const key of ['a', 'a/b', 'a/c/d', 'e']) {
      await s3('cp', bench.path('body'), `s3://list-bucket/${key}`);
    }
    assert.match(await s3('ls'), / list-bucket$/m);
    const top = (await s3('ls', 's3://list-bucket')).trim().split('\n').map(withoutDate);
    assert.deepEqual(top, ['PRE a/', '5 a', '5 e']);
    const all = await s3('ls', '--recursive', '--summarize', 's3://list-bucket');
    assert.match(all, /Total Objects: 4\n\s+Total Size: 20\n/);
    await s3('rb', '--force', 's3://list-bucket');
  });
});

function withoutDate(line: string): string {
  return line.replace(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d/, '').trim();
}

/** S3's order: by UTF-8 bytes. */
function sorted(keys: readonly string[]): string[] {
  return [...keys].sort((left, right) => Buffer.compare(Buffer.from(left), Buffer.from(right)));
}
