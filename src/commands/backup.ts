/**
 * `s3ish backup` and its way back: `s3ish restore`, then `s3ish release-orphans`.
 *
 * @module
 */

import { InvalidArgumentError } from 'commander';

import { StartError } from '../cluster/start-error.js';
import { backupIndex, restoreIndex } from '../maintenance/backup-index.js';
import { hasIndex } from '../maintenance/new-index.js';
import { releaseOrphans } from '../maintenance/release-orphans.js';
import { CONFIG_OPTION, type AddCommand } from './command.js';
import {
  DATA_OPTION,
  lockStore,
  reportFaults,
  storeOf,
  type StoreOptions,
} from './maintained-store.js';

interface BackupOptions extends StoreOptions {
  readonly keep?: number;
}

interface RestoreOptions extends StoreOptions {
  readonly replace?: boolean;
}

export const addBackupCommand: AddCommand = (program) => {
  program
    .command('backup')
    .description('copy the index, also while a server writes; the data files are not copied')
    .argument('<directory>', 'holds the copies, each in a directory with its date')
    .option(...CONFIG_OPTION)
    .option(...DATA_OPTION)
    .option('--keep <number>', 'remove older copies beyond this many', parseCount)
    .action(async (directory: string, options: BackupOptions) => {
      await reportFaults('The index was not copied', () => backup(directory, options));
    });
};

export const addRestoreCommand: AddCommand = (program) => {
  program
    .command('restore')
    .description('put a copy of the index in its place, as old as it is; see also rebuild-index')
    .argument('<backup>', 'directory that s3ish backup made')
    .option(...CONFIG_OPTION)
    .option(...DATA_OPTION)
    .option('--replace', 'set an index that is there aside')
    .action(async (backupPath: string, options: RestoreOptions) => {
      await reportFaults('The index was not restored', () => restore(backupPath, options));
    });
};

export const addReleaseOrphansCommand: AddCommand = (program) => {
  program
    .command('release-orphans')
    .description('after restore or rebuild-index: let the sweeper remove what the index lacks')
    .option(...CONFIG_OPTION)
    .option(...DATA_OPTION)
    .action(async (options: StoreOptions) => {
      await reportFaults('Nothing was released', async () => {
        const { metadataPath } = storeOf(options).paths;
        requireIndex(metadataPath);
        await releaseOrphans(metadataPath);
        process.stdout.write('The daily walk removes blobs that the index does not know.\n');
      });
    });
};

async function backup(directory: string, options: BackupOptions): Promise<void> {
  const { metadataPath } = storeOf(options).paths;
  requireIndex(metadataPath);
  const summary = await backupIndex({
    ...{ metadataPath, directory: directory, nowMs: Date.now() },
    keepCount: options.keep,
  });
  const { path, bucketCount, objectCount, objectBytes, lastSequence, removed } = summary;
  process.stdout.write(
    `${path}: ${bucketCount} buckets, ${objectCount} objects of ${objectBytes} bytes, ` +
      `up to write ${lastSequence}\n`,
  );
  for (const name of removed) process.stdout.write(`removed ${name}\n`);
}

async function restore(backupPath: string, options: RestoreOptions): Promise<void> {
  const { paths } = storeOf(options);
  await lockStore(paths);
  const { metadataPath } = paths;
  const isThere = hasIndex(metadataPath);
  if (isThere && options.replace !== true) {
    throw new StartError(`${metadataPath} holds an index; --replace sets it aside`);
  }
  requireIndex(backupPath);
  const setAsideName = `data.mdb.replaced-${new Date().toISOString().replaceAll(':', '-')}`;
  const { bucketCount, objectCount, lastSequence } = await restoreIndex(
    backupPath,
    metadataPath,
    isThere ? setAsideName : undefined,
  );
  process.stdout.write(
    `Restored ${bucketCount} buckets and ${objectCount} objects, up to write ${lastSequence}.\n` +
      'Objects written since are not in it; s3ish rebuild-index --backup brings in those that have files.\n' +
      'Blobs that the index does not know are kept until: s3ish release-orphans\n',
  );
}

function requireIndex(path: string): void {
  if (!hasIndex(path)) throw new StartError(`There is no index in ${path}`);
}

function parseCount(text: string): number {
  if (/^[1-9]\d{0,5}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('It must be a number from 1.');
}
