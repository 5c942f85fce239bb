/**
 * The life of a child process: wait for the start message, run a part, end in an orderly way.
 *
 * A child never outlives its primary: when the channel closes it exits at once, because nobody
 * would tell it of new credentials and a new primary may be starting on the same store.
 *
 * @module
 */

import { openLog, type Log } from '../observe/log.js';
import { isReportedFault } from '../store/open-store.js';
import { startHeartbeat } from './heartbeat.js';
import { isMessage, type FromChild, type StartMessage, type ToChild } from './messages.js';
import type { Part, PartContext } from './part.js';

/** Runs this process as a child of the primary, until it exits. */
export async function runChild(): Promise<void> {
  process.once('disconnect', () => process.exit(1));
  // The primary decides when to stop; a terminal sends these to the children as well.
  for (const signal of ['SIGINT', 'SIGHUP'] as const) process.on(signal, () => undefined);

  const inbox = new Inbox();
  const start = await inbox.start();
  startHeartbeat(() => tellPrimary({ kind: 'heartbeat' }));
  process.title = `s3ish: ${start.processName}`;
  const { level, format } = start.config.log;
  const log = openLog({ level, format, processName: start.processName });
  if (start.role === 'index') {
    const { runGeneration } = await import('./index-process.js');
    await runGeneration(start, log, (message, told) => process.send?.(message, told));
    return;
  }
  const ending = new Ending(log);
  process.on('uncaughtException', (fault) => die(log, fault));
  process.on('unhandledRejection', (fault) => {
    if (!isReportedFault(fault)) die(log, fault);
  });
  // A writer has to outlive those it writes for, also when a signal reaches all processes at once.
  process.on('SIGTERM', () => {
    if (start.role !== 'writer') ending.begin(0);
  });

  const retire = (reason: string): void => {
    log.error({ reason }, 'This process finishes its requests and ends');
    ending.begin(1);
  };
  let part: Part;
  try {
    part = await openPart({ start, log, tellPrimary, retire });
  } catch (fault) {
    log.fatal({ err: fault }, `${start.processName} cannot start`);
    const message = fault instanceof Error ? fault.message : String(fault);
    process.send?.({ kind: 'failed', message } satisfies FromChild, () => process.exit(1));
    return;
  }
  ending.part = part;
  inbox.deliver((message) => {
    if (message.kind === 'drain') ending.begin(0);
    else if (message.kind === 'metrics-request') void sendSnapshot(part, message.requestId, log);
    else part.receive(message);
  });
  tellPrimary({ kind: 'ready' });
}

/** Parts are loaded when needed: a jobs process has no use for HTTP. */
async function openPart(context: PartContext): Promise<Part> {
  if (context.start.role === 'jobs') {
    const { openJobsProcess } = await import('./jobs-process.js');
    return openJobsProcess(context);
  }
  if (context.start.role === 'writer') {
    const { openWriterProcess } = await import('./writer-process.js');
    return openWriterProcess(context);
  }
  const { openServerProcess } = await import('./server-process.js');
  return openServerProcess(context);
}

function die(log: Log, fault: unknown): never {
  log.fatal({ err: fault }, 'An error was not handled; this process ends');
  process.exit(1);
}

function tellPrimary(message: FromChild): void {
  // Failing means that the primary is gone, which ends this process by itself.
  if (process.connected) process.send?.(message, () => undefined);
}

async function sendSnapshot(part: Part, requestId: number, log: Log): Promise<void> {
  try {
    tellPrimary({ kind: 'metrics', requestId, snapshot: await part.metrics.snapshot() });
  } catch (fault) {
    log.error({ err: fault }, 'The figures of this process could not be collected');
  }
}

/** Messages of the primary, kept until somebody takes them: none may be lost during the start. */
class Inbox {
  readonly #kept: ToChild[] = [];
  #deliver: ((message: ToChild) => void) | undefined;
  #started: ((message: StartMessage) => void) | undefined;

  constructor() {
    process.on('message', (message: unknown) => {
      if (isMessage(message)) this.#receive(message as ToChild);
    });
  }

  /** Asks the primary for the start message. */
  start(): Promise<StartMessage> {
    return new Promise((resolve) => {
      this.#started = resolve;
      tellPrimary({ kind: 'hello' });
    });
  }

  /** Hands over everything kept, then everything that comes. */
  deliver(deliver: (message: ToChild) => void): void {
    this.#deliver = deliver;
    for (const message of this.#kept.splice(0)) deliver(message);
  }

  #receive(message: ToChild): void {
    if (message.kind === 'start') this.#started?.(message);
    else if (this.#deliver !== undefined) this.#deliver(message);
    else this.#kept.push(message);
  }
}

/** The end of the process, which begins once. */
class Ending {
  part: Part | undefined;
  readonly #log: Log;
  #hasBegun = false;

  constructor(log: Log) {
    this.#log = log;
  }

  begin(exitCode: number): void {
    if (this.#hasBegun) return;
    this.#hasBegun = true;
    const finish = (): void => {
      void this.#log.flush().finally(() => process.exit(exitCode));
    };
    if (this.part === undefined) finish();
    else {
      this.part.drain().then(finish, (fault: unknown) => {
        this.#log.error({ err: fault }, 'The process did not close cleanly');
        finish();
      });
    }
  }
}
