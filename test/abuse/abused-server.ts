/**
 * A real server with its processes under abuse, and everything that is looked at from outside.
 *
 *     const abused = await startAbused(context, { processes: 1 });
 *     const before = await abused.state();
 *     await abused.run('idle', { ... });       // in a process of its own
 *     await abused.waitForState(before);
 *
 * Small by default; `S3ISH_ABUSE=full`, as `make fault` sets it, gives the sizes of the promises.
 * Then, with two cores at least, servers and clients have a core each.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { fork, spawnSync, type ChildProcess } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';

import { describePeaks, MemorySampler, type MemoryPeaks } from '../support/memory-sampler.js';
import type { Target } from '../support/prepared-request.js';
import { reportFigure } from '../support/reliability.js';
import { startServer, waitFor, type ServerOptions, type TestServer } from '../support/server.js';
import type { InsideFigures } from './inside.js';

/** The sizes of the promises, and not those that fit a quick run. */
export const IS_FULL = process.env['S3ISH_ABUSE'] === 'full';

/** How many: the number of a promise or of a quick run, or what S3ISH_ABUSE_COUNT says. */
export function countOf(size: { readonly full: number; readonly quick: number }): number {
  return Number(process.env['S3ISH_ABUSE_COUNT'] ?? (IS_FULL ? size.full : size.quick));
}

const MIB = 1024 ** 2;
const BASELINE_MS_MAX = 60_000;
const INSIDE_MODULE = new URL('./inside.js', import.meta.url).href;
const ABUSER_FILE = fileURLToPath(new URL('./abuser.js', import.meta.url));
const CAN_PIN =
  IS_FULL && availableParallelism() > 1 && spawnSync('taskset', ['--version']).status === 0;

/** What must be the same before and after. */
export interface ServerState {
  /** Open descriptors of all server processes, connections included. */
  readonly descriptors: number;
  /** Staging marks: payloads of writes that are under way. */
  readonly staged: number;
  /** Requests in progress, as `/_metrics` says. */
  readonly inFlight: number;
}

export interface AbusedServer extends TestServer {
  readonly target: Target;
  /** Runs an abuse of `abuser.ts` in a process of its own, to its end. */
  run<Result>(abuse: string, parameters: object): Promise<Result>;
  /** Starts one that is told to end later. */
  start<Result>(abuse: string, parameters: object): RunningAbuse<Result>;
  state(): Promise<ServerState>;
  /** Waits until all of it is back; fails with what is not. */
  waitForState(before: ServerState): Promise<number>;
  /** Asks every server process for what it sees, and collects garbage. */
  inside(): Promise<readonly InsideFigures[]>;
  /** Resident memory of the server processes now. */
  residentBytes(): number;
  /** Peaks since the start or the call before; they are reported as P-19 and P-21. */
  reportHealth(what: string): Promise<void>;
}

export interface RunningAbuse<Result> {
  /** Tells it to end; its result. */
  end(): Promise<Result>;
  /** A message it sends on its way, by its name. */
  message(name: string): Promise<unknown>;
}

/** Starts a server of the file backend; it stops with the test. */
export async function startAbused(
  context: TestContext,
  options: ServerOptions = {},
): Promise<AbusedServer> {
  const insidePath = mkdtempSync(join(tmpdir(), 's3ish-inside-'));
  const server = await startServer({
    ...options,
    settings: { log: { level: 'warn' }, ...options.settings },
    env: { NODE_OPTIONS: `--import=${INSIDE_MODULE}`, S3ISH_ABUSE_INSIDE: insidePath },
  });
  context.after(async () => {
    await server.stop();
    rmSync(insidePath, { recursive: true });
  });
  const serverPids = (): number[] => server.childPids('server');
  for (const pid of [server.pid, ...serverPids(), ...server.childPids('jobs')]) pin(pid, 0);
  const { host, port, region, accessKey, secretKey } = server;
  const target = { host, port, region, accessKey, secretKey };
  const memory = new MemorySampler(server);
  context.after(() => memory.stop());

  const start = <Result>(abuse: string, parameters: object): RunningAbuse<Result> =>
    startAbuse<Result>(context, abuse, { ...parameters, target });
  const inside = (): Promise<readonly InsideFigures[]> =>
    Promise.all(serverPids().map((pid) => askInside(insidePath, pid)));
  const state = async (): Promise<ServerState> => ({
    descriptors: sum(serverPids().map((pid) => readdirSync(`/proc/${pid}/fd`).length)),
    staged: stagedCount(server.dataPath),
    inFlight: await inFlightCount(server.adminEndpoint),
  });
  return {
    ...server,
    get pid() {
      return server.pid;
    },
    target,
    run: (abuse, parameters) => start<never>(abuse, parameters).end(),
    start,
    state,
    waitForState: (before) => waitForState(state, before),
    inside,
    residentBytes: () => sum(serverPids().map(residentBytes)),
    reportHealth: async (what) => reportHealth(what, memory.peaks(), await inside()),
  };
}

