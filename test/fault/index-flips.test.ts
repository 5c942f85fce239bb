// Random bits of the index, flipped while nothing runs. LMDB keeps no checksums of its pages, so what
// is promised is less than for payloads: no wrong bytes and no object under a wrong key, ever; what
// start, reads and verification notice of the rest is measured.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { cpSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import test from 'node:test';
import { fileURLToPath } from 'node:url';

import { bumpEpoch, openStore, type OpenStore } from '#src/store/open-store.js';

import { SeededRandom } from '../support/random.js';
import { reportFigure } from '../support/reliability.js';
import { IS_FULL_SIZE } from './damageable-server.js';
import { CONTROL, type FlipOutcome } from './index-probe.js';

const FLIPS = Number(process.env['S3ISH_INDEX_FLIPS'] ?? (IS_FULL_SIZE ? 5000 : 150));
const PROBE = fileURLToPath(new URL('index-probe.js', import.meta.url));
const BUCKET = 'bucket';
const SIZES = [0, 1, 100, 1500, 4000, 4097, 9000];
const COUNT = 120;
/** Far more than any probe takes. */
const SILENT_MS_MAX = 60_000;
const KEY_FLIPS_MAX = IS_FULL_SIZE ? 1000 : 60;

test('a flipped bit of the index leads to no wrong bytes and no object of a wrong key', async (context) => {
  const directory = mkdtempSync(join(tmpdir(), 's3ish-index-'));
  context.after(() => rmSync(directory, { recursive: true, force: true }));
  await fill(directory);
  const random = new SeededRandom('S3ISH_INDEX_FLIPS_SEED');
  const sizeBytes = statSync(join(directory, 'pristine/data.mdb')).size;
  const anywhere = Array.from(
    { length: FLIPS },
    () => `${random.below(sizeBytes)}.${random.below(8)}`,
  );
  const flips = [...anywhere, ...flipsOfKeys(directory)];

  for await (const { outcome } of probe(directory, [CONTROL])) {
    const nothing = { refused: undefined, faults: 0, missing: 0, wrong: [], scrubbed: [] };
    assert.deepEqual(
      { refused: undefined, ...outcome },
      nothing,
      'nothing is found without a flip',
    );
  }
  const seen = { crashed: 0, refused: 0, read: 0, scrubbed: 0, lost: 0, harmless: 0 };
  const problems: string[] = [];
  for (let done = 0; done < flips.length;) {
    for await (const { flip, outcome, end } of probe(directory, flips.slice(done))) {
      done += 1;
      if (outcome === undefined) {
        seen.crashed += 1;
        context.diagnostic(`bit ${flip} ended the process: ${end}`);
        continue;
      }
      for (const what of outcome.wrong) problems.push(`bit ${flip}: ${what}`);
      if (outcome.refused !== undefined) seen.refused += 1;
      else if (outcome.faults > 0) seen.read += 1;
      else if (outcome.scrubbed.length > 0) seen.scrubbed += 1;
      else if (outcome.missing > 0) {
        seen.lost += 1;
        context.diagnostic(`bit ${flip}: ${outcome.missing} missing`);
      } else seen.harmless += 1;
    }
  }
  context.diagnostic(JSON.stringify(seen));
  assert.deepEqual(problems, [], `seed ${random.seed}`);
  assert.equal(seen.lost, 0, 'what is missing is noticed');
  reportFigure('P-09', {
    what: 'random bits of the index, flipped while stopped',
    figure:
      `${flips.length} flips, ${FLIPS} anywhere and the others in keys: 0 wrong bytes, 0 objects under a wrong key: ${seen.refused} refused at the start, ` +
      `${seen.crashed} ended or hung the process, ${seen.read} noticed by reads, ${seen.scrubbed} by verification only, ` +
      `${seen.harmless} without effect`,
    seed: random.seed,
    faultCount: flips.length,
  });
});

/** A bit in the last byte of names: `object-16` becomes `object-17`, wherever it is written. */
function flipsOfKeys(directory: string): string[] {
  const bytes = readFileSync(join(directory, 'pristine/data.mdb'));
  const flips: string[] = [];
  const name = 'object-1';
  for (let at = bytes.indexOf(name); at >= 0; at = bytes.indexOf(name, at + 1)) {
    flips.push(`${at + name.length}.0`);
  }
  assert(flips.length > 0, 'keys are found in the file');
  return flips.slice(0, KEY_FLIPS_MAX);
}

/** Objects of all placements, replaced ones, parts of an upload: something in every table. */
async function fill(directory: string): Promise<void> {
  const metadataPath = join(directory, 'metadata');
  const epoch = await bumpEpoch(metadataPath, false);
  const store = await openStore({
    ...{ backend: 'file', basePath: join(directory, 'data'), metadataPath },
    ...{ isFsyncEnabled: false, inlineBytesMax: 4096, incarnation: 'filler', epoch },
  });
  await store.createBucket({ bucket: BUCKET, account: 'main', region: 'us-east-1' });
  const expected: Record<string, string> = {};
  for (let index = 0; index < COUNT; index += 1) {
    const body = randomBytes(SIZES[index % SIZES.length] ?? 0);
    const key = `folder-${index % 5}/object-${index}`;
    if (index % 3 === 0) await put(store, key, randomBytes(50));
    await put(store, key, body);
    expected[key] = body.toString('hex');
  }
  await store.close();
  writeFileSync(join(directory, 'expected.json'), JSON.stringify(expected));
  cpSync(join(metadataPath, 'data.mdb'), join(directory, 'pristine/data.mdb'), { recursive: true });
}

async function put(store: OpenStore, key: string, body: Buffer): Promise<void> {
  store.refresh();
  await using staged = await store.stageObject({ bucket: BUCKET, key, sizeBytes: body.length });
  await staged.write(Uint8Array.from(body));
  const etag = createHash('md5').update(body).digest('hex');
  const attributes = { contentType: 'text/plain', userMetadata: { name: key } };
  await staged.commit({ etag, checksum: undefined, attributes, tags: [], conditions: {} });
}

interface Probed {
  readonly flip: string;
  /** Undefined when the process ended. */
  readonly outcome: FlipOutcome | undefined;
  readonly end: string;
}

/** Tries flips until all are done or one ends the process. */
async function* probe(directory: string, flips: readonly string[]): AsyncGenerator<Probed> {
  // Few enough for a command line.
  const args = [PROBE, directory, ...flips.slice(0, 500)];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = new Promise<string>((resolve) => {
    child.once('exit', (code, signal) => resolve(signal ?? `exit code ${code}`));
  });
  // LMDB can go round in circles on a damaged free list. In a server the heartbeat ends that.
  const watch = setTimeout(() => child.kill('SIGKILL'), SILENT_MS_MAX);
  let flip: string | undefined;
  for await (const line of createInterface({ input: child.stdout })) {
    watch.refresh();
    if (line.startsWith('begin ')) flip = line.slice('begin '.length);
    else if (line.startsWith('{') && flip !== undefined) {
      yield { flip, outcome: JSON.parse(line) as FlipOutcome, end: '' };
      flip = undefined;
    }
  }
  const end = await ended;
  clearTimeout(watch);
  if (flip !== undefined) yield { flip, outcome: undefined, end };
  else assert.equal(end, 'exit code 0');
}
