// Power cuts at random moments under mixed load, on ext4: index and payloads lie on file systems of
// their own, which lose everything that was not flushed, one shortly after the other.
//
// S3ISH_POWER_CUTS sets the number of cuts; CI runs 50. S3ISH_CRASH_SEED repeats
// what is asked for. Needs root and loop devices.

import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { SeededRandom } from '../support/random.js';
import { reportFigure } from '../support/reliability.js';
import { startServer } from '../support/server.js';
import { LoopVolume, whyNoLoopVolumes } from './loop-volume.js';
import { logLines } from './log-lines.js';
import { CRASH_SEED, CRASH_SETTINGS, runCrashRounds } from './rounds.js';

const CUTS = Number(process.env['S3ISH_POWER_CUTS'] ?? 50);
/** Between the ends of the two volumes. */
const STAGGER_MS_MAX = 50;

const reason = whyNoLoopVolumes();
const skip = reason === undefined ? false : `NOT TESTED: ${reason}`;

test(`a power cut loses no acknowledged write (${CUTS} cuts)`, { skip }, async (context) => {
  const random = new SeededRandom(CRASH_SEED);
  const directory = mkdtempSync(join(tmpdir(), 's3ish-power-'));
  const dataPath = join(directory, 'data');
  const metadataPath = join(dataPath, '.s3ish', 'metadata');
  const data = LoopVolume.create(join(directory, 'data.img'), dataPath);
  mkdirSync(metadataPath, { recursive: true });
  data.flush();
  const index = LoopVolume.create(join(directory, 'index.img'), metadataPath);

  const server = await startServer({ processes: 2, dataPath, settings: CRASH_SETTINGS });
  const cut = async (): Promise<() => Promise<void>> => {
    const volumes = random.fraction() < 0.5 ? [data, index] : [index, data];
    // The index is mounted below the payloads, so this is about files of both.
    data.writeBackSome(random);
    for (const volume of volumes) {
      volume.cutPower();
      await sleep(random.below(STAGGER_MS_MAX));
    }
    await server.killAll();
    await index.unmount();
    await data.unmount();
    data.mount();
    index.mount();
    return () => server.restart();
  };
  try {
    const acknowledgedCount = await runCrashRounds({
      server,
      count: CUTS,
      random,
      crash: cut,
      // A disk that is gone is a fault of the server; nothing else may be answered.
      isExplained: (status) => status >= 500,
      areMarksLost: true,
    });
    reportFigure('P-03', {
      what: 'index and data on ext4, cut one after the other',
      figure: `${CUTS} cuts, ${acknowledgedCount} acknowledged writes, 0 lost, 0 torn`,
      faultCount: CUTS,
      seed: random.seed,
    });
    reportFigure('P-23', {
      what: 'values read under load just before a power cut',
      figure: `${CUTS} cuts, 0 values that had been read were gone`,
      faultCount: CUTS,
      seed: random.seed,
    });
    reportFigure('P-28', {
      what: 'fsck after power cuts',
      figure: `${CUTS} cuts, the store looked at before each restart, 0 findings`,
      faultCount: CUTS,
      seed: random.seed,
    });
  } catch (error) {
    context.diagnostic(logLines(server));
    throw error;
  } finally {
    await server.stop();
    await index.unmount();
    await data.unmount();
    rmSync(directory, { recursive: true });
  }
});

test(
  'a power cut loses what was not flushed, or the test above proves nothing',
  { skip },
  async () => {
    const directory = mkdtempSync(join(tmpdir(), 's3ish-power-'));
    const mountPath = join(directory, 'volume');
    const volume = LoopVolume.create(join(directory, 'volume.img'), mountPath);
    try {
      volume.writeFile('flushed', true);
      volume.writeFile('unflushed', false);
      volume.cutPower();
      await volume.unmount();
      volume.mount();
      assert.deepEqual(volume.fileNames(), ['flushed']);
    } finally {
      await volume.unmount();
      rmSync(directory, { recursive: true });
    }
  },
);
