// One server process that dies, under load and at its start, while the others go on.
//
// S3ISH_PROCESS_KILLS sets the number of kills under load; CI runs 12.

import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { CreateBucketCommand, GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';

import { reportFigure } from '../support/reliability.js';
import { s3Client } from '../support/s3-client.js';
import { isAlive, startServer, waitFor, type TestServer } from '../support/server.js';

const KILLS = Number(process.env['S3ISH_PROCESS_KILLS'] ?? 12);
const BUCKET = 'process-faults';
const CLIENTS = 8;
/** Shorter lives are followed by longer pauses. */
const HEALTHY_LIFE_MS = 5_000;

/** A client with one connection, which one process serves for as long as it lasts. */
class Writer {
  readonly key: string;
  /** Names the process that answered last; undefined before the first answer of a connection. */
  process: string | undefined;
  /** Processes whose connections broke since the last look. */
  broken: (string | undefined)[] = [];
  #acknowledged = '';
  #attempted = '';
  readonly #client: ReturnType<typeof s3Client>;

  constructor(server: TestServer, index: number) {
    this.key = `key-${index}`;
    this.#client = s3Client(server);
  }

  async write(text: string): Promise<void> {
    this.#attempted = text;
    try {
      const put = new PutObjectCommand({ Bucket: BUCKET, Key: this.key, Body: text });
      const { $metadata } = await this.#client.send(put);
      this.process = $metadata.extendedRequestId;
      this.#acknowledged = text;
    } catch {
      this.broken.push(this.process);
      this.process = undefined;
    }
  }

  async verify(): Promise<void> {
    const { Body } = await this.#client.send(
      new GetObjectCommand({ Bucket: BUCKET, Key: this.key }),
    );
    const text = await Body?.transformToString();
    assert([this.#acknowledged, this.#attempted].includes(text ?? ''), `${this.key} is kept`);
  }

  close(): void {
    this.#client.destroy();
  }
}

test(`kill -9 of one server process hurts only its own connections (${KILLS} kills)`, async (context) => {
  const server = await startServer({ processes: 4 });
  context.after(() => server.stop());
  const owner = s3Client(server);
  await owner.send(new CreateBucketCommand({ Bucket: BUCKET }));
  owner.destroy();
  const writers = Array.from({ length: CLIENTS }, (_, index) => new Writer(server, index));
  let isDone = false;
  const load = writers.map(async (writer) => {
    for (let count = 0; !isDone; count += 1) {
      await writer.write(`${writer.key} ${count}`);
      // Others shall have a chance, also on a machine with one core.
      await sleep(5);
    }
  });
  const seenMs = new Map<number, number>();
  const backMs: number[] = [];
  let brokenCount = 0;
  try {
    for (let kills = 0; kills < KILLS; kills += 1) {
      const pids = server.childPids('server');
      for (const pid of pids) seenMs.set(pid, seenMs.get(pid) ?? performance.now());
      const age = (pid: number): number => performance.now() - (seenMs.get(pid) ?? 0);
      const [victim = 0] = pids.sort((one, other) => age(other) - age(one));
      await sleep(Math.max(50, HEALTHY_LIFE_MS - age(victim)));
      for (const writer of writers) writer.broken = [];
      const killedMs = performance.now();
      process.kill(victim, 'SIGKILL');
      await waitFor('a replacement', async () => {
        if (isAlive(victim) || server.childPids('server').length < 4) return false;
        return (await fetch(`${server.adminEndpoint}/_ready`)).status === 200;
      });
      backMs.push(performance.now() - killedMs);
      const broken = writers.flatMap((writer) => writer.broken);
      brokenCount += broken.length;
      // A connection that was waiting to be accepted by the victim belongs to nobody yet.
      const owners = new Set(broken.filter((name) => name !== undefined));
      assert(owners.size <= 1, `connections of several processes broke: ${[...owners].join(' ')}`);
    }
  } finally {
    isDone = true;
    await Promise.all(load);
  }
  for (const writer of writers) await writer.verify();
  for (const writer of writers) writer.close();
  backMs.sort((one, other) => one - other);
  const p99 = backMs[Math.floor(backMs.length * 0.99)] ?? 0;
  reportFigure('P-02', {
    what: 'kills of one of four server processes under load',
    figure: `${KILLS} kills, ${brokenCount} requests failed, all on connections of the killed process; its replacement accepted within ${(p99 / 1000).toFixed(1)} s (p99)`,
    faultCount: KILLS,
  });
});

test('a process that dies at its start is tried again in longer and longer pauses', async (context) => {
  const directory = mkdtempSync(join(tmpdir(), 's3ish-fault-'));
  const [fault, flag] = [join(directory, 'fault.cjs'), join(directory, 'flag')];
  const isVictim = `process.argv.includes('server-1') && require('node:fs').existsSync('${flag}')`;
  writeFileSync(fault, `if (${isVictim}) process.exit(7);`);
  const server = await startServer({
    processes: 4,
    env: { NODE_OPTIONS: `--require ${fault}` },
  });
  context.after(async () => {
    await server.stop();
    rmSync(directory, { recursive: true });
  });
  const health = async () => (await fetch(`${server.adminEndpoint}/_health`)).status;
  assert.equal(await health(), 200);
  writeFileSync(flag, '');
  const victim = server
    .childPids('server')
    .find((pid) => /\bserver-1\b/.test(readFileSync(`/proc/${pid}/cmdline`, 'utf8')));
  assert(victim !== undefined);
  process.kill(victim, 'SIGABRT');
  // Until it is gone its connections are, and new ones may still be given to it.
  await waitFor('the process to be gone', () => !isAlive(victim));
  const client = s3Client(server);
  await client.send(new CreateBucketCommand({ Bucket: BUCKET }));
  await waitFor('health to turn red', async () => {
    await client.send(new PutObjectCommand({ Bucket: BUCKET, Key: 'key', Body: 'others serve' }));
    return (await health()) === 503;
  });
  const delays = [...server.output().matchAll(/"delayMs":(\d+)/g)].map(([, ms]) => Number(ms));
  client.destroy();
  const first = delays[0] ?? 0;
  assert(delays.length >= 4, 'the kill and three failed starts');
  for (const [index, delay] of delays.entries()) {
    assert.equal(delay, Math.min(first * 2 ** index, 10_000));
  }
  rmSync(flag);
  await waitFor('it to start after all', async () => (await health()) === 200);
  reportFigure('P-14', {
    what: 'a server process that exits at its start',
    figure: `tried again after ${delays.join(', ')} ms; health red after three, green again after the first start; the others served throughout`,
    faultCount: delays.length,
  });
});
