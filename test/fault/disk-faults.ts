/**
 * Faults of the disk at chosen calls of a running server, by a library that is loaded into it.
 *
 * @module
 */

import { spawnSync } from 'node:child_process';
import { openSync, readSync, writeSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';

import { REPOSITORY } from '../support/repository.js';

/** As in `disk-faults.c`. */
export const CALLS = {
  open: 1,
  write: 2,
  sync: 4,
  link: 8,
  read: 16,
  remove: 32,
  head: 64,
} as const;
/** All that may happen while something is written. */
export const WRITE_CALLS = CALLS.open | CALLS.write | CALLS.sync | CALLS.link;

const PATTERN_AT = 40;
const CONTROL_BYTES = PATTERN_AT + 256;

export type ErrorName = 'EIO' | 'ENOSPC' | 'EROFS' | 'EMFILE';

/** Which calls fail. */
export interface Fault {
  /** Part of the path of a file. */
  readonly path: string;
  /** Sum of some of {@link CALLS}. */
  readonly calls: number;
  readonly error: ErrorName;
  /** The first call that fails, counted from 1 over all threads and processes. */
  readonly nth: number;
  /** Whether all later ones fail as well. */
  readonly isSticky: boolean;
}

/** @returns why the library cannot be built here, or undefined when it can. */
export function whyNoDiskFaults(): string | undefined {
  return spawnSync('gcc', ['--version']).status === 0 ? undefined : 'gcc is not there';
}

/** The controls of one server's faults. */
export class DiskFaults {
  /** For the environment of the server. */
  readonly env: Readonly<Record<string, string>>;
  readonly #control: number;

  /** Builds the library in a directory that the caller removes. */
  constructor(directory: string) {
    const library = join(directory, 'disk-faults.so');
    const source = join(REPOSITORY, 'test/fault/disk-faults.c');
    const args = ['-O1', '-Wall', '-shared', '-fPIC', '-o', library, source, '-ldl'];
    const { status, stderr } = spawnSync('gcc', args, { encoding: 'utf8' });
    if (status !== 0) throw new Error(`gcc failed: ${stderr}`);
    const path = join(directory, 'disk-faults.control');
    writeFileSync(path, Buffer.alloc(CONTROL_BYTES));
    this.#control = openSync(path, 'r+');
    // What goes to io_uring passes no function that could be replaced.
    this.env = { LD_PRELOAD: library, S3ISH_FAULT_CONTROL: path, UV_USE_IO_URING: '0' };
  }

  /** From here on calls are counted, and those that were chosen fail. */
  arm(fault: Fault): void {
    this.disarm();
    const bytes = Buffer.alloc(CONTROL_BYTES);
    bytes.writeUInt32LE(fault.calls, 4);
    bytes.writeUInt32LE(constants.errno[fault.error as 'EIO'], 8);
    bytes.writeUInt32LE(fault.isSticky ? 1 : 0, 12);
    bytes.writeBigUInt64LE(BigInt(fault.nth), 16);
    bytes.write(fault.path, PATTERN_AT, 255, 'utf8');
    writeSync(this.#control, bytes, 0, CONTROL_BYTES, 0);
    this.#setArmed(1);
  }

  /** @returns how many calls were counted, and how many of them failed. */
  disarm(): { callCount: number; faultCount: number } {
    this.#setArmed(0);
    const bytes = Buffer.alloc(CONTROL_BYTES);
    readSync(this.#control, bytes, 0, CONTROL_BYTES, 0);
    return {
      callCount: Number(bytes.readBigUInt64LE(24)),
      faultCount: Number(bytes.readBigUInt64LE(32)),
    };
  }

  #setArmed(value: 0 | 1): void {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32LE(value);
    writeSync(this.#control, bytes, 0, 4, 0);
  }
}
