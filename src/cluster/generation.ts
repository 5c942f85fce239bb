/**
 * Begins a new generation of the index, in a process of its own: LMDB trusts its pages, and reading
 * a damaged one can end the process. The primary must be there to say so.
 *
 * @module
 */

import cluster from 'node:cluster';

import { isMessage, type FromChild, type StartMessage, type ToChild } from './messages.js';
import { StartError } from './start-error.js';

/**
 * @param exec - the file that children run.
 * @throws {StartError} the index cannot be opened, was written by a later version, or is damaged.
 */
export function beginGeneration(
  exec: string,
  start: Pick<StartMessage, 'config' | 'incarnation'>,
): Promise<number> {
  const path = start.config.storage.metadata_path;
  cluster.setupPrimary({ exec, args: ['index'] });
  const worker = cluster.fork();
  return new Promise((resolve, reject) => {
    worker.on('message', (message: unknown) => {
      if (!isMessage(message)) return;
      const known = message as FromChild;
      if (known.kind === 'generation') resolve(known.epoch);
      else if (known.kind === 'failed') reject(new StartError(known.message));
      else if (known.kind === 'hello') {
        const rest = { epoch: 0, credentialsText: '', servers: [] };
        const role = { kind: 'start', role: 'index', processName: 'index' } as const;
        worker.send({ ...start, ...rest, ...role } satisfies ToChild, () => undefined);
      }
    });
    worker.once('error', reject);
    worker.once('exit', (code: number, signal: string | null) => {
      // After an answer this changes nothing.
      reject(
        new StartError(
          `The index in ${path} is damaged: reading it ended a process with ${signal ?? `exit code ${code}`}. ` +
            'Nothing was served. Keep a copy of the directory, then restore or rebuild the index',
        ),
      );
    });
  });
}
