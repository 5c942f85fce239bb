// kill -9 of every process, or of one server process, at random moments under mixed load: what was acknowledged is there
// afterwards, what was not is there as a whole or not at all, and nothing is left over.
//
// S3ISH_CRASH_ROUNDS sets the number of kills; CI runs 50. S3ISH_CRASH_SEED repeats what is asked for.

import { test } from 'node:test';

import { SeededRandom } from '../support/random.js';
import { reportFigure } from '../support/reliability.js';
import { isAlive, startServer, waitFor, type TestServer } from '../support/server.js';
import { logLines } from './log-lines.js';
import { CRASH_SEED, CRASH_SETTINGS, runCrashRounds } from './rounds.js';

const ROUNDS = Number(process.env['S3ISH_CRASH_ROUNDS'] ?? 50);

/** Of the rounds a half each: server processes write the index by themselves, or a writer for all. */
for (const indexWriter of ['each', 'process']) {
  const count = Math.ceil(ROUNDS / 2);
  test(`kill -9 loses no acknowledged write (${count} kills, index_writer = ${indexWriter})`, async (context) => {
    const random = new SeededRandom(CRASH_SEED);
    const settings = { ...CRASH_SETTINGS, cluster: { index_writer: indexWriter } };
    const server = await startServer({ processes: 2, settings });
    let isWriterKilled = false;
    const crash = (): Promise<() => Promise<void>> => {
      const chance = random.fraction();
      isWriterKilled = chance < 0.25 && indexWriter === 'process';
      if (isWriterKilled) return killOne(server, 'writer', random);
      return chance < 0.5 ? killOne(server, 'server', random) : killAll(server);
    };
    try {
      const acknowledgedCount = await runCrashRounds({
        ...{ server, count, crash, random },
        // A killed server answers nothing. Without a writer nobody knows whether a write was done.
        isExplained: (status) => isWriterKilled && status >= 500,
        areMarksLost: false,
      });
      reportFigure('P-01', {
        what: `kills at random moments under mixed load, index_writer = ${indexWriter}`,
        figure: `${count} kills, ${acknowledgedCount} acknowledged writes, 0 lost, 0 torn`,
        faultCount: count,
        seed: random.seed,
      });
      reportFigure('P-28', {
        what: `fsck after kills, index_writer = ${indexWriter}`,
        figure: `${count} kills, the store looked at before each restart, 0 findings`,
        faultCount: count,
        seed: random.seed,
      });
    } catch (error) {
      context.diagnostic(logLines(server));
      throw error;
    } finally {
      await server.stop();
    }
  });
}

async function killAll(server: TestServer): Promise<() => Promise<void>> {
  await server.killAll();
  return () => server.restart();
}

/** The others go on, and so does what they are asked. */
async function killOne(
  server: TestServer,
  name: 'server' | 'writer',
  random: SeededRandom,
): Promise<() => Promise<void>> {
  const pids = server.childPids(name);
  const victim = random.oneOf(pids);
  process.kill(victim, 'SIGKILL');
  await waitFor('the victim to be gone', () => !isAlive(victim));
  return () =>
    waitFor('a replacement', async () => {
      if (server.childPids(name).length < pids.length) return false;
      return (await fetch(`${server.adminEndpoint}/_ready`)).status === 200;
    });
}