/** Fails when a process took more memory than promised; reports delays of the event loop. */
function reportHealth(what: string, peaks: MemoryPeaks, inside: readonly InsideFigures[]): void {
  for (const { residentBytes: bytes } of Object.values(peaks)) {
    assert.ok(bytes <= 300 * MIB, `no process takes more than 300 MiB: ${describePeaks(peaks)}`);
  }
  reportFigure('P-19', { what, figure: describePeaks(peaks) });
  const [p99Ms, maxMs] = [
    Math.max(...inside.map((figures) => figures.p99Ms)),
    Math.max(...inside.map((figures) => figures.maxMs)),
  ];
  // Far above the 50 and 250 ms that are promised: other programs of the machine delay it too.
  assert.ok(p99Ms < 2000 && maxMs < 5000, `the event loop came round: ${p99Ms} ms, ${maxMs} ms`);
  const figure = `event loop delay p99 ${p99Ms.toFixed(0)} ms, longest ${maxMs.toFixed(0)} ms`;
  reportFigure('P-21', { what, figure });
}

async function waitForState(
  state: () => Promise<ServerState>,
  before: ServerState,
): Promise<number> {
  const startedMs = performance.now();
  let now = await state();
  const isBack = async (): Promise<boolean> => {
    now = await state();
    const { descriptors, staged, inFlight } = before;
    return now.descriptors <= descriptors && now.staged <= staged && now.inFlight <= inFlight;
  };
  await waitFor('the state before', isBack, BASELINE_MS_MAX).catch(() => undefined);
  const more = {
    descriptors: Math.max(0, now.descriptors - before.descriptors),
    staged: Math.max(0, now.staged - before.staged),
    inFlight: Math.max(0, now.inFlight - before.inFlight),
  };
  assert.deepEqual(more, { descriptors: 0, staged: 0, inFlight: 0 }, 'nothing more is left');
  return performance.now() - startedMs;
}

function startAbuse<Result>(
  context: TestContext,
  abuse: string,
  parameters: object,
): RunningAbuse<Result> {
  const child = fork(ABUSER_FILE, { env: { ...process.env, NODE_OPTIONS: '' } });
  context.after(() => child.kill('SIGKILL'));
  if (child.pid !== undefined) pin(child.pid, 1);
  const messages = collectMessages(child);
  child.send({ abuse, parameters });
  return {
    message: (name) => messages(name),
    end: async () => {
      if (child.connected) child.send('end');
      const result = (await messages('result')) as Result;
      child.kill('SIGKILL');
      return result;
    },
  };
}

/** Messages are `[name, value]`; each can be waited for, before or after it came. */
function collectMessages(child: ChildProcess): (name: string) => Promise<unknown> {
  const received = new Map<string, unknown>();
  let exit: string | undefined;
  let wake: () => void = () => undefined;
  child.on('message', ([name, value]: [string, unknown]) => {
    received.set(name, value);
    wake();
  });
  child.on('exit', (code, signal) => {
    exit = `the abuser ended: ${code ?? signal}`;
    wake();
  });
  return async (name) => {
    while (!received.has(name)) {
      if (exit !== undefined) throw new Error(exit);
      await new Promise<void>((resolve) => (wake = resolve));
    }
    return received.get(name);
  };
}

async function askInside(path: string, pid: number): Promise<InsideFigures> {
  const file = join(path, String(pid));
  rmSync(file, { force: true });
  process.kill(pid, 'SIGUSR2');
  let text = '';
  await waitFor(`figures of process ${pid}`, () => {
    try {
      text = readFileSync(file, 'utf8');
    } catch {
      return false;
    }
    return true;
  });
  return JSON.parse(text) as InsideFigures;
}

function pin(pid: number, core: number): void {
  if (CAN_PIN) spawnSync('taskset', ['-a', '-c', '-p', String(core), String(pid)]);
}

function residentBytes(pid: number): number {
  const [, kib = '0'] =
    /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kib) * 1024;
}

function stagedCount(dataPath: string): number {
  const staging = join(dataPath, '.s3ish', 'staging');
  return sum(readdirSync(staging).map((name) => readdirSync(join(staging, name)).length));
}

async function inFlightCount(adminEndpoint: string): Promise<number> {
  const text = await (await fetch(`${adminEndpoint}/_metrics`)).text();
  return sum(
    [...text.matchAll(/^s3ish_requests_in_flight\{.*\} (\d+)$/gm)].map((m) => Number(m[1])),
  );
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
