/**
 * `s3ish presign`: make a URL that lets its holder read or write one object.
 *
 * @module
 */

import { Argument, InvalidArgumentError } from 'commander';

import { parseCredentialsFile } from '../auth/credentials.js';
import { credentialsFile, readCredentials } from '../cluster/credentials.js';
import { dataPaths } from '../cluster/data-paths.js';
import { StartError } from '../cluster/start-error.js';
import { loadConfig } from '../config/load.js';
import type { Config } from '../config/settings.js';
import { parseAddress } from '../util/address.js';
import { parseEndpoint } from '../util/endpoint.js';
import { Addressing } from '../wire/addressing.js';
import { presignUrl } from '../wire/presign.js';
import { CONFIG_OPTION, type AddCommand } from './command.js';

const EXPIRES_SECS_MAX = 7 * 24 * 3600;
const UNIT_SECS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 };

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

export const addPresignCommand: AddCommand = (program) => {
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
};

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
