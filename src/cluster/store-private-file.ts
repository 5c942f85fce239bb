/**
 * Writes a file that only its owner may read, so that a crash leaves all of it or nothing.
 *
 * @module
 */

import { open, rename } from 'node:fs/promises';
import { dirname } from 'node:path';

const OWNER_ONLY = 0o600;

/** Stores `text` durably under `file`; the name appears with the complete content. */
export async function storePrivateFile(file: string, text: string): Promise<void> {
  const temporary = `${file}.new`;
  const handle = await open(temporary, 'w', OWNER_ONLY);
  try {
    // An older file of this name would keep its own mode.
    await handle.chmod(OWNER_ONLY);
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(temporary, file);
  const directory = await open(dirname(file), 'r');
  try {
    // The rename reaches the disk with the directory, not with the file.
    await directory.sync();
  } finally {
    await directory.close();
  }
}
