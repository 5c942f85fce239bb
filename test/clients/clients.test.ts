/**
 * Ordinary round trips of the clients that users have, against a live server of two processes.
 *
 * Each uploads the same tree of awkward names, downloads it again and compares every byte.
 */

import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { promisify } from 'node:util';

import { startServer, type TestServer } from '../support/server.js';

const run = promisify(execFile);

const NAMES = [
  'plain.txt',
  'with space.txt',
  'plus+sign.txt',
  'percent%20sign.txt',
  'ünïcode-ключ-鍵.txt',
  'deep/er/and/deeper.txt',
  'a',
  'a-beside/b',
];

suite('clients', () => {
  const directory = mkdtempSync(join(tmpdir(), 's3ish-clients-'));
  const source = join(directory, 'source');
  let server: TestServer;
  let env: NodeJS.ProcessEnv;

  before(async () => {
    server = await startServer({ processes: 2 });
    for (const [index, name] of NAMES.entries()) {
      const path = join(source, name);
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, randomBytes(1000 * index));
    }
    writeFileSync(join(source, 'large.bin'), randomBytes(20 * 1024 * 1024));
    env = {
      ...process.env,
      AWS_ACCESS_KEY_ID: server.accessKey,
      AWS_SECRET_ACCESS_KEY: server.secretKey,
      AWS_DEFAULT_REGION: server.region,
      AWS_EC2_METADATA_DISABLED: 'true',
      HOME: directory,
    };
    // The server speaks plain HTTP here; rclone refuses to start with a CA bundle of the machine's.
    delete env['AWS_CA_BUNDLE'];
  });

  after(async () => {
    await server.stop();
    rmSync(directory, { recursive: true, force: true });
  });

  const command = (file: string, args: readonly string[]): Promise<{ stdout: string }> =>
    run(file, args, { env, maxBuffer: 64 * 1024 * 1024 });
  const compare = (target: string): Promise<unknown> => run('diff', ['-r', source, target]);

  test('aws-cli syncs a tree up and down', { skip: absent('aws') }, async () => {
    const aws = (...args: string[]) => command('aws', ['--endpoint-url', server.endpoint, ...args]);
    const target = join(directory, 'aws');
    await aws('s3', 'mb', 's3://aws-bucket');
    await aws('s3', 'sync', '--no-progress', source, 's3://aws-bucket/tree');
    await aws('s3', 'sync', '--no-progress', 's3://aws-bucket/tree', target);
    await compare(target);
    await aws('s3', 'cp', 's3://aws-bucket/tree/plain.txt', 's3://aws-bucket/copy.txt');
    const { stdout } = await aws('s3', 'ls', '--recursive', 's3://aws-bucket');
    assert.equal(stdout.trim().split('\n').length, NAMES.length + 2);
    await aws('s3', 'rm', '--recursive', 's3://aws-bucket');
    await aws('s3', 'rb', 's3://aws-bucket');
  });

  test('s3cmd puts and gets a tree', { skip: absent('s3cmd') }, async () => {
    const host = `${server.host}:${server.port}`;
    const flags = ['--no-ssl', `--host=${host}`, `--host-bucket=${host}`, '--quiet'];
    const keys = [`--access_key=${server.accessKey}`, `--secret_key=${server.secretKey}`];
    const s3cmd = (...args: string[]) => command('s3cmd', [...flags, ...keys, ...args]);
    const target = join(directory, 's3cmd');
    mkdirSync(target);
    await s3cmd('mb', 's3://s3cmd-bucket');
    await s3cmd('sync', `${source}/`, 's3://s3cmd-bucket/tree/');
    await s3cmd('sync', 's3://s3cmd-bucket/tree/', `${target}/`);
    await compare(target);
  });

  test(
    'rclone copies a tree and its check finds no difference',
    { skip: absent('rclone') },
    async () => {
      const remote = [
        ':s3,provider=Other,env_auth=false,force_path_style=true',
        `access_key_id="${server.accessKey}",secret_access_key="${server.secretKey}"`,
        `endpoint="${server.endpoint}":rclone-bucket/tree`,
      ].join(',');
      const target = join(directory, 'rclone');
      await command('rclone', ['copy', source, remote]);
      await command('rclone', ['check', '--download', source, remote]);
      await command('rclone', ['copy', remote, target]);
      await compare(target);
    },
  );

  test('boto3 keeps awkward keys apart', { skip: absentBoto3() }, async () => {
    const script = [
      'import boto3, os, sys',
      'from botocore.config import Config',
      's3 = boto3.client("s3", endpoint_url=sys.argv[1], config=Config(s3={"addressing_style": "path"}))',
      's3.create_bucket(Bucket="boto-bucket")',
      'keys = ["a", "a/", "a/b", "a//b", "x y", "x+y", "x%y", "é", "emoji-\\U0001F600", "k" * 1024]',
      'for index, key in enumerate(keys):',
      '    s3.put_object(Bucket="boto-bucket", Key=key, Body=b"%d" % index)',
      'for index, key in enumerate(keys):',
      '    assert s3.get_object(Bucket="boto-bucket", Key=key)["Body"].read() == b"%d" % index, key',
      'listed = [o["Key"] for o in s3.list_objects_v2(Bucket="boto-bucket")["Contents"]]',
      'assert listed == sorted(keys, key=lambda k: k.encode()), listed',
      'body = os.urandom(20 << 20)',
      'import io',
      's3.upload_fileobj(io.BytesIO(body), "boto-bucket", "large")',
      'assert s3.get_object(Bucket="boto-bucket", Key="large")["Body"].read() == body',
      'print("ok")',
    ].join('\n');
    const { stdout } = await command('python3', ['-c', script, server.endpoint]);
    assert.equal(stdout.trim(), 'ok');
  });
});

function absent(program: string): string | false {
  const { error } = spawnSync(program, ['--version']);
  return error === undefined ? false : `${program} is not installed`;
}

function absentBoto3(): string | false {
  const { status } = spawnSync('python3', ['-c', 'import boto3']);
  return status === 0 ? false : 'boto3 is not installed';
}
