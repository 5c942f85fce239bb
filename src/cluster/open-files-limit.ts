/**
 * How many files and sockets this process may have open.
 *
 * @module
 */

import { readFileSync } from 'node:fs';

/** The limit of `ulimit -n`; Node raises it to the hard one when it starts. Infinity if unknown. */
export function openFilesLimit(): number {
  try {
    const [, count] =
      /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? [];
    return count === undefined ? Infinity : Number(count);
  } catch {
    // Not Linux, or no /proc.
    return Infinity;
  }
}
