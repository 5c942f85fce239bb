/**
 * Faults between a store and what it stands on: calls that fail, answers that get lost, and a crash,
 * after which nothing of the old store does anything any more.
 *
 * @module
 */

import type { BlobStore, BlobWriter } from '#src/blobs/blob-store.js';
import type { Environment } from '#src/metadata/environment.js';

import type { Interruption } from './system.js';

type Place = 'blobs' | 'index';

/** What each kind strikes. */
const STRIKES: Readonly<Record<Interruption['kind'], readonly (Place | 'answer')[]>> = {
  disk: ['blobs'],
  full: ['blobs', 'index'],
  index: ['index'],
  answer: ['answer'],
  crash: ['blobs', 'index', 'answer'],
};

/** Lets the calls of one store through until it is told otherwise. */
export class Interruptions {
  #armed: Interruption | undefined;
  #callsLeft = 0;
  #hasStruck = false;
  #isCrashed = false;
  readonly #running = new Set<Promise<unknown>>();
  /** What was staged or opened and has not come to its end: after a crash, its files are open. */
  readonly #staged = new Set<AsyncDisposable>();
  #tellCrash: () => void = () => undefined;
  /** Resolves when the moment of a crash is reached. */
  readonly crashed = new Promise<void>((resolve) => {
    this.#tellCrash = resolve;
  });

  /** Whether what was armed last had its moment. */
  get hasStruck(): boolean {
    return this.#hasStruck;
  }

  get isCrashed(): boolean {
    return this.#isCrashed;
  }

  arm(interruption: Interruption): void {
    this.#armed = interruption;
    this.#callsLeft = interruption.afterCalls;
    this.#hasStruck = false;
  }

  disarm(): void {
    this.#armed = undefined;
  }

  /** Resolves when no call is on its way any more: then the store can be opened again. */
  async crash(): Promise<void> {
    this.#isCrashed = true;
    await Promise.allSettled(this.#running);
  }

  stage(one: AsyncDisposable): void {
    this.#staged.add(one);
  }

  unstage(one: AsyncDisposable): void {
    this.#staged.delete(one);
  }

  /** Closes the files that a crash left open, as the end of a process does; removes them as well. */
  async closeFiles(): Promise<void> {
    await Promise.allSettled([...this.#staged].map((one) => one[Symbol.asyncDispose]()));
  }

  /** Runs a call, or has it fail, or neither for ever. */
  async run<Output>(place: Place, call: () => Promise<Output>): Promise<Output> {
    await this.#strike(place);
    const running = call();
    this.#running.add(running);
    try {
      return await running;
    } finally {
      this.#running.delete(running);
      await this.#strike(place === 'index' ? 'answer' : undefined);
    }
  }

  /** @throws once the store has crashed: nobody may look into what is closed. */
  assertAlive(): void {
    if (this.#isCrashed) throw new Error('this store has crashed');
  }

  async #strike(at: Place | 'answer' | undefined): Promise<void> {
    const armed = this.#armed;
    if (!this.#isCrashed && armed !== undefined && at !== undefined) {
      if (STRIKES[armed.kind].includes(at) && this.#isDue()) {
        this.#hasStruck = true;
        if (armed.kind !== 'crash') throw fault(armed.kind);
        this.#isCrashed = true;
        this.#tellCrash();
      }
    }
    if (this.#isCrashed) await new Promise(() => undefined);
  }

  /** From the moment on, every call of a fault that stays. */
  #isDue(): boolean {
    this.#callsLeft -= 1;
    return this.#callsLeft < 0;
  }
}

function fault(kind: Interruption['kind']): Error {
  const code = kind === 'full' ? 'ENOSPC' : 'EIO';
  return Object.assign(new Error(`injected: ${kind}`), { code });
}

export function interruptibleEnvironment(inner: Environment, gate: Interruptions): Environment {
  return {
    refresh: () => {
      gate.assertAlive();
      inner.refresh();
    },
    get: (table, key) => {
      gate.assertAlive();
      return inner.get(table, key);
    },
    range: (table, query) => {
      gate.assertAlive();
      return inner.range(table, query);
    },
    settle: (incarnation) => inner.settle(incarnation),
    lastSequence: () => {
      gate.assertAlive();
      return inner.lastSequence();
    },
    countRows: () => inner.countRows(),
    write: (action, input) => gate.run('index', () => inner.write(action, input)),
    fence: (cause) => inner.fence(cause),
    close: () => inner.close(),
  };
}

export function interruptibleBlobs(inner: BlobStore, gate: Interruptions): BlobStore {
  const disk = <Output>(call: () => Promise<Output>): Promise<Output> => gate.run('blobs', call);
  const disposal = (one: AsyncDisposable) => async (): Promise<void> => {
    // A crash leaves everything where it is; after a fault the disk still removes.
    if (gate.isCrashed) return new Promise(() => undefined);
    gate.unstage(one);
    await one[Symbol.asyncDispose]();
  };
  const keep = (one: AsyncDisposable & { keep(): Promise<void> }) => async (): Promise<void> => {
    await disk(() => one.keep());
    gate.unstage(one);
  };
  return {
    stage: async (location, sizeBytes) => {
      const writer = await disk(async () => {
        const staged = await inner.stage(location, sizeBytes);
        gate.stage(staged);
        return staged;
      });
      return {
        location: writer.location,
        write: (piece) => disk(() => writer.write(piece)),
        seal: (sidecar) => disk(() => writer.seal(sidecar)),
        keep: keep(writer),
        [Symbol.asyncDispose]: disposal(writer),
      } satisfies BlobWriter;
    },
    link: async (source, target, sidecar) => {
      const linked = await disk(() => inner.link(source, target, sidecar));
      return (
        linked && {
          keep: keep(linked),
          [Symbol.asyncDispose]: disposal(linked),
        }
      );
    },
    open: async (location, layout) => {
      const reader = await inner.open(location, layout);
      let pieces: AsyncIterator<Uint8Array> | undefined;
      const opened = {
        [Symbol.asyncDispose]: async () => {
          reader.close();
          await pieces?.return?.();
        },
      };
      gate.stage(opened);
      return {
        read: (startByte, endByte) => {
          const begun = reader.read(startByte, endByte)[Symbol.asyncIterator]();
          pieces = begun;
          return { [Symbol.asyncIterator]: () => begun };
        },
        close: () => {
          gate.unstage(opened);
          reader.close();
        },
      };
    },
    sidecarText: (location) => inner.sidecarText(location),
    remove: (location) => inner.remove(location),
    stagingIncarnations: () => inner.stagingIncarnations(),
    sweepStaging: (incarnation, isAlive) => inner.sweepStaging(incarnation, isAlive),
    walk: () => inner.walk(),
    probe: () => inner.probe(),
    fence: (cause) => inner.fence(cause),
    close: () => inner.close(),
  };
}
