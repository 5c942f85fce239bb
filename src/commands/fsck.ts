/**
 * `s3ish fsck`: look for everything in a store that does not fit together. It never writes.
 *
 * @module
 */

import { dataPaths } from '../cluster/data-paths.js';
import { lockMetadata } from '../cluster/primary-lock.js';
import { StartError } from '../cluster/start-error.js';
import { loadConfig } from '../config/load.js';
import { checkStore, hasIndex, type CheckSummary } from '../maintenance/check-store.js';
import { REMEDIES, type Finding } from '../maintenance/findings.js';
import { NewerFormatError } from '../util/newer-format-error.js';
import { CONFIG_OPTION, EXIT_CODE_FAILED, EXIT_CODE_USAGE, type AddCommand } from './command.js';

interface FsckOptions {
  readonly config?: string;
  readonly data?: string;
  readonly online?: boolean;
  readonly verifyData?: boolean;
  readonly json?: boolean;
}

const CODES = '0 clean, 1 findings, 2 it could not be checked';

export const addFsckCommand: AddCommand = (program, finish) => {
  program
    .command('fsck')
    .description(`check a store against itself, without writing; exit code ${CODES}`)
    .option(...CONFIG_OPTION)
    .option('-d, --data <path>', 'directory of the data')
    .option('--online', 'check beside a running server; without it the store must be at rest')
    .option('--verify-data', 'read all payload and compare it with its checksums')
    .option('--json', 'one JSON object a line: findings, then the summary')
    .action(async (options: FsckOptions) => {
      finish(await fsck(options));
    });
};

async function fsck(options: FsckOptions): Promise<number> {
  try {
    const { data } = options;
    const override = {
      option: '--data',
      section: 'storage',
      key: 'base_path',
      value: data,
    } as const;
    const config = loadConfig(options.config, data === undefined ? [] : [override]);
    if (config.storage.backend !== 'file') throw new StartError('The memory backend keeps nothing');
    const paths = dataPaths(config);
    if (!hasIndex(paths.metadataPath)) {
      throw new StartError(`There is no index in ${paths.metadataPath}`);
    }
    const isOnline = options.online === true;
    if (!isOnline) await lock(paths.metadataPath);
    const summary = await checkStore({
      ...{ ...paths, isOnline, isDataVerified: options.verifyData === true },
      onFinding: (finding) => print(options.json === true ? jsonOf(finding) : lineOf(finding)),
    });
    print(options.json === true ? JSON.stringify({ summary }) : summaryOf(summary));
    return summary.findings === 0 ? 0 : EXIT_CODE_FAILED;
  } catch (error) {
    if (!(error instanceof StartError || error instanceof NewerFormatError)) throw error;
    process.stderr.write(`${error.message}\n`);
    return EXIT_CODE_USAGE;
  }
}

/** Held until the process ends: no server can start meanwhile. */
async function lock(metadataPath: string): Promise<void> {
  try {
    await lockMetadata(metadataPath);
  } catch (error) {
    if (!(error instanceof StartError)) throw error;
    throw new StartError(
      `${metadataPath} is in use. Stop the server, or check beside it with --online.`,
      { cause: error },
    );
  }
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

function lineOf(finding: Finding): string {
  const { class: name, object, problem } = finding;
  // A key may hold anything, a line feed and the controls of a terminal among it.
  return `${name}: ${printable(object)}: ${printable(problem)} (${REMEDIES[name]})`;
}

function jsonOf(finding: Finding): string {
  return JSON.stringify({ ...finding, remedy: REMEDIES[finding.class] });
}

function printable(text: string): string {
  return text.replace(/\p{Cc}/gu, (control) => {
    return `\\x${control.charCodeAt(0).toString(16).padStart(2, '0')}`;
  });
}

function summaryOf(summary: CheckSummary): string {
  const { findings, rows, objects, blobs, bytes, entries, uncounted } = summary;
  const verified = bytes > 0 ? `, ${bytes} bytes of payload` : '';
  const looked = `${rows} rows, ${objects} objects, ${blobs} blobs${verified}, ${entries} files and directories`;
  const rest = uncounted === 0 ? '' : `; ${uncounted} buckets were too busy to compare counters`;
  return `${findings === 0 ? 'clean' : `${findings} findings`}: ${looked}${rest}`;
}
