// kill -9 of every process at random moments under mixed load: what was acknowledged is there
// afterwards, what was not is there as a whole or not at all, and nothing is left over.
//
// S3ISH_CRASH_ROUNDS sets the number of kills; CI runs 20.

import { test } from 'node:test';

import { startServer } from '../support/server.js';
import { logLines } from './log-lines.js';
import { CRASH_SETTINGS, runCrashRounds } from './rounds.js';

const ROUNDS = Number(process.env['S3ISH_CRASH_ROUNDS'] ?? 20);

test(`kill -9 of all processes loses no acknowledged write (${ROUNDS} kills)`, async (context) => {
  const server = await startServer({ processes: 2, settings: CRASH_SETTINGS });
  try {
    const acknowledgedCount = await runCrashRounds({
      server,
      count: ROUNDS,
      crash: () => server.killAll(),
      // A killed server answers nothing.
      isExplained: () => false,
      areMarksLost: false,
    });
    context.diagnostic(`${ROUNDS} kills, ${acknowledgedCount} acknowledged writes, 0 lost, 0 torn`);
  } catch (error) {
    context.diagnostic(logLines(server));
    throw error;
  } finally {
    await server.stop();
  }
});
