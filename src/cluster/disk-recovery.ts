/**
 * What a process does about a disk that failed: it stays and reads, and is replaced when the disk
 * works again, so that no descriptor and no page of before the fault is used any more.
 *
 * @module
 */

import type { DiskFault, DiskVolume, OpenStore } from '../store/open-store.js';
import type { PartContext } from './part.js';

const PROBE_INTERVAL_MS = 250;
/** In a row: a disk that works now and then is not back. */
const PROBES_COUNT = 3;
/** Space and descriptors come back without anybody's help, and refuse one write at a time. */
const PASSING_FAULTS: ReadonlySet<unknown> = new Set([
  'ENOSPC',
  'EDQUOT',
  'EMFILE',
  'ENFILE',
  'EAGAIN',
]);

/** The part of a store that looks after its disks. */
type ProbedStore = Pick<OpenStore, 'probe' | 'fence'>;

/** Watches the disks of one process. */
export class DiskRecovery {
  readonly #context: PartContext;
  readonly #failed = new Set<DiskVolume>();
  #store: ProbedStore | undefined;
  #timer: NodeJS.Timeout | undefined;
  #goodProbeCount = 0;
  #isStopped = false;

  constructor(context: PartContext) {
    this.#context = context;
  }

  /** To be told by the store. */
  readonly onDiskFault = ({ volume, fault, isFatal }: DiskFault): void => {
    const { log, tellPrimary, retire } = this.#context;
    log.error(
      { err: fault, volume },
      `The disk of the ${volume} failed: this process writes nothing there any more`,
    );
    tellPrimary({ kind: 'fenced' });
    if (isFatal) {
      retire('The index cannot be used by this process any more');
      return;
    }
    this.#failed.add(volume);
    this.#goodProbeCount = 0;
    this.#schedule();
  };

  /** A process that replaces one begins with a look: it must not try a broken disk with a write. */
  async watch(store: ProbedStore): Promise<void> {
    this.#store = store;
    for (const volume of ['data', 'index'] as const) {
      const fault = await store.probe(volume).catch((error: unknown) => error);
      if (fault !== undefined && !isPassing(fault)) store.fence(volume, fault);
    }
  }

  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
  }

  #schedule(): void {
    if (this.#isStopped) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#probe(), PROBE_INTERVAL_MS);
  }

  /** Each probe uses new files: what failed once is not asked again. */
  async #probe(): Promise<void> {
    try {
      for (const volume of this.#failed) await this.#store?.probe(volume);
      this.#goodProbeCount += 1;
    } catch {
      this.#goodProbeCount = 0;
    }
    if (this.#goodProbeCount < PROBES_COUNT) this.#schedule();
    else this.#context.retire('The disk works again');
  }
}

function isPassing(fault: unknown): boolean {
  return fault instanceof Error && 'code' in fault && PASSING_FAULTS.has(fault.code);
}
