/**
 * Keeps the child processes running: starts them, starts them again, passes messages, stops them.
 *
 * Invariants
 * 1. Every life of a process has an incarnation of its own, told to it by its start message.
 * 2. The jobs process hears of a server's incarnation before that server exists and of its end
 *    after it is gone, so it never takes a living server's staged bytes for leftovers.
 * 3. While stopping nothing is started again.
 * 4. A process that has been silent for too long is killed, so that its replacement can come.
 *
 * @module
 */

import cluster, { type Worker } from 'node:cluster';
import { once } from 'node:events';

import type { Log } from '../observe/log.js';
import type { ClusterFigures, MetricsSnapshot } from '../observe/metrics.js';
import type { ReadReport } from '../store/read-holds.js';
import { newIncarnation } from '../util/ids.js';
import { collectSnapshots } from './collect-snapshots.js';
import { Heartbeat, HEARTBEAT_INTERVAL_MS } from './heartbeat.js';
import {
  isMessage,
  type FromChild,
  type LivingServer,
  type Role,
  type StartMessage,
  type ToChild,
} from './messages.js';
import { FENCED_DELAY_MS_MAX, RespawnBackoff, StartFailures } from './respawn.js';

/** Read by native code before any of ours runs, hence by environment. */
const CHILD_ENVIRONMENT = {
  // The library's own bound; `server/` applies S3's 8 KiB with a proper error below it.
  UWS_HTTP_MAX_HEADERS_SIZE: '32768',
  // File reads, writes and flushes wait in these threads; four would queue behind slow flushes.
  UV_THREADPOOL_SIZE: '16',
} as const;

/** After the drain timeout a child gets this long to close its files. */
const CLOSE_GRACE_MS = 5_000;

/** One position in the cluster and the process that fills it now. */
interface Place {
  readonly role: Role;
  readonly processName: string;
  readonly backoff: RespawnBackoff;
  readonly failures: StartFailures;
  readonly heartbeat: Heartbeat;
  worker: Worker | undefined;
  incarnation: string;
  /** Whether it has said hello; what it missed before is in its start message. */
  isListening: boolean;
  isReady: boolean;
  /** Whether it has said that a disk failed. */
  isFenced: boolean;
  /** By a clock that never jumps: lives are measured with it. */
  startedMs: number;
  failure: string;
  respawnTimer: NodeJS.Timeout | undefined;
  /** What it may still read, as it said last. */
  report: ReadReport | undefined;
}

export interface SupervisorOptions {
  readonly exec: string;
  readonly serverCount: number;
  readonly hasJobs: boolean;
  /** Whether one process writes the index for the others. */
  readonly hasWriter: boolean;
  readonly log: Log;
  /** What every child is told besides its own name. */
  readonly start: Pick<StartMessage, 'config' | 'epoch' | 'credentialsText'>;
  /** Called once when all servers accept requests for the first time. */
  readonly onReady: () => void;
  /** Called once when no server can be started, with the reason they all gave. */
  readonly onGivingUp: (reason: string) => void;
}

/** The children of one primary. */
export class Supervisor {
  readonly #options: SupervisorOptions;
  readonly #places: readonly Place[];
  #credentialsText: string;
  #watch: NodeJS.Timeout | undefined;
  #restartCount = 0;
  #damagedCount = 0;
  #isStopping = false;
  #wasReady = false;

  constructor(options: SupervisorOptions) {
    this.#options = options;
    this.#credentialsText = options.start.credentialsText;
    // The writer first: the others wait for it.
    const places = options.hasWriter ? [newPlace('writer', 'writer')] : [];
    for (let index = 0; index < options.serverCount; index += 1) {
      places.push(newPlace('server', `server-${index}`));
    }
    if (options.hasJobs) places.push(newPlace('jobs', 'jobs'));
    this.#places = places;
  }

