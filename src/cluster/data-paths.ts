/**
 * The directories of the store: made private, checked, and resolved to absolute paths.
 *
 * @module
 */

import { access, constants } from 'node:fs/promises';
import { join, resolve } from 'node:path';

import type { Config } from '../config/settings.js';
import { createDirectory } from '../store/open-store.js';
import { StartError } from './start-error.js';

/** Absolute paths of one store. */
export interface DataPaths {
  readonly basePath: string;
  readonly metadataPath: string;
}

/** Where the configuration puts the data. Touches nothing. */
export function dataPaths(config: Config): DataPaths {
  const basePath = resolve(config.storage.base_path);
  const { metadata_path: metadataPath } = config.storage;
  return {
    basePath,
    metadataPath:
      metadataPath === '' ? join(basePath, '.s3ish', 'metadata') : resolve(metadataPath),
  };
}

/**
 * Creates what is absent, readable by the owner only, and checks that all of it can be written.
 *
 * @throws {StartError} naming the directory and the reason.
 */
export async function prepareDataPaths(paths: DataPaths): Promise<void> {
  for (const path of [paths.basePath, paths.metadataPath]) {
    try {
      await createDirectory(path);
      await access(path, constants.R_OK | constants.W_OK | constants.X_OK);
    } catch (error) {
      throw new StartError(`Cannot use the directory ${path}: ${(error as Error).message}`, {
        cause: error,
      });
    }
  }
}
