/**
 * A real s3ish server for tests: `node dist/main.js serve` with its processes, on free loopback
 * ports, with data in a temporary directory.
 *
 *     const server = await startServer({ processes: 2 });
 *     test.after(() => server.stop());
 *     fetch(`${server.endpoint}/bucket`) ...
 *
 * @module
 */

import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

/** The command line, from the repository this test was built in. */
export const MAIN_FILE = fileURLToPath(new URL('../../../dist/main.js', import.meta.url));

/** How long a start may take on a loaded machine before the test is given up. */
const START_MS_MAX = 30_000;
const STOP_MS_MAX = 60_000;
const POLL_MS = 25;
/** Ends of the command lines of children, before and after they set their titles. */
const TITLES = {
  server: /\bserver-\d+\s*$/,
  jobs: /\bjobs\s*$/,
  writer: /\bwriter\s*$/,
} as const;
/** Runs any suite with another writer of the index than small servers have by themselves. */
const INDEX_WRITER =
  process.env['S3ISH_INDEX_WRITER'] === undefined
    ? {}
    : { index_writer: process.env['S3ISH_INDEX_WRITER'] };

export interface ServerOptions {
  /** Server processes; 1 unless told. */
  readonly processes?: number;
  /** Settings by section, as in s3ish.toml: `{ limits: { min_part_size_mb: 1 } }`. */
  readonly settings?: Readonly<
    Record<string, Readonly<Record<string, string | number | boolean | readonly string[]>>>
  >;
  /** Data of an earlier server; it is kept at the end. A temporary directory unless told. */
  readonly dataPath?: string;
  /** Another build of the server. */
  readonly mainFile?: string;
  /** Added to the environment. */
  readonly env?: Readonly<Record<string, string>>;
}

export interface TestServer {
  /** `http://127.0.0.1:port`; stays the same over restarts. */
  readonly endpoint: string;
  readonly host: string;
  readonly port: number;
  readonly adminEndpoint: string;
  readonly accessKey: string;
  readonly secretKey: string;
  readonly region: string;
  readonly dataPath: string;
  /** Directory of the index. */
  readonly metadataPath: string;
  readonly configFile: string;
  /** Process id of the primary that runs now. */
  readonly pid: number;
  /** Everything written to standard output and error since the first start. */
  output(): string;
  /** Process ids of the children that run now, by the name in the process list. */
  childPids(name: 'server' | 'jobs' | 'writer'): number[];
  /** SIGTERM, or SIGKILL when it does not help; removes a temporary data directory. */
  stop(): Promise<void>;
  /** SIGTERM; the exit code. Data stays. */
  terminate(): Promise<number | null>;
  /** SIGKILL to the primary and every child at once. Data stays. */
  killAll(): Promise<void>;
  /** Starts the server again on the same ports and data; stops it first if it still runs. */
  restart(): Promise<void>;
}

/** Starts a server and waits until all of its processes accept requests. */
export async function startServer(options: ServerOptions = {}): Promise<TestServer> {
  const directory = mkdtempSync(join(tmpdir(), 's3ish-test-'));
  const dataPath = options.dataPath ?? join(directory, 'data');
  const configFile = join(directory, 's3ish.toml');
  const [port, adminPort] = await freePorts();
  writeFileSync(configFile, toml(settingsOf(options, dataPath, port, adminPort)));

  const endpoint = `http://127.0.0.1:${port}`;
  const adminEndpoint = `http://127.0.0.1:${adminPort}`;
  let output = '';
  let child: ChildProcess;

  const start = async (): Promise<void> => {
    child = spawn(
      process.execPath,
      [options.mainFile ?? MAIN_FILE, 'serve', '--config', configFile],
      {
        stdio: ['ignore', 'pipe', 'pipe'],
        env: { ...process.env, ...options.env },
      },
    );
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => (output += text));
    }
    await waitUntilReady(child, adminEndpoint, () => output);
  };
  const terminate = async (): Promise<number | null> => {
    if (isRunning(child)) {
      const ended = once(child, 'exit');
      child.kill('SIGTERM');
      const timer = setTimeout(() => killTree(child.pid), STOP_MS_MAX);
      await ended;
      clearTimeout(timer);
    }
    return child.exitCode;
  };
  const killAll = async (): Promise<void> => {
    if (!isRunning(child)) return;
    const ended = once(child, 'exit');
    const pids = killTree(child.pid);
    await ended;
    // Ports and locks are free once the kernel is done with every one of them.
    await waitFor('killed processes to be gone', () => !pids.some(isAlive));
  };

  await start();
  const [accessKey, secretKey] = keyPair(options, dataPath, output);
  return {
    endpoint,
    host: '127.0.0.1',
    port,
    adminEndpoint,
    accessKey,
    secretKey,
    region: 'us-east-1',
    dataPath,
    metadataPath: metadataPathOf(options, dataPath),
    configFile,
    get pid() {
      return child.pid ?? 0;
    },
    output: () => output,
    childPids: (name) => childrenOf(child.pid).filter((pid) => TITLES[name].test(titleOf(pid))),
    terminate,
    killAll,
    stop: async () => {
      await terminate();
      rmSync(directory, { recursive: true, force: true });
    },
    restart: async () => {
      await terminate();
      await start();
    },
  };
}

