/**
 * The examples of README.md, run as they stand there.
 *
 * Only two things are replaced: the address, since another server may have the default one, and
 * the dots that stand for the key pair.
 */

import assert from 'node:assert/strict';
import { readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { spawnSync } from 'node:child_process';
import { after, before, suite, test } from 'node:test';

import {
  CreateBucketCommand,
  DeleteBucketCommand,
  DeleteObjectsCommand,
  ListObjectsV2Command,
  type S3Client,
} from '@aws-sdk/client-s3';

import { REPOSITORY } from '../support/repository.js';
import { s3Client } from '../support/s3-client.js';
import {
  absent,
  openWorkbench,
  pythonWithBoto3,
  report,
  type Workbench,
} from '../support/workbench.js';
import { writeTree } from './file-keys.js';

interface Example {
  /** The paragraph before the block, up to its colon or bracket. */
  readonly title: string;
  readonly language: string;
  readonly lines: string;
}

/** What must be installed, and the keys in `photos` afterwards. */
interface Expectation {
  readonly skip: string | false;
  readonly keys: readonly string[];
  readonly stdout: RegExp;
}

const BUCKET = 'photos';
const ADDRESS = '127.0.0.1:9000';
const ALBUM = ['album/one.jpg', 'album/two words.jpg'];
const python = pythonWithBoto3();

const EXPECTATIONS: Readonly<Record<string, Expectation>> = {
  'AWS CLI': {
    skip: absent('aws'),
    keys: ['2026/summer.jpg', ...ALBUM],
    stdout: /2026\/summer\.jpg\n.*album\/one\.jpg\n/,
  },
  boto3: {
    skip: python === undefined && 'boto3 is not installed',
    keys: ['hello.txt'],
    stdout: /^b'hello'$/m,
  },
  'AWS SDK for JavaScript v3': { skip: false, keys: ['hello.txt'], stdout: /^hello$/m },
  s3cmd: {
    skip: absent('s3cmd'),
    keys: [...ALBUM, 'summer.jpg'],
    stdout: /s3:\/\/photos\/summer\.jpg/,
  },
  rclone: { skip: absent('rclone'), keys: ALBUM, stdout: /^$/ },
  mc: { skip: absentMinioClient(), keys: [...ALBUM, 'summer.jpg'], stdout: /summer\.jpg/ },
  'curl, with a presigned URL': { skip: absent('curl'), keys: ['hello.txt'], stdout: /^$/ },
};

suite('README', () => {
  const examples = clientExamples(readFileSync(join(REPOSITORY, 'README.md'), 'utf8'));
  const [environment, ...clients] = examples;
  let bench: Workbench;
  let client: S3Client;

  before(async () => {
    bench = await openWorkbench('README', { processes: 2 });
    client = s3Client(bench.server);
    writeTree(bench.directory, ['summer.jpg', 'hello.txt', ...ALBUM]);
    for (const name of ['dist', 'node_modules']) {
      symlinkSync(join(REPOSITORY, name), bench.path(name));
    }
    symlinkSync(bench.server.configFile, bench.path('s3ish.toml'));
  });
  after(() => bench.close());

  const literal = (lines: string): string =>
    lines
      .replaceAll(ADDRESS, `${bench.server.host}:${bench.server.port}`)
      .replace('AWS_ACCESS_KEY_ID=...', `AWS_ACCESS_KEY_ID=${bench.server.accessKey}`)
      .replace('AWS_SECRET_ACCESS_KEY=...', `AWS_SECRET_ACCESS_KEY=${bench.server.secretKey}`);

  test('README shows an example of every client that is tested here', () => {
    const titles = clients.map(({ title }) => title);
    assert.deepEqual(titles.sort(), Object.keys(EXPECTATIONS).sort());
  });

  for (const { title, language, lines } of clients) {
    const expectation = EXPECTATIONS[title];
    if (expectation === undefined) continue;
    test(`README's example runs as it stands: ${title}`, { skip: expectation.skip }, async () => {
      if (!/\bmb\b|mkdir|create_bucket/.test(lines)) {
        await client.send(new CreateBucketCommand({ Bucket: BUCKET }));
      }
      const settings = literal(environment?.lines ?? '');
      const script = literal(lines);
      writeFileSync(bench.path('example.mjs'), script);
      writeFileSync(bench.path('example.py'), script);
      const commands: Readonly<Record<string, string>> = {
        sh: script,
        js: `'${process.execPath}' example.mjs`,
        python: `${python} example.py`,
      };
      const { stdout } = await bench.paste(`${settings}\n${commands[language]}`);
      assert.match(stdout, expectation.stdout);
      assert.deepEqual(await emptyBucket(client), expectation.keys);
    });
  }
});

/** Every fenced block of the section "Clients" with the paragraph that introduces it. */
function clientExamples(readme: string): Example[] {
  const [, section = ''] = /^## Clients$(.*?)^## /ms.exec(readme) ?? [];
  const blocks = section.matchAll(/\n\n([^\n`][^\n]*(?:\n[^\n]+)*):\n\n```(\w+)\n(.*?)^```$/gms);
  return [...blocks].map(([, title = '', language = '', lines = '']) => ({
    title: title.replace(/ \(.*$/s, ''),
    language,
    lines,
  }));
}

/** Deletes the bucket with what is in it; the keys. */
async function emptyBucket(client: S3Client): Promise<string[]> {
  const { Contents: contents = [] } = await client.send(
    new ListObjectsV2Command({ Bucket: BUCKET }),
  );
  const keys = contents.map(({ Key: key = '' }) => key);
  const objects = { Objects: keys.map((key) => ({ Key: key })) };
  await client.send(new DeleteObjectsCommand({ Bucket: BUCKET, Delete: objects }));
  await client.send(new DeleteBucketCommand({ Bucket: BUCKET }));
  return keys;
}

/** Debian has no package of it, and its `mc` is a file manager. */
function absentMinioClient(): string | false {
  const { stdout } = spawnSync('mc', ['--version'], { encoding: 'utf8' });
  if (/^mc version RELEASE/m.test(String(stdout))) return false;
  const reason = 'NOT TESTED: mc is not installed, and Debian has no package of it';
  report(reason);
  return reason;
}
