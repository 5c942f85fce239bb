/**
 * One figure of a running server.
 *
 * @module
 */

import type { TestServer } from './server.js';

/** @param name - with labels, as Prometheus reads it. NaN when there is none. */
export async function metric(server: TestServer, name: string): Promise<number> {
  const text = await (await fetch(`${server.adminEndpoint}/_metrics`)).text();
  const line = text.split('\n').find((one) => one.startsWith(`${name} `));
  return line === undefined ? NaN : Number(line.slice(name.length + 1));
}
