/**
 * The examples of the README, as they stand there: what users paste must work.
 *
 * Only the address is replaced by that of the test's server.
 */

import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';

import { REPOSITORY } from '../support/repository.js';
import { absent, openWorkbench, pythonWithBoto3, type Workbench } from '../support/workbench.js';

suite('README examples', () => {
  let bench: Workbench;
  before(async () => {
    bench = await openWorkbench('README', { processes: 1 });
    mkdirSync(bench.path('album'));
    for (const name of ['summer.jpg', 'hello.txt', 'album/one.jpg', 'album/two.jpg']) {
      writeFileSync(bench.path(name), `contents of ${name}`);
    }
  });
  after(() => bench.close());

  test('AWS CLI', { skip: absent('aws') }, async () => {
    const { stdout } = await bench.paste(example('AWS CLI', 'sh'));
    assert.match(stdout, /2026\/summer\.jpg$/m);
    assert.match(stdout, /album\/two\.jpg$/m);
  });

  const python = pythonWithBoto3();
  test('boto3', { skip: python === undefined && 'boto3 is not installed' }, async () => {
    writeFileSync(bench.path('example.py'), example('boto3', 'python'));
    const { stdout } = await bench.paste(`${python} example.py`);
    assert.equal(stdout.trim(), "b'hello'");
  });

  test('AWS SDK for JavaScript', async () => {
    symlinkSync(join(REPOSITORY, 'node_modules'), bench.path('node_modules'));
    writeFileSync(bench.path('example.mjs'), example('AWS SDK for JavaScript v3', 'js'));
    const { stdout } = await bench.run(process.execPath, ['example.mjs']);
    assert.equal(stdout.trim(), 'hello');
  });

  test('s3cmd', { skip: absent('s3cmd') }, async () => {
    const { stdout } = await bench.paste(example('s3cmd', 'sh'));
    assert.match(stdout, /s3:\/\/photos\/summer\.jpg$/m);
  });

  test('rclone', { skip: absent('rclone') }, async () => {
    const { stderr } = await bench.paste(example('rclone', 'sh'));
    assert.match(stderr, / 0 differences found/);
  });

  test('curl with a presigned URL', { skip: absent('curl') }, async () => {
    const text = example('curl, with a presigned URL', 'sh')
      .replace('dist/main.js', `${REPOSITORY}dist/main.js`)
      .replace('--expires', `--config ${bench.server.configFile} --expires`);
    await bench.paste(text);
    const { stdout } = await bench.paste(
      `url=$(node ${REPOSITORY}dist/main.js presign GET s3://photos/hello.txt --config ${bench.server.configFile})\ncurl -sS --fail "$url"`,
    );
    assert.equal(stdout, 'contents of hello.txt');
  });

  /** The block of code after the paragraph that begins with a client's name. */
  function example(client: string, language: string): string {
    const readme = readFileSync(join(REPOSITORY, 'README.md'), 'utf8');
    const section = readme.slice(readme.indexOf(`\n${client}`));
    const [, code] = new RegExp(`\`\`\`${language}\\n([^]*?)\`\`\``).exec(section) ?? [];
    assert(code !== undefined, `the README has an example for ${client}`);
    return code.replaceAll('127.0.0.1:9000', `${bench.server.host}:${bench.server.port}`);
  }
});
