// What a reader sees has been flushed: the process that writes is stopped before each system call
// of its commit, and another process is asked meanwhile. A power cut at that moment would take
// whatever the stopped call and those after it have yet to make durable.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { CallShim, whyNoCallShim } from '../support/call-shim.js';
import { connectToProcesses, type ProcessConnection } from '../support/process-connections.js';
import { reportFigure } from '../support/reliability.js';
import { startServer, waitFor, type TestServer } from '../support/server.js';
import { logLines } from './log-lines.js';

const PATH = '/visible/key';
const NEVER = 1_000_000;

const reason = whyNoCallShim();
const skip = reason === undefined ? false : `NOT TESTED: ${reason}`;
if (reason !== undefined) {
  process.stderr.write(`NOT TESTED: what is visible before it is durable: ${reason}\n`);
}

test('no value is visible while a step of its commit is to come', { skip }, async (context) => {
  const shim = CallShim.compile();
  const server = await startServer({ processes: 2, env: shim.environment });
  const connections = (await connectToProcesses(server, 2, 1)).flat();
  try {
    const { writer, reader, pid } = await tellApart(server, shim, connections);
    const stops: string[] = [];
    for (let point = 1; ; point += 1) {
      const call = await stopAt({ server, shim, writer, reader, pid }, point);
      if (call === undefined) break;
      stops.push(call.split(' ')[0] ?? '');
    }
    const heldUp = stops.filter((call) => call !== 'answer');
    assert(stops.includes('fdatasync'), `the flush is among ${stops.join(', ')}`);
    assert(stops.filter((call) => call === 'write').length >= 2, 'pages and the meta page');
    reportFigure('P-23', {
      what: 'another process asked while a commit is held up before each of its system calls',
      figure: `${heldUp.length} calls, the value before it in each answer`,
      faultCount: heldUp.length,
    });
  } catch (error) {
    context.diagnostic(logLines(server));
    throw error;
  } finally {
    for (const connection of connections) connection.close();
    await server.stop();
    shim.remove();
  }
});

interface Parts {
  readonly server: TestServer;
  readonly shim: CallShim;
  readonly writer: ProcessConnection;
  readonly reader: ProcessConnection;
  /** Of the process that `writer` is connected to. */
  readonly pid: number;
}

/** Which connection belongs to the first process: the one whose write the shim counts. */
async function tellApart(
  server: TestServer,
  shim: CallShim,
  [first, second]: readonly ProcessConnection[],
): Promise<Pick<Parts, 'writer' | 'reader' | 'pid'>> {
  const [pid] = server.childPids('server');
  assert(pid !== undefined && first !== undefined && second !== undefined);
  assert.equal((await first.send({ method: 'PUT', path: '/visible' })).status, 200);
  shim.arm({ pid, signal: 'SIGSTOP', point: NEVER, path: indexFile(server) });
  assert.equal((await first.send({ method: 'PUT', path: PATH, body: 'before' })).status, 200);
  const isFirst = shim.seenCount() > 0;
  shim.disarm();
  return isFirst ? { writer: first, reader: second, pid } : { writer: second, reader: first, pid };
}

/** @returns the call before which the writer was stopped; undefined when it has fewer. */
async function stopAt(parts: Parts, point: number): Promise<string | undefined> {
  const { server, shim, writer, reader, pid } = parts;
  const before = (await reader.send({ method: 'GET', path: PATH })).text;
  const value = `value ${point}`;
  shim.arm({ pid, signal: 'SIGSTOP', point, path: indexFile(server) });
  const progress = { isAnswered: false };
  const written = writer.send({ method: 'PUT', path: PATH, body: value });
  const answered = written.finally(() => (progress.isAnswered = true));
  // A failure below closes the connection.
  answered.catch(() => undefined);
  try {
    await waitFor('a stop or an answer', () => progress.isAnswered || shim.fired() !== undefined);
    const seen = (await reader.send({ method: 'GET', path: PATH })).text;
    const call = shim.fired() ?? 'the next request';
    // Before the answer leaves, everything has been done.
    const isDurable = progress.isAnswered || call.startsWith('answer');
    assert.equal(seen, isDurable ? value : before, `what is seen before ${call}`);
  } finally {
    shim.disarm();
    process.kill(pid, 'SIGCONT');
  }
  assert.equal((await answered).status, 200);
  assert.equal((await reader.send({ method: 'GET', path: PATH })).text, value);
  return shim.fired();
}

function indexFile({ dataPath }: TestServer): string {
  return `${dataPath}/.s3ish/metadata/data.mdb`;
}
