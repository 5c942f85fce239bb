/**
 * The servers of model runs over HTTP.
 *
 * @module
 */

import assert from 'node:assert/strict';

import type { OpenStore } from '#src/store/open-store.js';

import type { Clock } from '../support/clocked-client.js';
import { startInProcessServer, type Backend } from '../support/in-process-server.js';
import type { Access } from '../support/s3-client.js';
import { startServer } from '../support/server.js';
import { INLINE_BYTES_MAX, PART_SIZE_BYTES_MIN } from './system.js';

export interface Host {
  readonly access: Access;
  /** Undefined: that of the system. */
  readonly clock: Clock | undefined;
  /** What is behind the server; undefined when only requests reach it. */
  readonly store: OpenStore | undefined;
  /** SIGKILL to all processes; undefined: there are none of its own. */
  readonly kill: (() => Promise<void>) | undefined;
  /** Ends what still runs, by SIGTERM or SIGKILL, and starts it again. */
  restart(isClean: boolean): Promise<void>;
  stop(): Promise<void>;
}

/** Processes of a server that is killed. */
const PROCESSES = 2;

export async function hostInProcess(backend: Backend, clock: Clock): Promise<Host> {
  const limits = { partSizeBytesMin: PART_SIZE_BYTES_MIN };
  const server = await startInProcessServer({ backend, limits, nowMs: () => clock.nowMs });
  return {
    ...{ access: server, clock, store: server.store, kill: undefined },
    restart: async () => undefined,
    stop: async () => {
      await server.stop();
      assert.deepEqual(server.faults, [], 'no request ended in a fault');
      // By no clock that the server can see, and that stood still or jumped.
      assert(server.ends.every(({ durationMs }) => durationMs >= 0));
    },
  };
}

export async function hostInProcesses(): Promise<Host> {
  const server = await startServer({
    processes: PROCESSES,
    settings: {
      storage: { inline_max_kb: INLINE_BYTES_MAX / 1024, sweep_interval_secs: 1 },
      limits: { min_part_size_mb: 0 },
      log: { level: 'warn' },
    },
  });
  return {
    ...{ access: server, clock: undefined, store: undefined },
    kill: () => server.killAll(),
    restart: async (isClean) => {
      if (!isClean) await server.killAll();
      await server.restart();
    },
    stop: () => server.stop(),
  };
}
