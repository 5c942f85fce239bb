// Every key is a register: eight clients on several connections each write, read, copy, append,
// rename, delete and list over all processes, on conditions and without, and for each key there is
// an order of all operations that explains every answer. Without crashes, and with kill -9 of one
// process or all of them in the middle.
//
// S3ISH_LINEAR_OPERATIONS sets how many operations are done (20,000), half of them with crashes;
// S3ISH_LINEAR_SEED repeats the choice of operations (what the processes make of it is theirs).

import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { after, before, describe, test, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { rawRequest } from '../support/raw-request.js';
import { reportFigure } from '../support/reliability.js';
import { startServer, waitFor, type TestServer } from '../support/server.js';
import { Clients, CLIENTS, CONNECTIONS_PER_CLIENT, Crash } from './clients.js';
import { Recorder } from './recorder.js';
import { BUCKET } from './works.js';

const OPERATIONS = Number(process.env['S3ISH_LINEAR_OPERATIONS'] ?? 20_000);
const SEED = Number(process.env['S3ISH_LINEAR_SEED'] ?? randomInt(2 ** 31));
const PROCESSES = 4;
/** The four that all clients meet at, and more for lists. */
const KEYS = [
  ...['a', 'a-b', 'a/b', 'b'],
  ...Array.from({ length: 6 }, (_, index) => `c/${index}`),
];
/** Operations between crashes; every fourth crash is one of all processes. */
const CRASH_EVERY = Math.max(1_000, OPERATIONS / 200);
const WHOLE_CRASH_EVERY = 4;

describe(`linearizable, ${PROCESSES} processes, seed ${SEED}`, () => {
  let server: TestServer;
  before(async () => {
    server = await startServer({
      processes: PROCESSES,
      settings: { log: { level: 'warn' }, storage: { sweep_interval_secs: 1 } },
    });
  });
  after(async () => {
    await server.stop();
  });

  async function start(): Promise<{ recorder: Recorder; clients: Clients }> {
    await rawRequest(server, { method: 'PUT', path: `/${BUCKET}` });
    for (const key of KEYS)
      await rawRequest(server, { method: 'DELETE', path: `/${BUCKET}/${key}` });
    const recorder = new Recorder(KEYS);
    return { recorder, clients: new Clients(server, recorder, randomOf(SEED)) };
  }

  /** Checks all that was recorded. @returns how much it was, in words. */
  function check(context: TestContext, recorder: Recorder, clients: Clients): string {
    const startedMs = performance.now();
    recorder.assertLinearizable();
    assert(clients.answers.size >= PROCESSES, 'every process answered');
    const answers = [...clients.answers.values()].reduce((sum, count) => sum + count, 0);
    context.diagnostic(
      `${answers} answers of ${clients.answers.size} processes; ${recorder.operationsCount} effects ` +
        `on ${KEYS.length} keys checked in ${Math.round(performance.now() - startedMs)} ms`,
    );
    return (
      `${clients.begunCount.toLocaleString('en')} operations of ${CLIENTS} clients on ` +
      `${CLIENTS * CONNECTIONS_PER_CLIENT} connections over ${PROCESSES} processes, 0 violations`
    );
  }

  test('every key is linearisable while all processes run', async (context) => {
    const { recorder, clients } = await start();
    await clients.run(OPERATIONS / 2);
    assert.equal(recorder.unansweredCount, 0);
    const figure = check(context, recorder, clients);
    reportFigure('P-22', { what: 'operations without crashes', figure, seed: SEED });
  });

  test('every key is linearisable while processes are killed', async (context) => {
    const { recorder, clients } = await start();
    const counts = { one: 0, all: 0 };
    const state = { isDone: false };
    const run = async (): Promise<void> => {
      let untilCount = OPERATIONS / 2;
      await clients.run(untilCount);
      // On a quick machine all may be done while the first process is still being replaced.
      while (counts.one === 0 || counts.all === 0) await clients.run((untilCount += CRASH_EVERY));
    };
    const ended = run().finally(() => {
      state.isDone = true;
    });
    // Handled below; the loop must not leave it alone meanwhile.
    ended.catch(() => undefined);
    for (let crash = 1; ; crash += 1) {
      const begun = clients.begunCount;
      while (!state.isDone && clients.begunCount < begun + CRASH_EVERY) await sleep(5);
      if (state.isDone) break;
      const isWhole = crash % WHOLE_CRASH_EVERY === 1;
      counts[isWhole ? 'all' : 'one'] += 1;
      await (isWhole ? killAll(clients) : killOne(clients));
    }
    await ended;
    assert(counts.one > 0 && counts.all > 0, 'there were crashes');
    const done = check(context, recorder, clients);
    reportFigure('P-22', {
      what: 'operations with crashes',
      figure:
        `${done}; kill -9 of one process ${counts.one} times and of all ${counts.all} times, ` +
        `${recorder.unansweredCount} writes without an answer`,
      ...{ seed: SEED, faultCount: counts.one + counts.all },
    });
  });

  async function killAll(clients: Clients): Promise<void> {
    await clients.during(new Crash(PROCESSES), () => server.killAll(), true);
    await server.restart();
    clients.crashIsOver();
  }

  async function killOne(clients: Clients): Promise<void> {
    const pids = server.childPids('server');
    const victim = pids[randomInt(pids.length)] ?? assert.fail('there is no process');
    const crash = new Crash(1);
    await clients.during(
      crash,
      async () => {
        process.kill(victim, 'SIGKILL');
        await waitFor('the killed process to be gone', () => !isRunning(victim));
      },
      false,
    );
    await waitFor('another in its place', async () => {
      const ready = await fetch(`${server.adminEndpoint}/_ready`).catch(() => undefined);
      return ready?.status === 200 && server.childPids('server').length === PROCESSES;
    });
    clients.crashIsOver();
  }
});

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

/** mulberry32: small numbers from a seed. */
function randomOf(seed: number): (limit: number) => number {
  let state = seed >>> 0;
  return (limit) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % limit;
  };
}
