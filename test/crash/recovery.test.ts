// How soon a store with many objects serves again after kill -9, and that nothing at the start is
// done object by object.
//
// S3ISH_RECOVERY_OBJECTS sets the number of objects, S3ISH_RECOVERY_KILLS that of kills; CI takes
// 20,000 and 3.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { GetObjectCommand, ListObjectsV2Command, PutObjectCommand } from '@aws-sdk/client-s3';

import { createDirectory } from '#src/store/open-store.js';

import { FILLED_OBJECT_BYTES, fillStore } from '../support/filled-store.js';
import { reportFigure } from '../support/reliability.js';
import { withClient } from '../support/s3-client.js';
import { startServer, type TestServer } from '../support/server.js';

const OBJECTS = Number(process.env['S3ISH_RECOVERY_OBJECTS'] ?? 20_000);
const KILLS = Number(process.env['S3ISH_RECOVERY_KILLS'] ?? 3);
const FEW_OBJECTS = 1_000;
/** One object in so many lies in files of its own. */
const BLOB_SHARE = 20;
const BUCKET = 'recovery';
/** The promise says two seconds; a slow machine gets ten times as long. */
const SERVING_MS_MAX = 20_000;
const WRITERS = 4;
const LOAD_MS = 500;
/** What a start may read more of the index of many objects than of that of few. */
const INDEX_BYTES_MORE_MAX = 2 * 1024 * 1024;
/** Directory entries a start may look at. */
const DIRECTORY_READS_MAX = 200;

test(`a store of ${OBJECTS} objects serves soon after kill -9 (${KILLS} kills)`, async () => {
  const few = await recover(FEW_OBJECTS);
  const many = await recover(OBJECTS);
  assert(
    many.indexBytes <= few.indexBytes + INDEX_BYTES_MORE_MAX,
    `a start reads ${many.indexBytes} bytes of the index, and ${few.indexBytes} with few objects`,
  );
  const [longestMs = NaN] = many.servingMs.toSorted((one, other) => other - one);
  assert(longestMs <= SERVING_MS_MAX, `it took ${longestMs} ms`);
  reportFigure('P-35', {
    what: 'kill -9 of all processes under load, started again',
    figure:
      `${OBJECTS.toLocaleString('en')} objects, ${KILLS} kills: the first GET succeeded ` +
      `${median(many.servingMs)} ms after the start (median; longest ${longestMs}), with ` +
      `${FEW_OBJECTS.toLocaleString('en')} objects ${median(few.servingMs)} ms; of an index of ` +
      `${mib(many.fileBytes)} MiB each process had read ${mib(many.indexBytes)}`,
    faultCount: 2 * KILLS,
  });
});

const missing = spawnSync('strace', ['-V']).status === 0 ? undefined : 'there is no strace';
if (missing !== undefined) process.stderr.write(`NOT TESTED: what a start looks at: ${missing}\n`);

