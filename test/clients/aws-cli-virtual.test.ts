// The AWS CLI with buckets in the host name, and with a path prefix. Its requests go through an HTTP
// proxy of the test, so that no resolver has to know the names.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { after, before, suite, test } from 'node:test';

import { startReverseProxy, type ReverseProxy } from '../support/reverse-proxy.js';
import { absent, openWorkbench, type Workbench } from '../support/workbench.js';
import { FILE_KEYS } from './awkward-keys.js';
import { writeTree } from './file-keys.js';

const DOMAIN = 's3.example.test';
const LARGE_BYTES = 10 * 1024 * 1024 + 17;
const STYLES = [
  { style: 'virtual', endpoint: `http://${DOMAIN}` },
  { style: 'path', endpoint: 'http://files.example.test/storage' },
] as const;

suite('aws-cli by other names', { skip: absent('aws') }, () => {
  let bench: Workbench;
  let proxy: ReverseProxy;
  let targets: string[] = [];

  before(async () => {
    const server = { domains: [DOMAIN], endpoints: STYLES.map(({ endpoint }) => endpoint) };
    bench = await openWorkbench('aws-cli by other names', { settings: { server } });
    proxy = await startReverseProxy(bench.server.port, ({ url = '' }) => {
      targets.push(url);
      return { path: url.replace(/^http:\/\/[^/]+/, '') };
    });
    writeTree(bench.path('source'), FILE_KEYS);
    writeFileSync(bench.path('large'), randomBytes(LARGE_BYTES));
  });
  after(async () => {
    proxy.close();
    await bench.close();
  });

  for (const { style, endpoint } of STYLES) {
    test(`B27 K01 aws s3 with addressing_style=${style} at ${endpoint}`, async () => {
      const config = bench.path(`config-${style}`);
      const lines = ['[default]', 's3 =', `  addressing_style = ${style}`];
      writeFileSync(config, [...lines, '  signature_version = s3v4', ''].join('\n'));
      const through = `http://127.0.0.1:${proxy.port}`;
      const env = [`HTTP_PROXY=${through}`, `http_proxy=${through}`, 'NO_PROXY=', 'no_proxy='];
      const aws = async (...args: string[]): Promise<string> => {
        const command = ['aws', '--endpoint-url', endpoint, 's3', ...args];
        const { stdout } = await bench.run('env', [
          ...env,
          `AWS_CONFIG_FILE=${config}`,
          ...command,
        ]);
        return stdout;
      };
      targets = [];
      const bucket = `${style}.bucket`;
      await aws('mb', `s3://${bucket}`);
      await aws('sync', '--no-progress', bench.path('source'), `s3://${bucket}`);
      await aws('sync', '--no-progress', `s3://${bucket}`, bench.path(`copy-${style}`));
      await bench.assertSameTree(bench.path('source'), bench.path(`copy-${style}`));
      await aws('cp', '--no-progress', bench.path('large'), `s3://${bucket}/large`);
      await aws('cp', '--no-progress', `s3://${bucket}/large`, bench.path(`large-${style}`));
      await bench.assertSameTree(bench.path('large'), bench.path(`large-${style}`));
      assert.match(await aws('ls'), new RegExp(` ${bucket}$`, 'm'));

      const url = new URL((await aws('presign', `s3://${bucket}/large`)).trim());
      const start =
        style === 'virtual' ? `http://${bucket}.${DOMAIN}/` : `${endpoint}/${bucket}/large`;
      assert(url.href.startsWith(start), url.href);
      const { stdout } = await bench.run('curl', [
        '-s',
        '--proxy',
        through,
        '-o',
        '/dev/null',
        '-w',
        '%{http_code}',
        url.href,
      ]);
      assert.equal(stdout, '200');

      await aws('rb', '--force', `s3://${bucket}`);
      const others = targets.filter((target) => !target.startsWith(start.replace(/large$/, '')));
      // Only the list of buckets, and path-style requests for a bucket itself, have another start.
      const known = [endpoint, `${endpoint}/`, `${endpoint}/${bucket}`];
      for (const target of others) assert(known.includes(target.split('?')[0] ?? ''), target);
    });
  }
});
