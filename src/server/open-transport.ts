/**
 * Chooses the transport: uWebSockets.js where its binary loads, `node:http` otherwise.
 *
 * @module
 */

import { NodeTransport } from './node-transport.js';
import type { Transport, TransportOptions } from './transport.js';
import { UwsTransport } from './uws-transport.js';

/** `auto` prefers uWebSockets.js; the other two insist. */
export type TransportChoice = 'auto' | 'uws' | 'node';

export interface OpenTransportOptions extends TransportOptions {
  readonly choice: TransportChoice;
  /** Told when `auto` had to fall back, with the reason. */
  readonly onWarning: (message: string) => void;
}

/**
 * Creates a transport that does not listen yet.
 *
 * @throws {Error} The choice is `uws` and no binary loads on this platform.
 */
export async function openTransport(options: OpenTransportOptions): Promise<Transport> {
  if (options.choice === 'node') return new NodeTransport(options);
  try {
    return await UwsTransport.open(options);
  } catch (cause) {
    const platform = `${process.platform} ${process.arch}, ABI ${process.versions.modules}`;
    if (options.choice === 'uws') {
      throw new Error(`Cannot load uWebSockets.js on ${platform}`, { cause });
    }
    const reason = cause instanceof Error ? cause.message : String(cause);
    options.onWarning(
      `uWebSockets.js does not load on ${platform}; serving with node:http, which is slower: ${reason}`,
    );
    return new NodeTransport(options);
  }
}