/** Two ports of 127.0.0.1 that nobody listens on; held together, so that they differ. */
export async function freePorts(): Promise<[number, number]> {
  const servers = [createServer(), createServer()];
  const ports: number[] = [];
  for (const server of servers) {
    server.listen({ host: '127.0.0.1', port: 0 });
    await once(server, 'listening');
    const address = server.address();
    if (typeof address === 'object' && address !== null) ports.push(address.port);
  }
  for (const server of servers) {
    server.close();
    await once(server, 'close');
  }
  const [first = 0, second = 0] = ports;
  return [first, second];
}

/** Waits until `holds` does, or fails with what was waited for. */
export async function waitFor(
  what: string,
  holds: () => boolean | Promise<boolean>,
  timeoutMs = START_MS_MAX,
): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error(`Waited ${timeoutMs} ms in vain for: ${what}`);
    await sleep(POLL_MS);
  }
}

type Settings = Record<string, Record<string, string | number | boolean | readonly string[]>>;

function settingsOf(
  options: ServerOptions,
  dataPath: string,
  port: number,
  adminPort: number,
): Settings {
  const settings: Settings = {
    server: { listen_addr: `127.0.0.1:${port}` },
    cluster: { processes: options.processes ?? 1, ...INDEX_WRITER },
    storage: { base_path: dataPath },
    log: { format: 'json' },
    admin: { listen_addr: `127.0.0.1:${adminPort}` },
  };
  for (const [section, values] of Object.entries(options.settings ?? {})) {
    settings[section] = { ...settings[section], ...values };
  }
  return settings;
}

function toml(settings: Settings): string {
  return Object.entries(settings)
    .map(([section, values]) => {
      const lines = Object.entries(values).map(
        ([key, value]) => `${key} = ${JSON.stringify(value)}`,
      );
      return `[${section}]\n${lines.join('\n')}\n`;
    })
    .join('\n');
}

async function waitUntilReady(
  child: ChildProcess,
  adminEndpoint: string,
  output: () => string,
): Promise<void> {
  try {
    await waitFor('the server to be ready', async () => {
      if (!isRunning(child)) throw new Error(`The server ended with ${child.exitCode}`);
      return (await fetch(`${adminEndpoint}/_ready`).catch(() => undefined))?.status === 200;
    });
  } catch (error) {
    killTree(child.pid);
    throw new Error(`The server did not start:\n${output()}`, { cause: error });
  }
}

function metadataPathOf(options: ServerOptions, dataPath: string): string {
  const path = options.settings?.['storage']?.['metadata_path'];
  return typeof path === 'string' ? path : join(dataPath, '.s3ish', 'metadata');
}

function keyPair(options: ServerOptions, dataPath: string, output: string): [string, string] {
  const { credentials_file: file } = options.settings?.['auth'] ?? {};
  const isMemory = options.settings?.['storage']?.['backend'] === 'memory';
  if (file === undefined && isMemory) {
    const [, accessKey = '', secretKey = ''] =
      /access key\s+(\S+)\s+secret key\s+(\S+)/.exec(output) ?? [];
    return [accessKey, secretKey];
  }
  const directory = metadataPathOf(options, dataPath);
  const text = readFileSync(String(file ?? join(directory, 'root-credentials')), 'utf8');
  const [accessKey = '', secretKey = ''] =
    text
      .split('\n')
      .find((line) => line !== '' && !line.startsWith('#'))
      ?.split(':') ?? [];
  return [accessKey, secretKey];
}

function isRunning(child: ChildProcess): boolean {
  return child.exitCode === null && child.signalCode === null;
}

/** Stops the primary first, so that it starts no replacements, then kills all of them. */
function killTree(pid: number | undefined): number[] {
  if (pid === undefined) return [];
  kill(pid, 'SIGSTOP');
  const pids = [pid, ...childrenOf(pid)];
  for (const each of pids) kill(each, 'SIGKILL');
  return pids;
}

/** Neither ended nor waiting for its parent to notice. */
export function isAlive(pid: number): boolean {
  const [, state] = /\) (\S) /.exec(readProcFile(pid, 'stat')) ?? [];
  return state !== undefined && state !== 'Z' && state !== 'X';
}

function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

function childrenOf(pid: number | undefined): number[] {
  if (pid === undefined) return [];
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((candidate) => parentOf(candidate) === pid);
}

function parentOf(pid: number): number | undefined {
  // The name in brackets may hold anything; the fields after it are numbers.
  const [, parent] = /\) \S (\d+) [^)]*$/.exec(readProcFile(pid, 'stat')) ?? [];
  return parent === undefined ? undefined : Number(parent);
}

function titleOf(pid: number): string {
  return readProcFile(pid, 'cmdline').replaceAll('\0', ' ');
}

function readProcFile(pid: number, name: string): string {
  try {
    return readFileSync(`/proc/${pid}/${name}`, 'utf8');
  } catch {
    // The process has ended meanwhile.
    return '';
  }
}
