/**
 * What the verbs of the command line have in common.
 *
 * @module
 */

import type { Command } from 'commander';

/** Exit code of a command that did not work. */
export const EXIT_CODE_FAILED = 1;
/** Exit code when the command line or the configuration is wrong. */
export const EXIT_CODE_USAGE = 2;

/** The option of every verb that reads settings. */
export const CONFIG_OPTION = ['-c, --config <file>', 'settings to read'] as const;

/** Adds a verb to the program; its action hands its exit code to `finish` if it is not 0. */
export type AddCommand = (program: Command, finish: (exitCode: number) => void) => void;
