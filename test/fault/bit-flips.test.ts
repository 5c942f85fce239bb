// Every flipped bit is noticed: on GET of the bytes it is in, and by verification, which is what the
// scrubber runs. Small size by default; `make fault` flips 1 KiB exhaustively and 10,000 at random.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { statSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';

import { SeededRandom } from '../support/random.js';
import { reportFigure } from '../support/reliability.js';
import {
  flipBit,
  IS_FULL_SIZE,
  startDamageableServer,
  type DamageableServer,
  type StoredBlob,
} from './damageable-server.js';

const SMALL_BYTES = IS_FULL_SIZE ? 1024 : 48;
const RANDOM_FLIPS = Number(process.env['S3ISH_BIT_FLIPS'] ?? (IS_FULL_SIZE ? 10_000 : 100));
const BLOCK_BYTES = 256 * 1024;
const LARGE_BYTES = 8 * BLOCK_BYTES + 4321;
/** Bytes on both sides of a flipped one that a range asks for. */
const NEIGHBOURS = 5;

describe('bit flips', () => {
  let damageable: DamageableServer;
  before(async () => {
    damageable = await startDamageableServer();
  });
  after(() => damageable.stop());

  async function stored(key: string, body: Buffer): Promise<StoredBlob> {
    await damageable.put(key, body);
    const [blob] = await damageable.blobsOf(key);
    assert(blob !== undefined);
    assert.deepEqual(await damageable.scrub(key), []);
    assert.equal(await damageable.read(key, body), 'exact');
    return blob;
  }

  test('GetObject and verification notice every flipped bit of a small data file', async () => {
    const body = randomBytes(SMALL_BYTES);
    const { dataFile } = await stored('small', body);
    for (let bit = 0; bit < SMALL_BYTES * 8; bit += 1) {
      const byte = bit >> 3;
      flipBit(dataFile, byte, bit & 7);
      assert.equal(await damageable.read('small', body), 'refused', `bit ${bit}, all of it`);
      const range = [byte, byte + 1] as const;
      assert.equal(await damageable.read('small', body, range), 'refused', `bit ${bit}, its byte`);
      assert.deepEqual(kindsOf(await damageable.scrub('small')), ['data'], `bit ${bit}, scrubbed`);
      flipBit(dataFile, byte, bit & 7);
    }
    assert.equal(await damageable.read('small', body), 'exact');
    assert.deepEqual(await damageable.scrub('small'), []);
    reportFigure('P-09', {
      what: 'every bit of a small data file, flipped',
      figure: `${SMALL_BYTES * 8} of ${SMALL_BYTES * 8} refused on GET of all and of the byte, and found by verification`,
      faultCount: SMALL_BYTES * 8,
    });
  });

  test('verification notices every flipped bit of a sidecar, and GetObject needs none', async () => {
    const body = randomBytes(SMALL_BYTES);
    const { sidecarFile } = await stored('sidecar', body);
    const sizeBytes = statSync(sidecarFile).size;
    for (let bit = 0; bit < sizeBytes * 8; bit += 1) {
      flipBit(sidecarFile, bit >> 3, bit & 7);
      assert.deepEqual(kindsOf(await damageable.scrub('sidecar')), ['sidecar'], `bit ${bit}`);
      if (bit % 997 === 0) assert.equal(await damageable.read('sidecar', body), 'exact');
      flipBit(sidecarFile, bit >> 3, bit & 7);
    }
    assert.deepEqual(await damageable.scrub('sidecar'), []);
    reportFigure('P-09', {
      what: 'every bit of a sidecar, flipped',
      figure: `${sizeBytes * 8} of ${sizeBytes * 8} found by verification`,
      faultCount: sizeBytes * 8,
    });
  });

  test('GetObject and verification notice random flips in a large data file', async () => {
    const random = new SeededRandom('S3ISH_BIT_FLIPS_SEED');
    const body = randomBytes(LARGE_BYTES);
    const { dataFile } = await stored('large', body);
    const outcomes = { refused: 0, cut: 0 };
    for (let count = 0; count < RANDOM_FLIPS; count += 1) {
      const byte = random.below(LARGE_BYTES);
      const bit = random.below(8);
      const what = `bit ${bit} of byte ${byte}, seed ${random.seed}`;
      flipBit(dataFile, byte, bit);
      const whole = await damageable.read('large', body);
      assert.notEqual(whole, 'exact', what);
      // Of the first block nothing may have been sent.
      if (byte < BLOCK_BYTES) assert.equal(whole, 'refused', what);
      if (whole !== 'exact') outcomes[whole] += 1;
      const start = Math.max(0, byte - NEIGHBOURS);
      const range = [start, Math.min(LARGE_BYTES, byte + NEIGHBOURS)] as const;
      assert.notEqual(await damageable.read('large', body, range), 'exact', what);
      assert.deepEqual(kindsOf(await damageable.scrub('large')), ['data'], what);
      flipBit(dataFile, byte, bit);
    }
    assert.equal(await damageable.read('large', body), 'exact');
    reportFigure('P-09', {
      what: 'random bits of a large data file, flipped',
      figure: `${RANDOM_FLIPS} of ${RANDOM_FLIPS} noticed: GET refused ${outcomes.refused} and cut ${outcomes.cut} answers, verification found all`,
      seed: random.seed,
      faultCount: RANDOM_FLIPS,
    });
  });
});

function kindsOf(damages: readonly { readonly kind: string }[]): string[] {
  return damages.map(({ kind }) => kind);
}
