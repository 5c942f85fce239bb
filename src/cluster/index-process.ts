/**
 * The process that begins a new generation of the index, and is done; see generation.ts.
 *
 * @module
 */

import type { Log } from '../observe/log.js';
import { bumpEpoch } from '../store/open-store.js';
import { NewerFormatError } from '../util/newer-format-error.js';
import type { FromChild, StartMessage } from './messages.js';

/** Opens the index, tells the primary how that went, and ends the process. */
export async function runGeneration(
  { config }: StartMessage,
  log: Log,
  tellPrimary: (message: FromChild, told: () => void) => void,
): Promise<void> {
  const { metadata_path: path, base_path: base, enable_fsync: isFsyncEnabled } = config.storage;
  const finish = (): never => process.exit(0);
  try {
    const epoch = await bumpEpoch(path, isFsyncEnabled, base);
    tellPrimary({ kind: 'generation', epoch }, finish);
  } catch (fault) {
    log.debug({ err: fault }, 'The index cannot be opened');
    const reason = fault instanceof Error ? fault.message : String(fault);
    const isNewer = fault instanceof NewerFormatError;
    const message = isNewer ? reason : `Cannot open the index in ${path}: ${reason}`;
    tellPrimary({ kind: 'failed', message }, finish);
  }
}
