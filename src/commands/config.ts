/**
 * `s3ish config check`: say what is wrong with the settings, without starting anything.
 *
 * @module
 */

import { loadConfig } from '../config/load.js';
import { CONFIG_OPTION, type AddCommand } from './command.js';

export const addConfigCommand: AddCommand = (program) => {
  program
    .command('config')
    .description('work with the configuration')
    .command('check')
    .description('report every mistake in the settings with its line')
    .option(...CONFIG_OPTION)
    .action(({ config }: { readonly config?: string }) => {
      loadConfig(config);
      process.stdout.write('The configuration is valid.\n');
    });
};