test(
  'a start looks at no more directories the more objects there are',
  {
    skip: missing === undefined ? false : `NOT TESTED: ${missing}`,
  },
  async () => {
    const directory = mkdtempSync(join(tmpdir(), 's3ish-recovery-'));
    try {
      const server = await filledServer(directory, FEW_OBJECTS, FEW_OBJECTS);
      await server.stop();
      const file = join(directory, 'calls');
      const tracer = join(directory, 'traced.mjs');
      // The whole tree, from the first instruction on.
      writeFileSync(tracer, tracingScript(file));
      const dataPath = join(directory, 'data');
      const traced = await startServer({ dataPath, mainFile: tracer });
      await traced.stop();
      const count = readFileSync(file, 'utf8').match(/getdents64\(/g)?.length ?? 0;
      assert(count > 0, 'nothing was traced');
      assert(count <= DIRECTORY_READS_MAX, `a start reads directories ${count} times`);
      reportFigure('P-35', {
        what: 'directories read by a start',
        figure: `${count} calls with ${FEW_OBJECTS.toLocaleString('en')} objects in files of their own`,
      });
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  },
);

/** A stand-in for the program that runs it under strace. */
function tracingScript(file: string): string {
  const main = JSON.stringify(new URL('../../../dist/main.js', import.meta.url).pathname);
  return `import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
const trace = ['-f', '-qq', '-e', 'trace=getdents64', '-o', ${JSON.stringify(file)}];
const child = spawn('strace', [...trace, process.execPath, ${main}, ...process.argv.slice(2)], {
  stdio: 'inherit',
});
child.on('exit', (code) => process.exit(code ?? 1));
// Told itself, strace would let go of the server and leave it behind.
process.on('SIGTERM', () => {
  const children = readFileSync('/proc/' + child.pid + '/task/' + child.pid + '/children', 'utf8');
  for (const pid of children.trim().split(' ')) process.kill(Number(pid), 'SIGTERM');
});
`;
}

interface Recovery {
  /** From the start to the first GET that succeeded, for each kill. */
  readonly servingMs: readonly number[];
  /** The most of the index that a server process had in memory by then. */
  readonly indexBytes: number;
  readonly fileBytes: number;
}

async function recover(count: number): Promise<Recovery> {
  const directory = mkdtempSync(join(tmpdir(), 's3ish-recovery-'));
  try {
    const server = await filledServer(directory, count, Math.ceil(count / BLOB_SHARE));
    try {
      return await killAndRestart(server, count);
    } finally {
      await server.stop();
    }
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

async function filledServer(
  directory: string,
  count: number,
  blobCount: number,
): Promise<TestServer> {
  const dataPath = join(directory, 'data');
  await createDirectory(dataPath);
  const place = { dataPath, bucket: BUCKET };
  await fillStore({ ...place, prefix: 'inline-', count: count - blobCount, isBlob: false });
  await fillStore({ ...place, prefix: 'blob-', count: blobCount, isBlob: true });
  return startServer({ dataPath, processes: 2 });
}

async function killAndRestart(server: TestServer, count: number): Promise<Recovery> {
  const servingMs: number[] = [];
  let indexBytes = 0;
  for (let kill = 0; kill < KILLS; kill += 1) {
    await killUnderLoad(server);
    const startedAt = performance.now();
    const restarted = server.restart();
    await withClient(server, async (client) => {
      for (;;) {
        const key = `blob-${1 + (kill % Math.ceil(count / BLOB_SHARE))}`;
        const get = client.send(new GetObjectCommand({ Bucket: BUCKET, Key: key }));
        const size = await get.then(
          async ({ Body }) => (await Body?.transformToByteArray())?.byteLength,
          () => undefined,
        );
        if (size !== undefined) {
          assert.equal(size, FILLED_OBJECT_BYTES);
          break;
        }
        assert(performance.now() - startedAt < SERVING_MS_MAX, 'the server does not come back');
        await sleep(5);
      }
      servingMs.push(Math.round(performance.now() - startedAt));
      await restarted;
      for (const pid of server.childPids('server')) {
        indexBytes = Math.max(indexBytes, indexBytesOf(pid));
      }
      const page = await client.send(new ListObjectsV2Command({ Bucket: BUCKET, MaxKeys: 5 }));
      assert.equal(page.Contents?.length, 5);
    });
  }
  const file = join(server.metadataPath, 'data.mdb');
  return { servingMs, indexBytes, fileBytes: statSync(file).size };
}

async function killUnderLoad(server: TestServer): Promise<void> {
  await withClient(server, async (client) => {
    let isKilled = false;
    const write = async (writer: number): Promise<void> => {
      for (let round = 0; !isKilled; round += 1) {
        const Key = `written-${writer}-${round}`;
        await client
          .send(new PutObjectCommand({ Bucket: BUCKET, Key, Body: Key }))
          .catch((error: unknown) => {
            if (!isKilled) throw error;
          });
      }
    };
    const writers = Array.from({ length: WRITERS }, (_, index) => write(index));
    await sleep(LOAD_MS);
    isKilled = true;
    await server.killAll();
    await Promise.all(writers);
  });
}

/** Pages of the index that a process has mapped: those it read, and a few the kernel added. */
function indexBytesOf(pid: number): number {
  const maps = readFileSync(`/proc/${pid}/smaps`, 'utf8');
  const mapping = /data\.mdb\n(?:[A-Z].*\n)*?Rss:\s+(\d+) kB/.exec(maps);
  assert(mapping !== null, 'the index is mapped into memory');
  return Number(mapping[1]) * 1024;
}

function mib(bytes: number): string {
  return (bytes / 1024 ** 2).toFixed(1);
}

function median(numbers: readonly number[]): number {
  return numbers.toSorted((one, other) => one - other)[Math.floor(numbers.length / 2)] ?? NaN;
}
