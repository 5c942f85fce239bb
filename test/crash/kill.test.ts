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

test(`kill -9 loses no acknowledged write (${ROUNDS} kills)`, async (context) => {
  const random = new SeededRandom(CRASH_SEED);
  const server = await startServer({ processes: 2, settings: CRASH_SETTINGS });
  try {
    const acknowledgedCount = await runCrashRounds({
      server,
      count: ROUNDS,
      crash: () => (random.fraction() < 0.25 ? killOne(server, random) : killAll(server)),
      random,
      // A killed server answers nothing.
      isExplained: () => false,
      areMarksLost: false,
    });
    reportFigure('P-01', {
      what: 'kills at random moments under mixed load',
      figure: `${ROUNDS} kills, ${acknowledgedCount} acknowledged writes, 0 lost, 0 torn`,
      faultCount: ROUNDS,
      seed: random.seed,
    });
    reportFigure('P-28', {
      what: 'fsck after kills',
      figure: `${ROUNDS} kills, the store looked at before each restart, 0 findings`,
      faultCount: ROUNDS,
      seed: random.seed,
    });
  } catch (error) {
    context.diagnostic(logLines(server));
    throw error;
  } finally {
    await server.stop();
  }
});

async function killAll(server: TestServer): Promise<() => Promise<void>> {
  await server.killAll();
  return () => server.restart();
}

/** The others go on, and so does what they are asked. */
async function killOne(server: TestServer, random: SeededRandom): Promise<() => Promise<void>> {
  const pids = server.childPids('server');
  const victim = random.oneOf(pids);
  process.kill(victim, 'SIGKILL');
  await waitFor('the victim to be gone', () => !isAlive(victim));
  return () =>
    waitFor('a replacement', async () => {
      if (server.childPids('server').length < pids.length) return false;
      return (await fetch(`${server.adminEndpoint}/_ready`)).status === 200;
    });
}
