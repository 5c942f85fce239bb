/**
 * Signals to server processes at exact system calls, by the shim in `call-shim.c`.
 *
 *     const shim = CallShim.compile();
 *     const server = await startServer({ env: shim.environment });
 *     shim.arm({ pid, signal: 'SIGKILL', point: 7, path: server.dataPath });
 *
 * @module
 */

import { spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';

import { REPOSITORY } from './repository.js';

const PIDS_COUNT_MAX = 32;
const TEXT_BYTES = 256;
/** `struct control` of the C file. */
const AT = {
  armed: 0,
  pid: 4,
  signal: 8,
  othersCount: 12,
  others: 16,
  remaining: 16 + 4 * PIDS_COUNT_MAX,
  seen: 24 + 4 * PIDS_COUNT_MAX,
  call: 32 + 4 * PIDS_COUNT_MAX,
  path: 32 + 4 * PIDS_COUNT_MAX + TEXT_BYTES,
  fired: 32 + 4 * PIDS_COUNT_MAX + 2 * TEXT_BYTES,
  after: 32 + 4 * PIDS_COUNT_MAX + 4 * TEXT_BYTES,
} as const;
const CONTROL_BYTES = AT.after + 8;

export interface KillPoint {
  /** The process whose calls count, and which gets the signal. */
  readonly pid: number;
  /** Processes that get it as well, in this order and before. */
  readonly others?: readonly number[];
  readonly signal: 'SIGKILL' | 'SIGSTOP';
  /** The signal comes just before the call of this number, counted from 1. */
  readonly point: number;
  /** Only files below this directory; answers to requests always count. */
  readonly path: string;
  /** The signal comes just after the call; only writes at an offset count then. */
  readonly isAfter?: boolean;
  /** Only this call: `fdatasync`, `write`, `rename`, `answer` ... */
  readonly call?: string;
}

export class CallShim {
  readonly #directory: string;
  readonly #control: number;

  /** @throws when {@link whyNoCallShim} has a reason. */
  static compile(): CallShim {
    return new CallShim(mkdtempSync(join(tmpdir(), 's3ish-shim-')));
  }

  private constructor(directory: string) {
    this.#directory = directory;
    const source = join(REPOSITORY, 'test/support/call-shim.c');
    const args = ['-O1', '-shared', '-fPIC', '-o', this.#library, source, '-ldl'];
    const { status, stderr } = spawnSync('gcc', args, { encoding: 'utf8' });
    if (status !== 0) throw new Error(`The shim cannot be compiled: ${stderr}`);
    this.#control = openSync(join(directory, 'control'), 'w+');
    writeSync(this.#control, Buffer.alloc(CONTROL_BYTES), 0, CONTROL_BYTES, 0);
  }

  /** For the server: processes started with it obey. */
  get environment(): Readonly<Record<string, string>> {
    return { LD_PRELOAD: this.#library, S3ISH_CALL_SHIM: join(this.#directory, 'control') };
  }

  arm(killPoint: KillPoint): void {
    const { pid, others = [], signal, point, path, call = '', isAfter = false } = killPoint;
    const bytes = Buffer.alloc(CONTROL_BYTES);
    bytes.writeInt32LE(pid, AT.pid);
    bytes.writeInt32LE(constants.signals[signal], AT.signal);
    bytes.writeInt32LE(others.length, AT.othersCount);
    for (const [index, other] of others.entries()) bytes.writeInt32LE(other, AT.others + 4 * index);
    bytes.writeBigInt64LE(BigInt(point), AT.remaining);
    bytes.write(call, AT.call);
    bytes.write(path, AT.path);
    bytes.writeInt32LE(isAfter ? 1 : 0, AT.after);
    writeSync(this.#control, bytes, 0, CONTROL_BYTES, 0);
    // Last: from here on calls are counted.
    bytes.writeInt32LE(1, AT.armed);
    writeSync(this.#control, bytes, AT.armed, 4, AT.armed);
  }

  /** Nothing is counted from here on. */
  disarm(): void {
    writeSync(this.#control, Buffer.alloc(4), 0, 4, AT.armed);
  }

  /** The call at which the signal came; undefined when it has not come. */
  fired(): string | undefined {
    const bytes = this.#read();
    const text = bytes.subarray(AT.fired, bytes.indexOf(0, AT.fired)).toString();
    return text === '' ? undefined : text;
  }

  /** Calls that were counted. */
  seenCount(): number {
    return Number(this.#read().readBigInt64LE(AT.seen));
  }

  remove(): void {
    closeSync(this.#control);
    rmSync(this.#directory, { recursive: true });
  }

  get #library(): string {
    return join(this.#directory, 'call-shim.so');
  }

  #read(): Buffer {
    const bytes = Buffer.alloc(CONTROL_BYTES);
    readSync(this.#control, bytes, 0, CONTROL_BYTES, 0);
    return bytes;
  }
}

/** @returns why the shim cannot be used here, or undefined when it can. */
export function whyNoCallShim(): string | undefined {
  if (process.platform !== 'linux') return 'LD_PRELOAD is of Linux';
  return spawnSync('gcc', ['--version']).status === 0 ? undefined : 'gcc is not there';
}
