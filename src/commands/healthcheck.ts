/**
 * `s3ish healthcheck`: ask a running server how it is.
 *
 * @module
 */

import { EXIT_CODE_FAILED, type AddCommand } from './command.js';

const ANSWER_MS_MAX = 3_000;

export const addHealthcheckCommand: AddCommand = (program, finish) => {
  program
    .command('healthcheck')
    .description('ask a running server how it is; exit code 0 when it serves, 1 otherwise')
    .option('--admin <url>', 'URL of the admin endpoint', 'http://127.0.0.1:9001')
    .action(async ({ admin }: { readonly admin: string }) => {
      finish(await checkHealth(admin));
    });
};

async function checkHealth(adminUrl: string): Promise<number> {
  try {
    const url = new URL('/_health', adminUrl);
    const response = await fetch(url, { signal: AbortSignal.timeout(ANSWER_MS_MAX) });
    process.stdout.write(await response.text());
    return response.ok ? 0 : EXIT_CODE_FAILED;
  } catch (error) {
    const { cause } = error as Error;
    const reason = cause instanceof Error ? cause.message : (error as Error).message;
    process.stderr.write(`No answer from ${adminUrl}: ${reason}\n`);
    return EXIT_CODE_FAILED;
  }
}
