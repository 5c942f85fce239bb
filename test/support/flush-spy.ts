/**
 * Watches the flushes of this process, and makes them fail: by the methods of file handles, so
 * that nothing is missed and nothing else is touched.
 *
 * @module
 */

import { readlinkSync } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import type { TestContext } from 'node:test';

export interface FlushSpy {
  /** Paths flushed and finished, in order: `fdatasync path` or `fsync path`. */
  readonly flushes: string[];
  /** Makes later flushes of paths that end like this fail with EIO. */
  failOn(pathEnd: string): void;
  succeed(): void;
}

/** Until the end of the test. */
export async function spyOnFlushes(context: TestContext): Promise<FlushSpy> {
  const probe = await open('/dev/null');
  const prototype = Object.getPrototypeOf(probe) as FileHandle;
  await probe.close();
  const flushes: string[] = [];
  let failing: string | undefined;
  for (const [method, call] of [
    ['datasync', 'fdatasync'],
    ['sync', 'fsync'],
  ] as const) {
    const flush = prototype[method];
    context.mock.method(prototype, method, async function (this: FileHandle) {
      const path = readlinkSync(`/proc/self/fd/${this.fd}`);
      if (failing !== undefined && path.endsWith(failing)) {
        throw Object.assign(new Error(`EIO: ${call} ${path}`), { code: 'EIO' });
      }
      await flush.call(this);
      flushes.push(`${call} ${path}`);
    });
  }
  return {
    flushes,
    failOn: (pathEnd) => (failing = pathEnd),
    succeed: () => (failing = undefined),
  };
}
