// s3fs: a bucket as a directory.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { after, before, suite, test } from 'node:test';

import { absent, openWorkbench, withoutFuse, type Workbench } from '../support/workbench.js';
import { FILE_KEYS } from './awkward-keys.js';
import { writeTree } from './file-keys.js';

const MIB = 1024 * 1024;

/** The longest key is one byte too long for it, with the slash that it begins every path with. */
const NAMES = FILE_KEYS.filter((key) => Buffer.byteLength(key) < 1024);

suite('s3fs', { skip: absent('s3fs') || withoutFuse() }, () => {
  let bench: Workbench;
  let mountPoint: string;
  let isMounted = false;

  const mount = async (): Promise<void> => {
    const { endpoint, accessKey, secretKey } = bench.server;
    writeFileSync(bench.path('passwd'), `${accessKey}:${secretKey}\n`, { mode: 0o600 });
    const options = [
      `url=${endpoint},use_path_request_style,passwd_file=${bench.path('passwd')}`,
      'sigv4,multipart_size=5,dbglevel=warn',
    ];
    const log = ['-o', `logfile=${bench.path('s3fs.log')}`];
    await bench.run('s3fs', ['fs-bucket', mountPoint, '-o', options.join(','), ...log]);
    isMounted = true;
  };
  const unmount = async (): Promise<void> => {
    await bench.run('fusermount3', ['-u', mountPoint]);
    isMounted = false;
  };
  const keys = async (): Promise<string[]> => {
    const command = ['s3api', 'list-objects-v2', '--bucket', 'fs-bucket', '--output', 'json'];
    const { stdout } = await bench.aws(...command);
    const { Contents: contents = [] } = JSON.parse(stdout || '{}') as {
      readonly Contents?: readonly { readonly Key: string }[];
    };
    return contents.map(({ Key: key }) => key);
  };

  before(async () => {
    bench = await openWorkbench('s3fs', { processes: 2 });
    mountPoint = bench.path('mount');
    mkdirSync(mountPoint);
    await bench.aws('s3', 'mb', 's3://fs-bucket');
    await mount();
  });
  after(async () => {
    if (isMounted) await bench.run('fusermount3', ['-uz', mountPoint]);
    await bench.close();
  });

  test('K01 s3fs takes a tree of awkward names and gives it back after a new mount', async () => {
    const source = bench.path('source');
    writeTree(source, NAMES);
    writeFileSync(bench.path('source', 'empty'), '');
    writeFileSync(bench.path('source', 'large'), randomBytes(12 * MIB + 17));
    await bench.run('cp', ['-r', `${source}/.`, mountPoint]);
    await bench.assertSameTree(source, mountPoint);
    await unmount();
    assert.deepEqual(readdirSync(mountPoint), []);
    await mount();
    await bench.assertSameTree(source, mountPoint);
  });

  test('X01 s3fs renames, changes modes, appends, truncates and removes', async () => {
    const large = readFileSync(`${mountPoint}/large`);
    await bench.run('mv', [`${mountPoint}/large`, `${mountPoint}/a.d/renamed ü`]);
    assert.equal(existsSync(`${mountPoint}/large`), false);
    assert(readFileSync(`${mountPoint}/a.d/renamed ü`).equals(large));
    await bench.run('mv', [`${mountPoint}/a.d`, `${mountPoint}/moved`]);
    assert.deepEqual(readdirSync(`${mountPoint}/moved`).sort(), ['b', 'renamed ü']);
    await bench.run('chmod', ['0640', `${mountPoint}/plain.txt`]);
    assert.equal(statSync(`${mountPoint}/plain.txt`).mode & 0o777, 0o640);
    writeFileSync(`${mountPoint}/plain.txt`, ' and more', { flag: 'a' });
    assert.equal(readFileSync(`${mountPoint}/plain.txt`, 'utf8'), 'content of plain.txt and more');
    await bench.run('truncate', ['-s', '7', `${mountPoint}/plain.txt`]);
    assert.equal(readFileSync(`${mountPoint}/plain.txt`, 'utf8'), 'content');
    const { stdout } = await bench.run('ls', ['-l', mountPoint]);
    assert.match(stdout, /^-rw-r-----.* 7 .* plain\.txt$/m);
  });

  test('D04 s3fs leaves an empty bucket, and nothing was repeated', async () => {
    await bench.run('bash', ['-c', 'rm -r "$1"/*', 'bash', mountPoint]);
    await unmount();
    assert.deepEqual(await keys(), []);
    const log = readFileSync(bench.path('s3fs.log'), 'utf8');
    assert.doesNotMatch(log, /\[ERR\]|retry/i);
    bench.assertNothingFailed();
  });
});
