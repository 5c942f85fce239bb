// Domains, endpoints and trusted proxies from the settings file to a running server, and the
// command line that makes URLs for them.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { after, before, suite, test } from 'node:test';

import { CreateBucketCommand, PutObjectCommand } from '@aws-sdk/client-s3';

import { sendUnsigned, type RawReply } from '../support/raw-request.js';
import { s3Client } from '../support/s3-client.js';
import { MAIN_FILE, startServer, waitFor, type TestServer } from '../support/server.js';
import { headerSigned, sendHead } from '../support/signed-request.js';

suite('addressing of a configured server', () => {
  let server: TestServer;

  before(async () => {
    server = await startServer({
      settings: {
        server: {
          domains: ['s3.example.test', 'localhost'],
          endpoints: ['https://files.example.test/storage/', 'http://s3.example.test:81'],
          trusted_proxies: ['127.0.0.0/8'],
        },
      },
    });
    const client = s3Client(server);
    await client.send(new CreateBucketCommand({ Bucket: 'photos' }));
    await client.send(new PutObjectCommand({ Bucket: 'photos', Key: 'a b/../ü', Body: 'found' }));
    client.destroy();
  });
  after(() => server.stop());

  const presign = (...args: string[]) =>
    spawnSync(
      process.execPath,
      [MAIN_FILE, 'presign', 'GET', ...args, '--config', server.configFile],
      { encoding: 'utf8' },
    );

  /** Follows a URL with another `Host` than its own, if one is given. */
  function follow(url: string, sentHost?: string): Promise<RawReply> {
    const [, host = '', target = ''] = /^https?:\/\/([^/]+)(.*)$/.exec(url.trim()) ?? [];
    const headers = { host: sentHost ?? host };
    return sendUnsigned({ port: server.port, method: 'GET', target, headers });
  }

  // prettier-ignore
  const URLS: readonly (readonly [args: readonly string[], start: string])[] = [
    [[], 'https://files.example.test/storage/photos/a%20b/../%C3%BC?'],
    [['--endpoint', 'https://files.example.test/storage'], 'https://files.example.test/storage/photos/a%20b/'],
    [['--endpoint', 'http://s3.example.test:81', '--virtual-hosted'], 'http://photos.s3.example.test:81/a%20b/'],
    [['--endpoint', 'http://127.0.0.1:1234'], 'http://127.0.0.1:1234/photos/a%20b/'],
  ];

  for (const [args, start] of URLS) {
    test(`presign ${args.join(' ')} makes a URL that works`, async () => {
      const { stdout, stderr, status } = presign('s3://photos/a b/../ü', ...args);
      assert.equal(status, 0, stderr);
      assert(stdout.startsWith(start), stdout);
      assert.equal((await follow(stdout)).text, 'found');
      const elsewhere = args[1] === 'http://127.0.0.1:1234' ? 403 : 200;
      const host = args.includes('--virtual-hosted') ? 'photos.s3.example.test' : '10.0.0.1';
      assert.equal(
        (await follow(stdout, host)).status,
        elsewhere,
        'with a host that a proxy wrote',
      );
    });
  }

  for (const args of [
    ['s3://photos/k', '--endpoint', 'http://elsewhere.test', '--virtual-hosted'],
    ['s3://photos/k', '--endpoint', 'http://elsewhere.test/not-declared'],
    ['s3://photos/k', '--endpoint', 'http://other.s3.example.test'],
    ['s3://storage/k', '--endpoint', 'http://127.0.0.1:1234'],
  ]) {
    test(`presign ${args.join(' ')} is refused: the server would read it differently`, () => {
      const { stdout, stderr, status } = presign(...args);
      assert.deepEqual([status, stdout], [1, '']);
      assert.match(stderr, /would be read as bucket/);
    });
  }

  test('the access log shows the client of a trusted proxy', async () => {
    const head = headerSigned(server, {
      rawPath: '/photos',
      headers: { 'x-forwarded-for': '198.51.100.1, 192.0.2.7' },
    });
    assert.equal((await sendHead(server, head)).status, 200);
    await waitFor('the access line', () => server.output().includes('"remoteAddress":"192.0.2.7"'));
    assert(!server.output().includes('198.51.100.1'), 'what a client claimed is not shown');
  });
});
