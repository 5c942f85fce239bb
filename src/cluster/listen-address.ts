/**
 * Checks the address of the S3 endpoint before any server process tries it.
 *
 * Server processes listen with SO_REUSEPORT, which would happily share the port with a stranger
 * that set the same option. A bind without it fails unless the port is really free.
 *
 * @module
 */

import { createServer } from 'node:net';

import { formatAddress, type Address } from '../util/address.js';
import { StartError } from './start-error.js';

/**
 * Binds and releases the address.
 *
 * @returns it with its port: the one found free where 0 was asked for.
 * @throws {StartError} when it is taken or not ours.
 */
export async function probeAddress(address: Address): Promise<Address> {
  const server = createServer();
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen({ host: address.host, port: address.port, exclusive: true }, resolve);
    });
  } catch (error) {
    throw listenError(address, error);
  }
  const bound = server.address();
  await new Promise((resolve) => server.close(resolve));
  const port = typeof bound === 'object' && bound !== null ? bound.port : address.port;
  return { host: address.host, port };
}

/** The failure of a listen call in an operator's words. */
export function listenError(address: Address, error: unknown): StartError {
  const place = formatAddress(address);
  const { code } = error as NodeJS.ErrnoException;
  const reason =
    code === 'EADDRINUSE'
      ? 'another program listens there already'
      : code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND'
        ? 'it is not an address of this machine'
        : code === 'EACCES'
          ? 'the port needs a privilege; take one above 1023'
          : (error as Error).message;
  return new StartError(`Cannot listen on ${place}: ${reason}`, { cause: error });
}
