/**
 * `s3ish rebuild-index`: make the index again from the files beside the data.
 *
 * @module
 */

import { StartError } from '../cluster/start-error.js';
import { backupsIn } from '../maintenance/backup-index.js';
import { hasIndex } from '../maintenance/new-index.js';
import { rebuildIndex } from '../maintenance/rebuild-index.js';
import { CONFIG_OPTION, EXIT_CODE_FAILED, type AddCommand } from './command.js';
import {
  DATA_OPTION,
  lockStore,
  printable,
  reportFaults,
  storeOf,
  type StoreOptions,
} from './maintained-store.js';

interface RebuildIndexOptions extends StoreOptions {
  readonly into?: string;
  readonly backup?: string;
  readonly account: string;
  readonly verifyData?: boolean;
}

const CODES = '0 all was used, 1 something could not be used or the index was not built';

export const addRebuildIndexCommand: AddCommand = (program, finish) => {
  program
    .command('rebuild-index')
    .description(`make the lost index again from the files beside the data; exit code ${CODES}`)
    .option(...CONFIG_OPTION)
    .option(...DATA_OPTION)
    .option('--into <directory>', 'where to put it instead, when there is an index')
    .option(
      '--backup <path>',
      'bring this backup up to date (of a directory of backups the newest): keeps small objects and settings',
    )
    .option('--account <name>', 'owner of buckets that the backup does not know', 'main')
    .option('--verify-data', 'read all payload and compare it with its checksums')
    .action(async (options: RebuildIndexOptions) => {
      finish(await reportFaults('The index was not built', () => rebuild(options)));
    });
};

async function rebuild(options: RebuildIndexOptions): Promise<number> {
  const { config, paths } = storeOf(options);
  await lockStore(paths);
  const metadataPath = options.into ?? paths.metadataPath;
  if (hasIndex(metadataPath)) {
    throw new StartError(
      `${metadataPath} holds an index. Move it away, or name another directory with --into.`,
    );
  }
  const startedMs = performance.now();
  const summary = await rebuildIndex({
    basePath: paths.basePath,
    metadataPath,
    backupPath: options.backup && (await newestIn(options.backup)),
    account: options.account,
    region: config.server.region,
    isDataVerified: options.verifyData === true,
    onProblem: ({ path, problem }) => {
      process.stdout.write(`${printable(path)}: ${printable(problem)}\n`);
    },
  });
  const { addedCount, replacedCount, droppedCount, bucketCount, problemCount } = summary;
  const seconds = (performance.now() - startedMs) / 1000;
  const ofBackup = `, ${replacedCount} newer than in the backup, ${droppedCount} gone since`;
  process.stdout.write(
    `${addedCount} objects${options.backup === undefined ? '' : ofBackup}; ` +
      `${bucketCount} new buckets; ${problemCount} problems; ${seconds.toFixed(1)} s\n` +
      'Blobs that the index does not know are kept until: s3ish release-orphans\n',
  );
  return problemCount === 0 ? 0 : EXIT_CODE_FAILED;
}

/** A backup itself, or the newest of a directory of them. */
async function newestIn(path: string): Promise<string> {
  if (hasIndex(path)) return path;
  const newest = (await backupsIn(path)).at(-1);
  if (newest === undefined) throw new StartError(`There is no backup of an index in ${path}`);
  return `${path}/${newest}`;
}
