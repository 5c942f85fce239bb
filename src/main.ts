#!/usr/bin/env node
/**
 * The command line of s3ish.
 *
 * Exit codes: 0 done, 1 it did not work, 2 the command line or the configuration is wrong.
 *
 * @module
 */

import cluster from 'node:cluster';
import { readFileSync } from 'node:fs';

import { Argument, Command, CommanderError, InvalidArgumentError } from 'commander';

import { parseCredentialsFile } from './auth/credentials.js';
import { runChild } from './cluster/child.js';
import { credentialsFile, readCredentials } from './cluster/credentials.js';
import { dataPaths } from './cluster/data-paths.js';
import { runPrimary } from './cluster/primary.js';
import { StartError } from './cluster/start-error.js';
import { ConfigError } from './config/config-error.js';
import { loadConfig, type Override } from './config/load.js';
import type { Config } from './config/settings.js';
import { parseAddress } from './util/address.js';
import { parseEndpoint } from './util/endpoint.js';
import { Addressing } from './wire/addressing.js';
import { presignUrl } from './wire/presign.js';

const EXIT_CODE_FAILED = 1;
const EXIT_CODE_USAGE = 2;
const HEALTH_ANSWER_MS_MAX = 3_000;
const EXPIRES_SECS_MAX = 7 * 24 * 3600;
const UNIT_SECS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 };

const EXAMPLES = `
Examples:
  s3ish serve --config s3ish.toml
  s3ish serve --listen 0.0.0.0:9000 --data /srv/s3ish --processes 8
  s3ish config check --config /etc/s3ish/s3ish.toml
  s3ish presign GET s3://bucket/key --expires 1h

Without --config, s3ish.toml of the working directory is read if there is one.
All settings are described in s3ish.toml and in docs/CONFIGURATION.md.`;

const CONFIG_OPTION = ['-c, --config <file>', 'settings to read'] as const;

// A child is this same program; what it shall be comes by message from the primary.
if (cluster.isWorker) await runChild();
else process.exit(await runCommand(process.argv));

