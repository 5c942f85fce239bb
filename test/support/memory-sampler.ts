/**
 * Resident memory of the processes of a test server, as the kernel accounts for it.
 *
 *     const memory = new MemorySampler(server);
 *     ...
 *     console.log(describePeaks(memory.stop()));
 *
 * @module
 */

import { readFileSync } from 'node:fs';

import type { TestServer } from './server.js';

const PERIOD_MS = 200;
const KIB = 1024;
const MIB = 1024 * 1024;

export type ProcessKind = 'primary' | 'server' | 'jobs';

export interface MemoryPeak {
  /** Highest resident memory of any one process of the kind, with every mapped file page. */
  readonly residentBytes: number;
  /** Highest part of it that is the process's own: not pages of the metadata map or of binaries. */
  readonly anonymousBytes: number;
  readonly samplesCount: number;
}

export type MemoryPeaks = Readonly<Record<ProcessKind, MemoryPeak>>;

/**
 * Looks at every process each 200 ms. The resident peak is the kernel's own high-water mark, so
 * that nothing between two looks is missed.
 */
export class MemorySampler {
  readonly #server: Pick<TestServer, 'pid' | 'childPids'>;
  readonly #timer: NodeJS.Timeout;
  readonly #peaks: Record<ProcessKind, MemoryPeak> = {
    primary: NOTHING,
    server: NOTHING,
    jobs: NOTHING,
  };

  constructor(server: Pick<TestServer, 'pid' | 'childPids'>) {
    this.#server = server;
    this.#timer = setInterval(() => this.#sample(), PERIOD_MS);
    this.#timer.unref();
  }

  /** The peaks up to now; a server that ran only between two looks has none. */
  peaks(): MemoryPeaks {
    this.#sample();
    return { ...this.#peaks };
  }

  /** Takes the last look. Call it while the server still runs. */
  stop(): MemoryPeaks {
    clearInterval(this.#timer);
    return this.peaks();
  }

  #sample(): void {
    this.#add('primary', [this.#server.pid]);
    this.#add('server', this.#server.childPids('server'));
    this.#add('jobs', this.#server.childPids('jobs'));
  }

  #add(kind: ProcessKind, pids: readonly number[]): void {
    for (const status of pids.map(readStatus)) {
      if (status === undefined) continue;
      const before = this.#peaks[kind];
      this.#peaks[kind] = {
        residentBytes: Math.max(before.residentBytes, field(status, 'VmHWM')),
        anonymousBytes: Math.max(before.anonymousBytes, field(status, 'RssAnon')),
        samplesCount: before.samplesCount + 1,
      };
    }
  }
}

/** `server 135 MiB (own 64), primary 72 MiB (own 25), jobs 71 MiB (own 19)`. */
export function describePeaks(peaks: MemoryPeaks): string {
  const kinds = ['server', 'primary', 'jobs'] as const;
  return kinds
    .map((kind) => {
      const { residentBytes, anonymousBytes } = peaks[kind];
      return `${kind} ${mebibytes(residentBytes)} MiB (own ${mebibytes(anonymousBytes)})`;
    })
    .join(', ');
}

const NOTHING: MemoryPeak = { residentBytes: 0, anonymousBytes: 0, samplesCount: 0 };

function mebibytes(bytes: number): number {
  return Math.ceil(bytes / MIB);
}

function readStatus(pid: number): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/status`, 'utf8');
  } catch {
    // The process has ended meanwhile.
    return undefined;
  }
}

/** A field of /proc/PID/status in bytes; a process that is just ending has none. */
function field(status: string, name: string): number {
  const [, kibibytes = '0'] = new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(status) ?? [];
  return Number(kibibytes) * KIB;
}
