// The processes of s3ish, seen from outside: the real command line, real signals, real kills.
// Times are bounds for a loaded machine, not measurements.

import assert from 'node:assert/strict';
import { spawnSync, type SpawnSyncReturns } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { describe, type TestContext } from 'node:test';

import {
  CreateBucketCommand,
  GetObjectCommand,
  ListBucketsCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3';

import { metric } from '../support/metric.js';
import { reportFigure } from '../support/reliability.js';
import { s3Client } from '../support/s3-client.js';
import { freePorts, MAIN_FILE, startServer, waitFor, type TestServer } from '../support/server.js';

/** Long enough for any start that fails, short enough to notice one that hangs. */
const RUN_MS_MAX = 30_000;

function run(...args: string[]): SpawnSyncReturns<string> {
  return spawnSync(process.execPath, [MAIN_FILE, ...args], {
    encoding: 'utf8',
    timeout: RUN_MS_MAX,
  });
}

function temporaryDirectory(context: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 's3ish-cluster-'));
  context.after(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

async function server(
  context: TestContext,
  options: Parameters<typeof startServer>[0] = {},
): Promise<TestServer> {
  const started = await startServer(options);
  context.after(() => started.stop());
  return started;
}

async function isReady(running: TestServer): Promise<boolean> {
  const answer = await fetch(`${running.adminEndpoint}/_ready`).catch(() => undefined);
  return answer?.status === 200;
}

function isAlive(pid: number): boolean {
  return existsSync(`/proc/${pid}`) && !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
}

describe('s3ish serve', () => {
  test('starts the processes asked for and shows them on the admin endpoint', async (context) => {
    const running = await server(context, { processes: 3 });
    assert.equal(running.childPids('server').length, 3);
    assert.equal(running.childPids('jobs').length, 1);
    assert.equal(await metric(running, 's3ish_server_processes_listening'), 3);
    const health = await (await fetch(`${running.adminEndpoint}/_health`)).json();
    assert.deepEqual(health, {
      status: 'ok',
      serverCount: 3,
      servingCount: 3,
      failingCount: 0,
      fencedCount: 0,
      restartCount: 0,
      damagedCount: 0,
      isStopping: false,
    });
  });

  test('counts and logs requests of every process, without secrets', async (context) => {
    const running = await server(context, { processes: 2 });
    const client = s3Client(running);
    await client.send(new CreateBucketCommand({ Bucket: 'counted' }));
    await client.send(new PutObjectCommand({ Bucket: 'counted', Key: 'k', Body: 'value' }));
    for (let times = 0; times < 10; times += 1) {
      await (
        await client.send(new GetObjectCommand({ Bucket: 'counted', Key: 'k' }))
      ).Body?.transformToString();
    }
    const gets = 's3ish_requests_total{operation="GetObject",status="200"}';
    await waitFor('ten GETs to be counted', async () => (await metric(running, gets)) === 10);
    await waitFor('ten GETs to be logged', () => {
      return running.output().match(/"operation":"GetObject"/g)?.length === 10;
    });
    const line =
      running
        .output()
        .split('\n')
        .find((each) => each.includes('"PutObject"')) ?? '';
    const entry = JSON.parse(line) as Record<string, unknown>;
    assert.deepEqual([entry['bucket'], entry['key'], entry['status']], ['counted', 'k', 200]);
    assert.equal(entry['accessKey'], running.accessKey);
    const afterBanner = running
      .output()
      .split('\n')
      .filter((each) => each.startsWith('{'))
      .join('\n');
    assert.ok(!afterBanner.includes(running.secretKey));
    assert.doesNotMatch(afterBanner, /Signature/i);
  });

  test('shows the generated root key pair once and keeps it private', async (context) => {
    const running = await server(context);
    const file = join(running.dataPath, '.s3ish/metadata/root-credentials');
    assert.equal(statSync(file).mode & 0o777, 0o600);
    assert.match(
      running.output(),
      /AWS_ACCESS_KEY_ID=\S+ AWS_SECRET_ACCESS_KEY=\S+ AWS_DEFAULT_REGION=us-east-1 aws --endpoint-url http:\/\/127\.0\.0\.1:\d+ s3 mb s3:\/\/my-first-bucket/,
    );
    const times = (): number => running.output().split(running.secretKey).length - 1;
    const before = times();
    await running.restart();
    assert.equal(times(), before);
    assert.ok(running.output().includes(file));
    await s3Client(running).send(new ListBucketsCommand({}));
  });

  test('replaces a server process that was killed and keeps serving meanwhile', async (context) => {
    const running = await server(context, { processes: 2 });
    const [victim = 0, survivor = 0] = running.childPids('server');
    const isDone = { value: false };
    let answered = 0;
    let failed = 0;
    // New connections all the time: each lands on one of the processes.
    const load = Array.from({ length: 4 }, async () => {
      while (!isDone.value) {
        const answer = await fetch(running.endpoint, { headers: { connection: 'close' } }).catch(
          () => undefined,
        );
        if (answer === undefined) failed += 1;
        else answered += 1;
        await answer?.arrayBuffer();
      }
    });
    await waitFor('some answers', () => answered > 50);
    const failedBefore = failed;
    assert.equal(failedBefore, 0);
    process.kill(victim, 'SIGKILL');
    await waitFor('the victim to be noticed', async () => !(await isReady(running)));
    await waitFor('a replacement', () => isReady(running));
    const answeredByThen = answered;
    await waitFor('more answers', () => answered > answeredByThen + 50);
    isDone.value = true;
    await Promise.all(load);

    const pids = running.childPids('server');
    assert.equal(pids.length, 2);
    assert.ok(pids.includes(survivor) && !pids.includes(victim));
    assert.equal(await metric(running, 's3ish_process_restarts_total'), 1);
    // What was open on the killed process, and what was waiting to be accepted by it.
    assert.ok(failed <= 8, `${failed} requests failed`);
  });

  test('replaces the jobs process as well', async (context) => {
    const running = await server(context);
    const [victim = 0] = running.childPids('jobs');
    process.kill(victim, 'SIGKILL');
    await waitFor('another jobs process', () => {
      return running.childPids('jobs').some((pid) => pid !== victim);
    });
    assert.ok(await isReady(running));
  });

  test('finishes the request in flight on SIGTERM and exits with 0', async (context) => {
    const running = await server(context);
    await s3Client(running).send(new CreateBucketCommand({ Bucket: 'drained' }));
    const url = run('presign', 'PUT', 's3://drained/slow', '--config', running.configFile);
    const upload = request(url.stdout.trim(), { method: 'PUT', headers: { 'content-length': 6 } });
    const answered = once(upload, 'response');
    upload.write('abc');
    await waitFor('the upload to arrive', async () => {
      return (await metric(running, 's3ish_requests_in_flight{operation="PutObject"}')) === 1;
    });

    const exited = running.terminate();
    await waitFor('the server to stop accepting', async () => {
      return (await fetch(running.endpoint).catch(() => undefined)) === undefined;
    });
    upload.end('def');
    const [response] = (await answered) as [{ statusCode: number; resume(): void }];
    response.resume();
    assert.equal(response.statusCode, 200);
    assert.equal(await exited, 0);

    await running.restart();
    const { Body } = await s3Client(running).send(
      new GetObjectCommand({ Bucket: 'drained', Key: 'slow' }),
    );
    assert.equal(await Body?.transformToString(), 'abcdef');
    reportFigure('P-13', {
      what: 'SIGTERM in the middle of an upload',
      figure: 'no new connections, the upload answered and kept, exit code 0',
      faultCount: 1,
    });
  });

  test('takes its children along when it is killed', async (context) => {
    const running = await server(context, { processes: 2 });
    const children = [...running.childPids('server'), ...running.childPids('jobs')];
    assert.equal(children.length, 3);
    process.kill(running.pid, 'SIGKILL');
    await waitFor('the children to end', () => !children.some(isAlive));
    await running.restart();
    assert.ok(await isReady(running));
  });

  test('reads the credentials again on SIGHUP and refuses a malformed file', async (context) => {
    const file = join(temporaryDirectory(context), 'keys');
    writeFileSync(file, '# first\nFIRSTKEY:first-secret-first-secret\n', { mode: 0o600 });
    const running = await server(context, {
      processes: 2,
      settings: { auth: { credentials_file: file } },
    });
    const access = (accessKey: string, secretKey: string) =>
      s3Client({ ...running, accessKey, secretKey }).send(new ListBucketsCommand({}));
    const isAccepted = (accessKey: string, secretKey: string): Promise<boolean> =>
      access(accessKey, secretKey).then(
        () => true,
        (error: Error) => {
          assert.equal(error.name, 'InvalidAccessKeyId');
          return false;
        },
      );
    const first = ['FIRSTKEY', 'first-secret-first-secret'] as const;
    const second = ['SECONDKEY', 'second-secret-second-secret'] as const;
    assert.ok(await isAccepted(...first));
    assert.ok(!(await isAccepted(...second)));

    writeFileSync(file, `${second.join(':')}:other-account\n`);
    process.kill(running.pid, 'SIGHUP');
    // Each connection may be another process: several answers in a row stand for all of them.
    await waitFor('the second pair to be accepted', () => isAccepted(...second));
    await waitFor('the first pair to be refused', async () => !(await isAccepted(...first)));

    writeFileSync(file, 'no colon here\n');
    process.kill(running.pid, 'SIGHUP');
    await waitFor('the malformed file to be reported', () =>
      running.output().includes('Credentials were not read again'),
    );
    assert.ok(await isAccepted(...second));
  });

  test('serves from memory with one process and no jobs', async (context) => {
    const running = await server(context, {
      processes: 4,
      settings: { storage: { backend: 'memory' } },
    });
    assert.equal(running.childPids('server').length, 1);
    assert.equal(running.childPids('jobs').length, 0);
    const client = s3Client(running);
    await client.send(new CreateBucketCommand({ Bucket: 'memory' }));
    await client.send(new PutObjectCommand({ Bucket: 'memory', Key: 'k', Body: 'v' }));
    const { Body } = await client.send(new GetObjectCommand({ Bucket: 'memory', Key: 'k' }));
    assert.equal(await Body?.transformToString(), 'v');
    assert.ok(!existsSync(running.dataPath));
  });

  test('serves over node:http when told to', async (context) => {
    const running = await server(context, {
      processes: 2,
      settings: { server: { transport: 'node' } },
    });
    const client = s3Client(running);
    await client.send(new CreateBucketCommand({ Bucket: 'node' }));
    await client.send(new PutObjectCommand({ Bucket: 'node', Key: 'k', Body: 'v' }));
  });
});

describe('s3ish serve refuses to start', () => {
  test('with a wrong configuration: exit code 2, file and line', (context) => {
    const file = join(temporaryDirectory(context), 'wrong.toml');
    writeFileSync(file, '[server]\nlisten_adr = "127.0.0.1:0"\n');
    const result = run('serve', '--config', file);
    assert.equal(result.status, 2);
    assert.equal(
      result.stderr,
      `${file}:2: unknown setting server.listen_adr; did you mean server.listen_addr?\n`,
    );
    assert.equal(result.stdout, '');
  });

  test('on data that another primary serves: exit code 1, its process id', async (context) => {
    const running = await server(context);
    const result = run('serve', '--listen', '127.0.0.1:0', '--data', running.dataPath);
    assert.equal(result.status, 1);
    assert.ok(result.stderr.includes(`another s3ish (process ${running.pid}) serves it already`));
    assert.ok(await isReady(running));
  });

  test('on a port that is taken: exit code 1, the address', async (context) => {
    const taken = createServer().listen({ host: '127.0.0.1', port: 0 });
    await once(taken, 'listening');
    context.after(() => taken.close());
    const { port } = taken.address() as { port: number };
    const data = join(temporaryDirectory(context), 'data');
    const result = run('serve', '--listen', `127.0.0.1:${port}`, '--data', data);
    assert.equal(result.status, 1);
    assert.equal(
      result.stderr,
      `Cannot listen on 127.0.0.1:${port}: another program listens there already\n`,
    );
    assert.ok(!existsSync(join(data, '.s3ish/metadata/root-credentials')));
  });

  test('on a port that another s3ish serves', async (context) => {
    const running = await server(context);
    const data = join(temporaryDirectory(context), 'data');
    const result = run('serve', '--listen', `127.0.0.1:${running.port}`, '--data', data);
    assert.equal(result.status, 1);
    assert.match(result.stderr, /another program listens there already/);
  });

  test('with an admin address that is taken', async (context) => {
    const taken = createServer().listen({ host: '127.0.0.1', port: 0 });
    await once(taken, 'listening');
    context.after(() => taken.close());
    const { port } = taken.address() as { port: number };
    const data = join(temporaryDirectory(context), 'data');
    const admin = `127.0.0.1:${port}`;
    const result = run('serve', '--listen', '127.0.0.1:0', '--data', data, '--admin', admin);
    assert.equal(result.status, 1);
    assert.ok(result.stderr.includes(`Cannot listen on ${admin}`));
  });

  test('with guessable credentials off loopback', (context) => {
    const directory = temporaryDirectory(context);
    const file = join(directory, 's3ish.toml');
    const keys = join(directory, 'keys');
    writeFileSync(keys, 'minioadmin:minioadmin\n', { mode: 0o600 });
    writeFileSync(file, `[auth]\ncredentials_file = "${keys}"\n`);
    const data = join(directory, 'data');
    const result = run('serve', '--config', file, '--listen', '0.0.0.0:0', '--data', data);
    assert.equal(result.status, 1);
    assert.match(result.stderr, /minioadmin is too weak for 0\.0\.0\.0/);
  });
});

describe('s3ish command line', () => {
  test('--version and --help', () => {
    assert.match(run('--version').stdout, /^\d+\.\d+\.\d+\n$/);
    const help = run('--help');
    assert.equal(help.status, 0);
    for (const verb of ['serve', 'config', 'healthcheck', 'presign']) {
      assert.match(help.stdout, new RegExp(`^  ${verb}\\b`, 'm'));
    }
    assert.match(help.stdout, /^Examples:\n {2}s3ish serve/m);
  });

  test('unknown verbs and options end with exit code 2', () => {
    for (const args of [['sirve'], ['serve', '--prot', '1'], ['presign', 'DELETE', 's3://b/k']]) {
      assert.equal(run(...args).status, 2, args.join(' '));
    }
  });

  test('config check', (context) => {
    const file = join(temporaryDirectory(context), 's3ish.toml');
    writeFileSync(file, '[log]\nlevel = "info"\n');
    assert.equal(run('config', 'check', '--config', file).status, 0);
    writeFileSync(file, '[log]\nlevel = "inof"\n');
    const result = run('config', 'check', '--config', file);
    assert.equal(result.status, 2);
    assert.ok(result.stderr.startsWith(`${file}:2: log.level: expected `));
  });

  test('healthcheck tells a serving server from an absent one', async (context) => {
    const running = await server(context);
    assert.equal(run('healthcheck', '--admin', running.adminEndpoint).status, 0);
    const [port] = await freePorts();
    const result = run('healthcheck', '--admin', `http://127.0.0.1:${port}`);
    assert.equal(result.status, 1);
    assert.match(result.stderr, /^No answer from http:/);
  });

  test('presign makes URLs that work without credentials', async (context) => {
    const running = await server(context);
    await s3Client(running).send(new CreateBucketCommand({ Bucket: 'shared' }));
    const presign = (method: string): string =>
      run(
        'presign',
        method,
        's3://shared/a b/ü+%.txt',
        '--config',
        running.configFile,
      ).stdout.trim();
    const put = await fetch(presign('PUT'), { method: 'PUT', body: 'shared bytes' });
    assert.equal(put.status, 200);
    const get = await fetch(presign('GET'));
    assert.equal(await get.text(), 'shared bytes');
  });
});