/** @returns the exit code. */
async function runCommand(argv: readonly string[]): Promise<number> {
  let exitCode = 0;
  const program = new Command('s3ish')
    .description('A durable, S3-compatible object server for one many-core NVMe host')
    .version(packageVersion(), '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .helpCommand(false)
    .addHelpText('after', EXAMPLES)
    .exitOverride();

  program
    .command('serve')
    .description('serve S3 until SIGTERM or SIGINT; SIGHUP reads the credentials again')
    .option(...CONFIG_OPTION)
    .option('-l, --listen <host:port>', 'address of the S3 endpoint')
    .option('-d, --data <path>', 'directory of the data')
    .option('-p, --processes <number>', 'server processes, 0 for one per core', Number)
    .option('--admin <host:port>', 'address of /_health, /_ready and /_metrics')
    .action(async (options: ServeOptions) => {
      exitCode = await runPrimary(loadConfig(options.config, overrides(options)));
    });

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

  program
    .command('healthcheck')
    .description('ask a running server how it is; exit code 0 when it serves, 1 otherwise')
    .option('--admin <url>', 'URL of the admin endpoint', 'http://127.0.0.1:9001')
    .action(async ({ admin }: { readonly admin: string }) => {
      exitCode = await checkHealth(admin);
    });

  program
    .command('presign')
    .description('make a URL that lets its holder read or write one object')
    .addArgument(new Argument('<method>', 'what the URL allows').choices(['GET', 'PUT']))
    .addArgument(new Argument('<object>', 's3://bucket/key').argParser(parseObjectUrl))
    .option('--expires <time>', 'such as 90s, 15m, 1h or 7d', parseDuration, 3600)
    .option(
      '--endpoint <url>',
      'as clients reach it, path prefix included (default: the first of [server] endpoints, or the listen address)',
      parseUrl,
    )
    .option('--virtual-hosted', 'put the bucket into the host name')
    .option('--access-key <key>', 'key pair to sign with (default: the first one)')
    .option(...CONFIG_OPTION)
    .action((method: string, object: ObjectUrl, options: PresignOptions) => {
      process.stdout.write(`${presign(method, object, options)}\n`);
    });

  try {
    await program.parseAsync(argv);
    return exitCode;
  } catch (error) {
    return reportFailure(error);
  }
}

interface ServeOptions {
  readonly config?: string;
  readonly listen?: string;
  readonly data?: string;
  readonly processes?: number;
  readonly admin?: string;
}

interface PresignOptions {
  readonly expires: number;
  readonly endpoint?: URL;
  readonly virtualHosted?: boolean;
  readonly accessKey?: string;
  readonly config?: string;
}

interface ObjectUrl {
  readonly bucket: string;
  readonly key: string;
}

function overrides(options: ServeOptions): Override[] {
  const candidates: Override[] = [
    { option: '--listen', section: 'server', key: 'listen_addr', value: options.listen },
    { option: '--data', section: 'storage', key: 'base_path', value: options.data },
    { option: '--processes', section: 'cluster', key: 'processes', value: options.processes },
    { option: '--admin', section: 'admin', key: 'listen_addr', value: options.admin },
  ];
  return candidates.filter(({ value }) => value !== undefined);
}

async function checkHealth(adminUrl: string): Promise<number> {
  try {
    const url = new URL('/_health', adminUrl);
    const response = await fetch(url, { signal: AbortSignal.timeout(HEALTH_ANSWER_MS_MAX) });
    process.stdout.write(await response.text());
    return response.ok ? 0 : EXIT_CODE_FAILED;
  } catch (error) {
    const { cause } = error as Error;
    const reason = cause instanceof Error ? cause.message : (error as Error).message;
    process.stderr.write(`No answer from ${adminUrl}: ${reason}\n`);
    return EXIT_CODE_FAILED;
  }
}

function presign(method: string, object: ObjectUrl, options: PresignOptions): string {
  const config = loadConfig(options.config);
  const address = parseAddress(config.server.listen_addr);
  const file = credentialsFile(config, dataPaths(config));
  if (file === undefined || address === undefined) {
    throw new StartError('Name a [auth] credentials_file: the memory backend keeps no key pair');
  }
  const pairs = parseCredentialsFile(readCredentials(file, address));
  const wanted = options.accessKey;
  const pair = pairs.find(({ accessKey }) => wanted === undefined || accessKey === wanted);
  if (pair === undefined) throw new StartError(`There is no key pair ${wanted ?? ''} in ${file}`);
  const url = presignUrl({
    method,
    endpoint:
      options.endpoint ??
      new URL(config.server.endpoints[0] ?? `http://${config.server.listen_addr}`),
    isVirtualHosted: options.virtualHosted ?? false,
    bucket: object.bucket,
    key: object.key,
    accessKey: pair.accessKey,
    secret: pair.secretKey,
    region: config.server.region,
    expiresSecs: options.expires,
    nowMs: Date.now(),
  });
  assertReadBack(url, object, config);
  return url;
}

/** A URL that the server would read differently is not handed out. */
function assertReadBack(url: string, { bucket, key }: ObjectUrl, { server }: Config): void {
  const endpoints = server.endpoints.map(parseEndpoint).filter((one) => one !== undefined);
  const addressing = new Addressing({ domains: server.domains, endpoints });
  // Taken apart by hand: URL would resolve the dot segments of a key.
  const [, host = '', path = ''] = /^https?:\/\/([^/]+)([^?]*)/.exec(url) ?? [];
  const read = addressing.locate(host, path);
  if (read.bucket === bucket && read.key === key) return;
  throw new StartError(
    `${host}${path} would be read as bucket "${read.bucket}", key "${read.key}": ` +
      'the host must be below one of [server] domains for --virtual-hosted, ' +
      'and a path prefix must be that of one of [server] endpoints',
  );
}

function parseObjectUrl(text: string): ObjectUrl {
  const [, bucket, key] = /^s3:\/\/([^/]+)\/(.+)$/s.exec(text) ?? [];
  if (bucket === undefined || key === undefined) {
    throw new InvalidArgumentError('It must look like s3://bucket/key.');
  }
  return { bucket, key };
}

function parseUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol === 'http:' || url?.protocol === 'https:') return url;
  throw new InvalidArgumentError('It must look like http://host:9000.');
}

function parseDuration(text: string): number {
  const [, count, unit = 's'] = /^(\d{1,7})([smhd])?$/.exec(text) ?? [];
  const secs = Number(count) * (UNIT_SECS[unit] ?? Number.NaN);
  if (secs >= 1 && secs <= EXPIRES_SECS_MAX) return secs;
  throw new InvalidArgumentError('It must be a time from 1s to 7d, such as 90s, 15m, 1h or 7d.');
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

function packageVersion(): string {
  const text = readFileSync(new URL('../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { readonly version: string }).version;
}
