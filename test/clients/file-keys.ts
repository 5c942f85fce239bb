/**
 * Keys as files, for clients that send directories.
 *
 * @module
 */

import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** Writes one small file per key; each says which it is. */
export function writeTree(root: string, keys: readonly string[]): void {
  for (const key of keys) {
    const path = join(root, key);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, `content of ${key}`);
  }
}