  /** Starts all children. */
  start(): void {
    for (const place of this.#places) this.#spawn(place);
    this.#watch = setInterval(() => this.#killSilent(), HEARTBEAT_INTERVAL_MS);
  }

  figures(): ClusterFigures {
    const servers = this.#places.filter(({ role }) => role === 'server');
    return {
      serverCount: servers.length,
      servingCount: this.#isStopping ? 0 : servers.filter(({ isReady }) => isReady).length,
      failingCount: servers.filter(({ failures }) => failures.isRepeated).length,
      fencedCount: this.#places.filter(({ isFenced }) => isFenced).length,
      restartCount: this.#restartCount,
    };
  }

  /** Objects that the scrubber knows to be damaged. */
  get damagedCount(): number {
    return this.#damagedCount;
  }

  /** Figures of every child that answers in time. */
  snapshots(): Promise<readonly MetricsSnapshot[]> {
    return collectSnapshots(
      this.#places.map(({ worker }) => worker).filter((worker) => worker !== undefined),
    );
  }

  /** Hands new credentials to every server process, present and future. */
  useCredentials(credentialsText: string): void {
    this.#credentialsText = credentialsText;
    for (const place of this.#places) {
      if (place.role === 'server') send(place, { kind: 'credentials', credentialsText });
    }
  }

  /** Lets the children finish, then makes sure that they are gone. */
  async stop(drainTimeoutMs: number): Promise<void> {
    this.#isStopping = true;
    clearInterval(this.#watch);
    const timer = setTimeout(() => this.kill(), drainTimeoutMs + CLOSE_GRACE_MS);
    for (const { respawnTimer } of this.#places) clearTimeout(respawnTimer);
    await drained(this.#places.filter(({ role }) => role !== 'writer'));
    // What the others finish, it writes.
    await drained(this.#places.filter(({ role }) => role === 'writer'));
    clearTimeout(timer);
  }

  /** Ends all children now. */
  kill(): void {
    this.#isStopping = true;
    clearInterval(this.#watch);
    for (const place of this.#places) {
      clearTimeout(place.respawnTimer);
      place.worker?.process.kill('SIGKILL');
    }
  }

  #spawn(place: Place): void {
    place.startedMs = performance.now();
    place.incarnation = newIncarnation(Date.now());
    place.report = undefined;
    place.heartbeat.beat();
    place.isFenced = false;
    if (place.role === 'server') {
      this.#tellJobs({ kind: 'incarnation-alive', incarnation: place.incarnation });
    }
    cluster.setupPrimary({ exec: this.#options.exec, args: [place.processName] });
    const worker = cluster.fork(CHILD_ENVIRONMENT);
    place.worker = worker;
    worker.on('message', (message: unknown) => this.#receive(place, worker, message));
    // A channel that breaks is followed by the exit of the child, which is where it is handled.
    worker.on('error', (error) => {
      this.#options.log.warn({ err: error }, `Message channel of ${place.processName} failed`);
    });
    // The typings forget that there is a signal only when one ended the process.
    worker.once('exit', (code: number, signal: string | null) =>
      this.#exited(place, signal ?? `exit code ${code}`),
    );
  }

  #receive(place: Place, worker: Worker, message: unknown): void {
    if (!isMessage(message) || place.worker !== worker) return;
    const known = message as FromChild;
    place.heartbeat.beat();
    switch (known.kind) {
      case 'hello':
        this.#introduce(place);
        break;
      case 'ready':
        this.#ready(place);
        break;
      case 'fenced':
        place.isFenced = true;
        break;
      case 'failed':
        place.failure = known.message;
        break;
      case 'read-report':
        place.report = known.report;
        this.#tellJobs({ ...known, incarnation: place.incarnation });
        break;
      case 'damage-report':
        this.#damagedCount = known.damagedCount;
        break;
      case 'generation':
      case 'heartbeat':
      case 'metrics':
        // Whoever asked listens for it.
        break;
    }
  }

  #introduce(place: Place): void {
    place.isListening = true;
    send(place, {
      ...this.#options.start,
      kind: 'start',
      role: place.role,
      processName: place.processName,
      incarnation: place.incarnation,
      credentialsText: this.#credentialsText,
      servers: place.role === 'jobs' ? this.#livingServers() : [],
    });
    if (this.#isStopping) send(place, { kind: 'drain' });
  }

  #ready(place: Place): void {
    place.isReady = true;
    place.failures.clear();
    const { serverCount, servingCount } = this.figures();
    if (!this.#wasReady && servingCount === serverCount) {
      this.#wasReady = true;
      this.#options.onReady();
    }
  }

  #exited(place: Place, cause: string): void {
    const { log } = this.#options;
    const wasReady = place.isReady;
    const pid = place.worker?.process.pid;
    place.worker = undefined;
    place.isListening = false;
    place.isReady = false;
    if (place.role === 'server') {
      this.#tellJobs({ kind: 'incarnation-dead', incarnation: place.incarnation });
    }
    if (this.#isStopping) return;

    const reason = place.failure === '' ? cause : place.failure;
    place.failure = '';
    const nowMs = performance.now();
    const isHopeless = !wasReady && place.failures.add(reason, nowMs);
    // What has served before may serve again: a disk that is gone comes back.
    const isFirstStart = !this.#wasReady && this.figures().servingCount === 0;
    if (isHopeless && place.role === 'server' && isFirstStart) {
      this.#options.onGivingUp(reason);
      return;
    }
    const backoffMs = place.backoff.delayAfter(nowMs - place.startedMs);
    const delayMs = place.isFenced ? Math.min(backoffMs, FENCED_DELAY_MS_MAX) : backoffMs;
    log.error(
      { childPid: pid, reason, delayMs },
      `Process ${place.processName} ended unexpectedly; starting another`,
    );
    this.#restartCount += 1;
    place.respawnTimer = setTimeout(() => this.#spawn(place), delayMs);
  }

  /** SIGKILL, because a stopped process takes no other signal. */
  #killSilent(): void {
    for (const place of this.#places) {
      if (place.worker === undefined || !place.heartbeat.pass(place.isReady)) continue;
      place.failure = 'it gave no sign of life';
      place.worker.process.kill('SIGKILL');
    }
  }

  #livingServers(): readonly LivingServer[] {
    return this.#places
      .filter(({ role, worker }) => role === 'server' && worker !== undefined)
      .map(({ incarnation, report }) => ({ incarnation, report }));
  }

  #tellJobs(message: ToChild): void {
    const jobs = this.#places.find(({ role }) => role === 'jobs');
    if (jobs !== undefined) send(jobs, message);
  }
}

async function drained(places: readonly Place[]): Promise<void> {
  for (const place of places) send(place, { kind: 'drain' });
  await Promise.all(places.map(({ worker }) => exitOf(worker)));
}

async function exitOf(worker: Worker | undefined): Promise<void> {
  if (worker !== undefined) await once(worker, 'exit');
}

function newPlace(role: Role, processName: string): Place {
  return {
    role,
    processName,
    backoff: new RespawnBackoff(),
    failures: new StartFailures(),
    heartbeat: new Heartbeat(),
    worker: undefined,
    incarnation: '',
    isListening: false,
    isReady: false,
    isFenced: false,
    startedMs: 0,
    failure: '',
    respawnTimer: undefined,
    report: undefined,
  };
}

function send({ worker, isListening }: Place, message: ToChild): void {
  // A child that is going away cannot be told anything; its exit is handled where it is noticed.
  if (isListening && worker?.isConnected() === true) worker.send(message, () => undefined);
}
