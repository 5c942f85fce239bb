// kill -9 at exact points: just before the Nth system call that changes the store, or that answers,
// for every write path, N = 1, 2, 3 ... until the work is done. What was acknowledged is there,
// what was not is there as a whole or not at all, and nothing is left over.
//
// S3ISH_KILL_POINTS sets how many points of each path are tried, spread over all with a random
// offset (S3ISH_KILL_SEED); `all` tries each, once with one process killed and once with all.

import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { after, before, describe, test } from 'node:test';

import { CreateBucketCommand } from '@aws-sdk/client-s3';

import { CallShim, whyNoCallShim } from '../support/call-shim.js';
import { reportFigure } from '../support/reliability.js';
import { withClient } from '../support/s3-client.js';
import { startServer, type TestServer } from '../support/server.js';
import { strike } from './kill-points.js';
import { WORKS, type Bench, type Work } from './kill-works.js';
import { Ledger } from './ledger.js';
import { BUCKET } from './load.js';
import { logLines } from './log-lines.js';
import { CRASH_SETTINGS } from './rounds.js';
import { assertNothingLeftOver, verify } from './verify.js';

const POINTS = process.env['S3ISH_KILL_POINTS'] ?? '1';
const SEED = Number(process.env['S3ISH_KILL_SEED'] ?? randomInt(1_000_000));
/** Further than any work gets. */
const NEVER = 1_000_000;

const reason = whyNoCallShim();
if (reason !== undefined) {
  process.stderr.write(`NOT TESTED: kills at exact points: ${reason}\n`);
}
const skip = reason === undefined ? false : `NOT TESTED: ${reason}`;

describe(`kill -9 at exact points (${POINTS} of each path, seed ${SEED})`, { skip }, () => {
  let shim: CallShim;
  let server: TestServer;
  const ledger = new Ledger();
  let killCount = 0;
  before(async () => {
    shim = CallShim.compile();
    const limits = { min_part_size_mb: 0 };
    const settings = { ...CRASH_SETTINGS, limits };
    server = await startServer({ settings, env: shim.environment });
    await withClient(server, (client) => client.send(new CreateBucketCommand({ Bucket: BUCKET })));
  });
  after(async () => {
    await server.stop();
    shim.remove();
  });

  const strikeAt = (work: Work, point: number, isWhole: boolean) =>
    withClient(server, async (client) => {
      const bench: Bench = { server, shim, client, ledger };
      const act = await work.prepare(bench);
      const victim = work.victim ?? 'server';
      return strike(server, shim, { victim, isWhole, point }, act);
    });

  for (const [index, work] of WORKS.entries()) {
    test(`${work.name} is whole or absent wherever a kill comes`, async (context) => {
      try {
        const { callsCount } = await strikeAt(work, NEVER, false);
        assert(callsCount > 2, 'the work writes something and answers');
        for (const { point, isWhole } of strikesOf(callsCount, SEED + index)) {
          const { call } = await strikeAt(work, point, isWhole);
          // A count can differ by a few: directories may be there already.
          if (call === undefined) continue;
          killCount += 1;
          await withClient(server, (client) => verify(server, client, ledger)).catch(
            (error: unknown) => {
              const where = `point ${point} of ${callsCount}, ${call}, all: ${isWhole}`;
              throw new Error(`After a kill at ${where}`, { cause: error });
            },
          );
        }
        context.diagnostic(`${callsCount} points`);
      } catch (error) {
        context.diagnostic(logLines(server));
        throw error;
      }
    });
  }

  test('nothing is left over once all is deleted', async () => {
    assert(killCount >= WORKS.length / 2, 'kills came');
    await withClient(server, (client) => assertNothingLeftOver(server, client, ledger, false));
    reportFigure('P-01', {
      what: 'kills at exact system calls of every write path',
      figure: `${killCount} kills in ${WORKS.length} write paths, 0 lost, 0 torn, 0 left over`,
      seed: String(SEED),
      faultCount: killCount,
    });
  });
});

/** Which points are tried, and whether all processes end there. */
function strikesOf(callsCount: number, seed: number): { point: number; isWhole: boolean }[] {
  const all = Array.from({ length: callsCount }, (_, index) => index + 1);
  if (POINTS === 'all') {
    return all.flatMap((point) => [
      { point, isWhole: false },
      // Everything starts anew, which also ends the pauses between starts of one process.
      { point, isWhole: true },
    ]);
  }
  const count = Math.min(Number(POINTS), callsCount);
  return Array.from({ length: count }, (_, index) => ({
    point: 1 + ((seed + Math.floor((index * callsCount) / count)) % callsCount),
    isWhole: (seed + index) % 2 === 0,
  }));
}
