/**
 * The credentials that the primary hands to its server processes, as the text of a file of
 * `access_key:secret_key[:account]` lines.
 *
 * Either the operator names the file, or the first start on a store makes a root key pair and keeps
 * it beside the metadata, so that it is moved, backed up and lost together with the data.
 *
 * @module
 */

import { existsSync, readFileSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';

import { generateRootCredentials, parseCredentialsFile } from '../auth/credentials.js';
import type { Config } from '../config/settings.js';
import { isLoopback, type Address } from '../util/address.js';
import type { DataPaths } from './data-paths.js';
import { StartError } from './start-error.js';
import { storePrivateFile } from './store-private-file.js';
import { weakness } from './weak-credentials.js';

const ROOT_FILE_NAME = 'root-credentials';
/** Permission bits of group and others. */
const SHARED_MODE_BITS = 0o077;

/** Credentials ready for use. */
export interface Credentials {
  readonly credentialsText: string;
  /** Undefined for a pair that lives in memory only. */
  readonly file: string | undefined;
  /** The pair that was made just now and must be shown, since nobody knows it yet. */
  readonly generated: { readonly accessKey: string; readonly secretKey: string } | undefined;
}

/** The file that holds the credentials; undefined when they live and end with the process. */
export function credentialsFile(config: Config, paths: DataPaths): string | undefined {
  if (config.auth.credentials_file !== '') return resolve(config.auth.credentials_file);
  return config.storage.backend === 'memory' ? undefined : join(paths.metadataPath, ROOT_FILE_NAME);
}

/**
 * Reads the credentials, or makes and durably stores a root key pair on the first start.
 *
 * @param address - of the S3 endpoint: off loopback, guessable pairs are refused.
 * @throws {StartError} when a file cannot be used or a pair is too weak.
 */
export async function prepareCredentials(
  config: Config,
  paths: DataPaths,
  address: Address,
): Promise<Credentials> {
  const file = credentialsFile(config, paths);
  const isOperators = config.auth.credentials_file !== '';
  if (file !== undefined && (isOperators || existsSync(file))) {
    return { credentialsText: readCredentials(file, address), file, generated: undefined };
  }
  const { accessKey, secretKey } = generateRootCredentials();
  const credentialsText = `# Root key pair of this s3ish store. Whoever reads it owns the data.\n${accessKey}:${secretKey}\n`;
  if (file !== undefined) await storePrivateFile(file, credentialsText);
  return { credentialsText, file, generated: { accessKey, secretKey } };
}

/** Reads and checks a credentials file. @throws {StartError} naming the file and the reason. */
export function readCredentials(file: string, address: Address): string {
  const fail = (reason: string, cause?: unknown): StartError =>
    new StartError(`Cannot use the credentials in ${file}: ${reason}`, { cause });
  let credentialsText: string;
  let credentials: ReturnType<typeof parseCredentialsFile>;
  try {
    credentialsText = readFileSync(file, 'utf8');
    credentials = parseCredentialsFile(credentialsText);
  } catch (error) {
    throw fail((error as Error).message, error);
  }
  if (credentials.length === 0) throw fail('it holds no key pair, so nobody could log in');
  if (!isLoopback(address.host)) {
    for (const { accessKey, secretKey } of credentials) {
      const reason = weakness(accessKey, secretKey);
      if (reason === undefined) continue;
      throw fail(`${accessKey} is too weak for ${address.host}, which others can reach: ${reason}`);
    }
  }
  return credentialsText;
}

/** Whether users other than the owner may open the file. */
export function isReadableByOthers(file: string): boolean {
  return (statSync(file).mode & SHARED_MODE_BITS) !== 0;
}
