/**
 * Kept connections to known processes of a server: which process answers is otherwise chance.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { Agent } from 'node:http';

import { rawRequest, type RawReply, type RawRequest } from './raw-request.js';
import type { TestServer } from './server.js';

/** A connection that one process accepted. */
export interface ProcessConnection {
  /** Incarnation of the process. */
  readonly process: string;
  /** One request after the other; fails when another process answers. */
  send(request: RawRequest): Promise<RawReply>;
  close(): void;
}

/** Connections tried for each one wanted: the kernel spreads them by chance. */
const TRIES_PER_CONNECTION = 50;

/** Opens `perProcess` connections to each of `processes` processes, grouped by process. */
export async function connectToProcesses(
  server: TestServer,
  processes: number,
  perProcess: number,
): Promise<ProcessConnection[][]> {
  const groups = new Map<string, ProcessConnection[]>();
  const isComplete = (): boolean =>
    groups.size === processes && [...groups.values()].every((group) => group.length === perProcess);
  for (let tries = processes * perProcess * TRIES_PER_CONNECTION; !isComplete(); tries -= 1) {
    assert(tries > 0, `connections reached ${groups.size} of ${processes} processes`);
    const connection = await connect(server);
    const group = groups.get(connection.process) ?? [];
    groups.set(connection.process, group);
    if (group.length < perProcess) group.push(connection);
    else connection.close();
  }
  return [...groups.values()];
}

async function connect(server: TestServer): Promise<ProcessConnection> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const send = (request: RawRequest): Promise<RawReply> =>
    rawRequest(server, { ...request, agent });
  const process = processOf(await send({ method: 'GET', path: '/' }));
  return {
    process,
    send: async (request) => {
      const reply = await send(request);
      assert.equal(processOf(reply), process, 'the connection was kept');
      return reply;
    },
    close: () => {
      agent.destroy();
    },
  };
}

function processOf({ headers }: RawReply): string {
  return String(headers['x-amz-id-2']);
}
