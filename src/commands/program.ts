/**
 * The command line of s3ish: one file beside this one for each verb.
 *
 * @module
 */

import { Command, CommanderError } from 'commander';

import { StartError } from '../cluster/start-error.js';
import { addBackupCommand, addReleaseOrphansCommand, addRestoreCommand } from './backup.js';
import { EXIT_CODE_FAILED, EXIT_CODE_USAGE, type AddCommand } from './command.js';
import { addConfigCommand } from './config.js';
import { addFsckCommand } from './fsck.js';
import { addHealthcheckCommand } from './healthcheck.js';
import { addPresignCommand } from './presign.js';
import { addRebuildIndexCommand } from './rebuild-index.js';
import { addServeCommand } from './serve.js';
import { ConfigError } from '../config/config-error.js';

/** In the order of the help. */
const COMMANDS: readonly AddCommand[] = [
  addServeCommand,
  addConfigCommand,
  addFsckCommand,
  addHealthcheckCommand,
  addPresignCommand,
  addBackupCommand,
  addRestoreCommand,
  addRebuildIndexCommand,
  addReleaseOrphansCommand,
];

const EXAMPLES = `
Examples:
  s3ish serve --config s3ish.toml
  s3ish serve --listen 0.0.0.0:9000 --data /srv/s3ish --processes 8
  s3ish config check --config /etc/s3ish/s3ish.toml
  s3ish fsck --config /etc/s3ish/s3ish.toml --online
  s3ish presign GET s3://bucket/key --expires 1h
  s3ish backup /var/backups/s3ish --config /etc/s3ish/s3ish.toml --keep 7

Without --config, s3ish.toml of the working directory is read if there is one.
All settings are described in s3ish.toml and in docs/CONFIGURATION.md.`;

/**
 * Runs the verb of a command line.
 *
 * @returns the exit code: 0 done, 1 it did not work, 2 the command line or the configuration is
 * wrong.
 */
export async function runCommand(argv: readonly string[], version: string): Promise<number> {
  let exitCode = 0;
  const program = new Command('s3ish')
    .description('A durable, S3-compatible object server for one many-core NVMe host')
    .version(version, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .helpCommand(false)
    .addHelpText('after', EXAMPLES)
    .exitOverride();

  const finish = (code: number): void => {
    exitCode = code;
  };
  for (const addCommand of COMMANDS) addCommand(program, finish);

  try {
    await program.parseAsync(argv);
    return exitCode;
  } catch (error) {
    return reportFailure(error);
  }
}

function reportFailure(error: unknown): number {
  // Commander has printed its message by then; help and version arrive here as well, with code 0.
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : EXIT_CODE_USAGE;
  if (error instanceof ConfigError) {
    process.stderr.write(`${error.message}\n`);
    return EXIT_CODE_USAGE;
  }
  if (error instanceof StartError) {
    process.stderr.write(`${error.message}\n`);
    return EXIT_CODE_FAILED;
  }
  throw error;
}
