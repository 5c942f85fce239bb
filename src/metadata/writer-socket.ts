/**
 * Where the writer of an index listens: a socket in the directory of the index, which only its owner
 * can enter.
 *
 * @module
 */

import { openSync } from 'node:fs';

const NAME = 'writer.sock';

/**
 * A name for the socket, however long the path of its directory is: the system takes 108 bytes.
 *
 * @param directory - stays open as long as the process lives, since the name leads through it.
 */
export function writerSocketPath(directory: string): string {
  return `/proc/self/fd/${openSync(directory, 'r')}/${NAME}`;
}
