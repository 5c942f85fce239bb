/**
 * A live server and a home directory for the command-line clients that are tried against it.
 *
 *     const bench = await openWorkbench('aws-cli', { processes: 2 });
 *     await bench.run('aws', ['--endpoint-url', bench.server.endpoint, 's3', 'ls']);
 *     await bench.close();
 *
 * Closing prints the peak memory of the server processes.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { appendFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { describePeaks, MemorySampler } from './memory-sampler.js';
import { startServer, type ServerOptions, type TestServer } from './server.js';

const runFile = promisify(execFile);

/** Nothing here takes longer, even on a loaded machine. */
const COMMAND_MS_MAX = 15 * 60_000;
const OUTPUT_BYTES_MAX = 64 * 1024 * 1024;

export interface Output {
  readonly stdout: string;
  readonly stderr: string;
}

/** A line of the access log. */
export interface EndedRequest {
  readonly operation: string;
  readonly status: number;
}

export interface Workbench {
  readonly server: TestServer;
  readonly memory: MemorySampler;
  /** `$HOME` of the clients, removed at the end. */
  readonly directory: string;
  /** What `run` gives to programs: the key pair and little else. */
  readonly env: NodeJS.ProcessEnv;
  /** A path inside the directory. */
  path(...names: string[]): string;
  /** Runs a program with the key pair in its environment; fails on any other exit code than 0. */
  run(program: string, args: readonly string[], cwd?: string): Promise<Output>;
  /** Runs lines of bash, aliases included, as somebody pastes them. */
  paste(lines: string, cwd?: string): Promise<Output>;
  /** The AWS CLI. */
  aws(...args: string[]): Promise<Output>;
  /** Fails unless both hold the same names and bytes. */
  assertSameTree(left: string, right: string): Promise<void>;
  /** What the access log says of the requests until now. */
  requests(): readonly EndedRequest[];
  /** Fails when a request ended in a 5xx: clients repeat those, often without a word. */
  assertNothingFailed(): void;
  close(): Promise<void>;
}

/** @param title - What the line about the peak memory begins with. */
export async function openWorkbench(title: string, options: ServerOptions): Promise<Workbench> {
  const directory = mkdtempSync(join(tmpdir(), 's3ish-clients-'));
  const server = await startServer(options);
  const memory = new MemorySampler(server);
  const env = clientEnvironment(server, directory);
  mkdirSync(join(directory, '.aws'));
  writeFileSync(
    join(directory, '.aws', 'config'),
    // The client is what takes the time: with 20 it is no faster, with 4 it is slower. Version 1
    // presigns with Signature Version 2 unless it is told otherwise.
    '[default]\ns3 =\n  max_concurrent_requests = 10\n  max_queue_size = 10000\n' +
      '  signature_version = s3v4\n',
  );

  const run = (program: string, args: readonly string[], cwd = directory): Promise<Output> =>
    runFile(program, args, {
      env,
      cwd,
      maxBuffer: OUTPUT_BYTES_MAX,
      timeout: COMMAND_MS_MAX,
    });
  return {
    server,
    memory,
    directory,
    env,
    path: (...names) => join(directory, ...names),
    run,
    paste: (lines, cwd) =>
      run('bash', ['-euo', 'pipefail', '-O', 'expand_aliases', '-c', lines], cwd),
    aws: (...args) => run('aws', ['--endpoint-url', server.endpoint, ...args]),
    assertSameTree: async (left, right) => {
      await run('diff', ['-r', left, right]);
    },
    assertNothingFailed: () => {
      const lines = server.output().split('\n');
      assert.deepEqual(
        lines.filter((line) => /"status":5\d\d|"level":"(error|fatal)"/.test(line)),
        [],
      );
    },
    requests: () =>
      server
        .output()
        .split('\n')
        .filter((line) => line.startsWith('{') && line.includes('"status":'))
        .map((line) => JSON.parse(line) as EndedRequest),
    close: async () => {
      report(`${title}: peak memory ${describePeaks(memory.stop())}`);
      await server.stop();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** Prints a line, and keeps it for the summary that `make test-clients` ends with. */
export function report(line: string): void {
  console.log(line);
  const file = process.env['S3ISH_CLIENTS_REPORT'];
  if (file !== undefined) appendFileSync(file, `${line}\n`);
}

/** The reason to skip a test of this program; false when it is installed. */
export function absent(program: string, versionArgument = '--version'): string | false {
  const { error } = spawnSync(program, [versionArgument]);
  return error === undefined ? false : `${program} is not installed`;
}

/** The reason to skip a test that mounts a file system; false when the kernel lets us. */
export function withoutFuse(): string | false {
  if (!existsSync('/dev/fuse')) return 'there is no /dev/fuse';
  if (spawnSync('fusermount3', ['--version']).error !== undefined) {
    return 'fusermount3 is not installed';
  }
  return process.getuid?.() === 0 ? false : 'mounting needs root here';
}

/** A Python with boto3: Debian's package is seen by Debian's Python only. */
export function pythonWithBoto3(): string | undefined {
  return ['python3', '/usr/bin/python3'].find(
    (python) => spawnSync(python, ['-c', 'import boto3']).status === 0,
  );
}

function clientEnvironment(server: TestServer, home: string): NodeJS.ProcessEnv {
  const inherited = Object.entries(process.env).filter(
    // Profiles, endpoints and a CA bundle of the machine's are not for this server: it speaks plain
    // HTTP, and rclone refuses to start with a bundle.
    ([name]) => !/^(AWS|S3|RCLONE)_/.test(name),
  );
  return {
    ...Object.fromEntries(inherited),
    AWS_ACCESS_KEY_ID: server.accessKey,
    AWS_SECRET_ACCESS_KEY: server.secretKey,
    AWS_DEFAULT_REGION: server.region,
    AWS_EC2_METADATA_DISABLED: 'true',
    AWS_PAGER: '',
    HOME: home,
  };
}
