/**
 * Servers that are measured. One that is started here gets an empty directory each time.
 *
 *     s3ish                         the build of this repository
 *     s3ish=../other/dist/main.js   another build
 *     many=,cluster.processes=16,cluster.index_writer=each   the same with other settings
 *     minio=/usr/local/bin/minio    a MinIO program
 *     any=http://127.0.0.1:9100,pid=12,access=KEY,secret=SECRET[,data=/srv]   one that runs already
 *
 * @module
 */

import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { REPOSITORY } from '../test/support/repository.js';
import { freePorts, startServer } from '../test/support/server.js';
import type { Target } from '../test/support/prepared-request.js';

/** A server that can be measured. */
export interface BenchTarget {
  readonly name: string;
  /** Program and version, for the report. */
  readonly version: string;
  /** Starts it, or only finds it when it runs already. */
  start(): Promise<RunningTarget>;
}

export interface RunningTarget extends Target {
  /** The process at the top of its tree. */
  readonly pid: number;
  /** Directory of its data, to find the device. */
  readonly dataPath: string;
  stop(): Promise<void>;
}

const START_MS_MAX = 30_000;
const REGION = 'us-east-1';

/**
 * @param processes - server processes, or threads that run at once.
 * @param profilesPath - where processes of s3ish store CPU profiles; undefined takes none.
 */
export function parseTarget(text: string, processes: number, profilesPath?: string): BenchTarget {
  const [name = '', place = ''] = split(text, '=');
  if (/^https?:/.test(place)) return runningTarget(name, place);
  if (basename(place).startsWith('minio')) return minioTarget(name, resolve(place), processes);
  const [file = '', ...settings] = place.split(',');
  return s3ishTarget(name, file === '' ? undefined : resolve(file), {
    ...{ processes, profilesPath },
    settings: settings.map((setting) => split(setting, '=')),
  });
}

function s3ishTarget(
  name: string,
  mainFile: string | undefined,
  options: {
    readonly processes: number;
    readonly profilesPath: string | undefined;
    /** `section.key` and value. */
    readonly settings: readonly (readonly [string, string])[];
  },
): BenchTarget {
  const { processes, profilesPath, settings } = options;
  const root = mainFile === undefined ? REPOSITORY : join(mainFile, '../..');
  const git = (...args: string[]): string =>
    execFileSync('git', ['-C', root, ...args], { encoding: 'utf8' }).trim();
  const isChanged = git('status', '--porcelain', '--', 'src') !== '';
  return {
    name,
    version: [
      `s3ish ${git('rev-parse', '--short', 'HEAD')}${isChanged ? '+' : ''}`,
      `${processes} processes`,
      'enable_fsync',
      ...settings.map((setting) => setting.join('=')),
    ].join(', '),
    start: async () => {
      const server = await startServer({
        processes,
        settings: benchSettings(settings),
        ...(mainFile === undefined ? {} : { mainFile }),
        ...(profilesPath === undefined ? {} : { env: profileSettings(profilesPath) }),
      });
      const { host, port, region, accessKey, secretKey, dataPath, pid } = server;
      return { host, port, region, accessKey, secretKey, dataPath, pid, stop: () => server.stop() };
    },
  };
}

function benchSettings(
  settings: readonly (readonly [string, string])[],
): Record<string, Record<string, string | number | boolean>> {
  const all: Record<string, Record<string, string | number | boolean>> = {
    log: { access_log: false },
    limits: { min_part_size_mb: 1 },
  };
  for (const [name, value] of settings) {
    const [section, key] = split(name, '.');
    const isPlain = /^(\d+|true|false)$/.test(value);
    all[section] = { ...all[section], [key]: isPlain ? (JSON.parse(value) as number) : value };
  }
  return all;
}

function profileSettings(path: string): Record<string, string> {
  const hook = new URL('profile-hook.js', import.meta.url).href;
  return { NODE_OPTIONS: `--import ${hook}`, S3ISH_PROFILES: path };
}

function minioTarget(name: string, program: string, processes: number): BenchTarget {
  const [version = ''] = execFileSync(program, ['--version'], { encoding: 'utf8' }).split('\n');
  return {
    name,
    version: `${version}, GOMAXPROCS ${processes}, one drive`,
    start: async () => {
      const dataPath = mkdtempSync(join(tmpdir(), 's3ish-bench-'));
      const [port, consolePort] = await freePorts();
      const address = ['--address', `127.0.0.1:${port}`];
      const console = ['--console-address', `127.0.0.1:${consolePort}`];
      const child = spawn(program, ['server', ...address, ...console, dataPath], {
        stdio: 'ignore',
        env: {
          ...process.env,
          GOMAXPROCS: String(processes),
          MINIO_ROOT_USER: 'bench-access',
          MINIO_ROOT_PASSWORD: 'bench-secret',
          MINIO_BROWSER: 'off',
          MINIO_UPDATE: 'off',
          MINIO_SCANNER_SPEED: 'slowest',
        },
      });
      await waitForAnswer(`http://127.0.0.1:${port}/minio/health/ready`);
      return {
        ...{ host: '127.0.0.1', port, region: REGION, dataPath, pid: child.pid ?? 0 },
        ...{ accessKey: 'bench-access', secretKey: 'bench-secret' },
        stop: async () => {
          const ended = once(child, 'exit');
          child.kill('SIGTERM');
          await ended;
          rmSync(dataPath, { recursive: true, force: true });
        },
      };
    },
  };
}

function runningTarget(name: string, place: string): BenchTarget {
  const [url = '', ...options] = place.split(',');
  const given = new Map(options.map((option) => split(option, '=')));
  const { hostname, port } = new URL(url);
  const pid = Number(given.get('pid') ?? 0);
  return {
    name,
    version: `${url}, ${pid === 0 ? 'no CPU figures' : commandLine(pid)}`,
    start: () =>
      Promise.resolve({
        ...{ host: hostname, port: Number(port), region: given.get('region') ?? REGION, pid },
        accessKey: given.get('access') ?? '',
        secretKey: given.get('secret') ?? '',
        dataPath: given.get('data') ?? '/',
        stop: () => Promise.resolve(),
      }),
  };
}

function commandLine(pid: number): string {
  return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
}

async function waitForAnswer(url: string): Promise<void> {
  const endAt = performance.now() + START_MS_MAX;
  while (performance.now() < endAt) {
    const answer = await fetch(url).catch(() => undefined);
    if (answer?.ok === true) return;
    await sleep(50);
  }
  throw new Error(`${url} did not answer in time`);
}

function split(text: string, separator: string): [string, string] {
  const at = text.indexOf(separator);
  return at === -1 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
}
