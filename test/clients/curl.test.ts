// curl with --aws-sigv4: an S3 client of a line of shell.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { after, before, suite, test } from 'node:test';

import { absent, openWorkbench, type Workbench } from '../support/workbench.js';

const EMPTY_SHA256 = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';
const MIB = 1024 * 1024;

/** Names as they are typed, and as an object is called. */
const KEYS: readonly (readonly [escaped: string, key: string])[] = [
  ['plain.txt', 'plain.txt'],
  ['with%20space.txt', 'with space.txt'],
  ['plus%2Bsign.txt', 'plus+sign.txt'],
  ['percent%2520sign.txt', 'percent%20sign.txt'],
  ['deep/er/and/deeper.txt', 'deep/er/and/deeper.txt'],
  ['%C3%BCn%C3%AFc%C3%B6de-%D0%BA-%E9%8D%B5-%F0%9F%98%80', 'ünïcöde-к-鍵-😀'],
  ['quotes%27%22and%26%3D%3F%23%3B%24%40.txt', `quotes'"and&=?#;$@.txt`],
];

suite('curl --aws-sigv4', { skip: absent('curl') }, () => {
  let bench: Workbench;

  before(async () => {
    bench = await openWorkbench('curl', { processes: 2 });
    await curl('/curl-bucket', '--request', 'PUT', ...payload(EMPTY_SHA256));
  });
  after(() => bench.close());

  /** Its own warnings and progress would come on standard error: there are none. */
  const curl = async (target: string, ...args: string[]): Promise<string> => {
    const { endpoint, region, accessKey, secretKey } = bench.server;
    const signing = ['--aws-sigv4', `aws:amz:${region}:s3`, '--user', `${accessKey}:${secretKey}`];
    const flags = ['--silent', '--show-error', '--fail-with-body', '--path-as-is', ...signing];
    const { stdout, stderr } = await bench.run('curl', [...flags, ...args, `${endpoint}${target}`]);
    assert.equal(stderr, '');
    return stdout;
  };

  test('K01 K02 curl puts, gets, lists and deletes keys with spaces and unicode', async () => {
    const file = bench.path('body');
    for (const [escaped, key] of KEYS) {
      writeFileSync(file, `content of ${key}`);
      await curl(`/curl-bucket/${escaped}`, ...payload('UNSIGNED-PAYLOAD'), '--upload-file', file);
    }
    const listing = await curl(
      '/curl-bucket?encoding-type=url&list-type=2',
      ...payload(EMPTY_SHA256),
    );
    const listed = [...listing.matchAll(/<Key>([^<]*)</g)].map(([, key = '']) =>
      decodeURIComponent(key.replaceAll('+', ' ')),
    );
    const inOrder = KEYS.map(([, key]) => key).sort((left, right) =>
      Buffer.compare(Buffer.from(left), Buffer.from(right)),
    );
    assert.deepEqual(listed, inOrder);
    for (const [escaped, key] of KEYS) {
      const target = `/curl-bucket/${escaped}`;
      await curl(target, ...payload(EMPTY_SHA256), '--output', file);
      assert.equal(readFileSync(file, 'utf8'), `content of ${key}`);
      await curl(target, '--request', 'DELETE', ...payload(EMPTY_SHA256));
    }
    const empty = await curl('/curl-bucket?list-type=2', ...payload(EMPTY_SHA256));
    assert.match(empty, /<KeyCount>0</);
  });

  test('G02 curl sends a large file and reads it and a range of it', async () => {
    const large = bench.path('large');
    const body = randomBytes(5 * MIB + 17);
    writeFileSync(large, body);
    const target = '/curl-bucket/large%20file';
    await curl(target, ...payload('UNSIGNED-PAYLOAD'), '--upload-file', large);
    await curl(target, ...payload(EMPTY_SHA256), '--output', bench.path('back'));
    await bench.run('cmp', [large, bench.path('back')]);
    const range = ['--range', `${MIB}-${2 * MIB}`, '--output', bench.path('range')];
    await curl(target, ...payload(EMPTY_SHA256), ...range);
    assert(readFileSync(bench.path('range')).equals(body.subarray(MIB, 2 * MIB + 1)));
    await curl(target, '--request', 'DELETE', ...payload(EMPTY_SHA256));
  });

  test('A06 curl with another secret is refused and changes nothing', async () => {
    const { accessKey } = bench.server;
    const wrong = ['--user', `${accessKey}:another-secret`, '--data', 'x', '--request', 'PUT'];
    await assert.rejects(curl('/curl-bucket/x', ...payload('UNSIGNED-PAYLOAD'), ...wrong), {
      stdout: /<Code>SignatureDoesNotMatch</,
    });
    const listing = await curl('/curl-bucket?list-type=2', ...payload(EMPTY_SHA256));
    assert.match(listing, /<KeyCount>0</);
    await curl('/curl-bucket', '--request', 'DELETE', ...payload(EMPTY_SHA256));
    bench.assertNothingFailed();
  });
});

/** Versions before 8.3 of curl send this header only when they are told. */
function payload(hash: string): readonly string[] {
  return ['--header', `x-amz-content-sha256: ${hash}`];
}
