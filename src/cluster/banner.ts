/**
 * What the first start tells its operator, once.
 *
 * @module
 */

import type { Config } from '../config/settings.js';
import { formatAddress, type Address } from '../util/address.js';

export interface FirstStart {
  readonly accessKey: string;
  readonly secretKey: string;
  /** Where the pair is kept; undefined when it is not. */
  readonly file: string | undefined;
  readonly address: Address;
  readonly config: Config;
}

/** Wildcard addresses listen everywhere; a client needs one that can be connected to. */
const CONNECTABLE: Readonly<Record<string, string>> = { '0.0.0.0': '127.0.0.1', '::': '::1' };

/** The generated key pair and a command that uses it. */
export function firstStartBanner(first: FirstStart): string {
  const { accessKey, secretKey, file, config } = first;
  const host = CONNECTABLE[first.address.host] ?? first.address.host;
  const endpoint = `http://${formatAddress({ host, port: first.address.port })}`;
  const fate =
    file === undefined
      ? 'It is valid until this process ends.'
      : `It is kept in ${file} and not shown again.`;
  return `
A root key pair was generated. ${fate}

  access key  ${accessKey}
  secret key  ${secretKey}

Try it:

  AWS_ACCESS_KEY_ID=${accessKey} AWS_SECRET_ACCESS_KEY=${secretKey} AWS_DEFAULT_REGION=${config.server.region} aws --endpoint-url ${endpoint} s3 mb s3://my-first-bucket

`;
}
