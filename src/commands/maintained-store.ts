/**
 * What the verbs over a store at rest have in common: its paths, and that nobody serves it.
 *
 * @module
 */

import { dataPaths, type DataPaths } from '../cluster/data-paths.js';
import { lockMetadata } from '../cluster/primary-lock.js';
import { StartError } from '../cluster/start-error.js';
import { loadConfig } from '../config/load.js';
import type { Config } from '../config/settings.js';
import { createDirectory } from '../store/open-store.js';

/** Options that say which store. */
export interface StoreOptions {
  readonly config?: string;
  readonly data?: string;
}

export const DATA_OPTION = ['-d, --data <path>', 'directory of the data'] as const;

/** @throws {StartError} the store is one that keeps nothing. */
export function storeOf({ config: file, data }: StoreOptions): {
  readonly config: Config;
  readonly paths: DataPaths;
} {
  const override = { option: '--data', section: 'storage', key: 'base_path' } as const;
  const config = loadConfig(file, data === undefined ? [] : [{ ...override, value: data }]);
  if (config.storage.backend !== 'file') throw new StartError('The memory backend keeps nothing');
  return { config, paths: dataPaths(config) };
}

/** Held until the process ends: no server can start meanwhile. */
export async function lockStore({ metadataPath }: DataPaths): Promise<void> {
  await createDirectory(metadataPath);
  try {
    await lockMetadata(metadataPath);
  } catch (error) {
    if (!(error instanceof StartError)) throw error;
    throw new StartError(`${metadataPath} is in use. Stop the server first.`, { cause: error });
  }
}

/** Runs the work of a verb; a fault of the system becomes one line. */
export async function reportFaults<Result>(
  what: string,
  run: () => Promise<Result>,
): Promise<Result> {
  try {
    return await run();
  } catch (error) {
    if (error instanceof StartError || !(error instanceof Error)) throw error;
    throw new StartError(`${what}: ${error.message}`, { cause: error });
  }
}

/** A key may hold anything, a line feed and the controls of a terminal among it. */
export function printable(text: string): string {
  return text.replace(/\p{Cc}/gu, (control) => {
    return `\\x${control.charCodeAt(0).toString(16).padStart(2, '0')}`;
  });
}
