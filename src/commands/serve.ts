/**
 * `s3ish serve`: run the server in the foreground.
 *
 * @module
 */

import { runPrimary } from '../cluster/primary.js';
import { loadConfig, type Override } from '../config/load.js';
import { CONFIG_OPTION, type AddCommand } from './command.js';

interface ServeOptions {
  readonly config?: string;
  readonly listen?: string;
  readonly data?: string;
  readonly processes?: number;
  readonly admin?: string;
}

export const addServeCommand: AddCommand = (program, finish) => {
  program
    .command('serve')
    .description('serve S3 until SIGTERM or SIGINT; SIGHUP reads the credentials again')
    .option(...CONFIG_OPTION)
    .option('-l, --listen <host:port>', 'address of the S3 endpoint')
    .option('-d, --data <path>', 'directory of the data')
    .option('-p, --processes <number>', 'server processes, 0 for one per core', Number)
    .option('--admin <host:port>', 'address of /_health, /_ready and /_metrics')
    .action(async (options: ServeOptions) => {
      finish(await runPrimary(loadConfig(options.config, overrides(options))));
    });
};

function overrides(options: ServeOptions): Override[] {
  const candidates: Override[] = [
    { option: '--listen', section: 'server', key: 'listen_addr', value: options.listen },
    { option: '--data', section: 'storage', key: 'base_path', value: options.data },
    { option: '--processes', section: 'cluster', key: 'processes', value: options.processes },
    { option: '--admin', section: 'admin', key: 'listen_addr', value: options.admin },
  ];
  return candidates.filter(({ value }) => value !== undefined);
}
