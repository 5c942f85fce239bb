// Renames and appends that race over processes: one winner, nothing lost, and no moment in which a
// renamed object is seen twice or not at all.
//
// S3ISH_CONSISTENCY_TRIES sets how much is tried (2,000 unless told).

import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, beforeEach, describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';

import { checksumOf } from '#src/s3/checksums.js';

import { connectToProcesses, type ProcessConnection } from '../support/process-connections.js';
import { elementTexts, type RawReply } from '../support/raw-request.js';
import { startServer, type TestServer } from '../support/server.js';

const TRIES = Number(process.env['S3ISH_CONSISTENCY_TRIES'] ?? 2_000);
const PROCESSES = 2;
const RACERS_PER_PROCESS = 4;
const ROUNDS = Math.ceil(TRIES / 200);
/** Sizes of what is appended: within the inline limit of 32 KiB, and a file each. */
const SIZES = [100, 20_000, 40_000];
const SWEEP_MS_MAX = 60_000;

describe(`${PROCESSES} server processes`, () => {
  let server: TestServer;
  let racers: ProcessConnection[] = [];

  before(async () => {
    server = await startServer({
      processes: PROCESSES,
      settings: { log: { level: 'warn' }, storage: { sweep_interval_secs: 1 } },
    });
    racers = (await connectToProcesses(server, PROCESSES, RACERS_PER_PROCESS)).flat();
    await send(0, 'PUT', '/races');
  });
  // Anew for each test: the server closes those that the one before left idle for 10 s.
  beforeEach(async () => {
    for (const racer of racers) racer.close();
    racers = (await connectToProcesses(server, PROCESSES, RACERS_PER_PROCESS)).flat();
  });
  after(async () => {
    for (const racer of racers) racer.close();
    await server.stop();
  });

  function send(
    racer: number,
    method: string,
    path: string,
    more: { headers?: Record<string, string>; body?: string | Buffer; query?: string } = {},
  ): Promise<RawReply> {
    const connection = racers[racer % racers.length];
    assert(connection !== undefined);
    return connection.send({ method, path, ...more });
  }

  function append(racer: number, path: string, offset: number, body: Buffer): Promise<RawReply> {
    const headers = { 'x-amz-write-offset-bytes': String(offset) };
    return send(racer, 'PUT', path, { headers, body });
  }

  function rename(
    racer: number,
    source: string,
    target: string,
    headers: Record<string, string> = {},
  ): Promise<RawReply> {
    const sent = { ...headers, 'x-amz-rename-source': source };
    return send(racer, 'PUT', target, { query: 'renameObject', headers: sent });
  }

  const everybody = <Result>(run: (racer: number) => Promise<Result>): Promise<Result[]> =>
    Promise.all(Array.from({ length: PROCESSES * RACERS_PER_PROCESS }, (_, racer) => run(racer)));

  test(`R08 let one of ${PROCESSES * RACERS_PER_PROCESS} appends at one offset win (${ROUNDS} rounds)`, async () => {
    const path = '/races/one-offset';
    let whole = Buffer.alloc(0);
    for (let round = 0; round < ROUNDS; round += 1) {
      const size = SIZES[round % SIZES.length] ?? 1;
      const bodyOf = (racer: number): Buffer => Buffer.alloc(size, `${round} ${racer} `);
      const replies = await everybody((racer) =>
        append(racer, path, whole.byteLength, bodyOf(racer)),
      );
      const won = replies.flatMap(({ status }, racer) => (status === 200 ? [racer] : []));
      assert.equal(won.length, 1, `winners of round ${round}`);
      const [winner = 0] = won;
      for (const [racer, reply] of replies.entries()) {
        if (racer !== winner) assert.equal(reply.code, 'InvalidWriteOffset');
      }
      whole = Buffer.concat([whole, bodyOf(winner)]);
      assert.equal(
        replies[winner]?.headers['x-amz-checksum-crc64nvme'],
        checksumOf('CRC64NVME', whole),
      );
      for (const { body } of await everybody((racer) => send(racer, 'GET', path))) {
        assert(body.equals(whole), 'every process shows what was won so far');
      }
    }
  });

  test(`R08 lose no line that is appended in turns (${ROUNDS} lines each)`, async (context) => {
    const path = '/races/lines';
    let refusedCount = 0;
    const lines = await everybody(async (racer) => {
      const own: string[] = [];
      for (let number = 0; number < ROUNDS; number += 1) {
        const line = `${racer} ${number} ${'x'.repeat(5_000)}\n`;
        for (;;) {
          const head = await send(racer, 'HEAD', path);
          const offset = head.status === 404 ? 0 : Number(head.headers['content-length']);
          const reply = await append(racer, path, offset, Buffer.from(line));
          if (reply.status === 200) break;
          assert.equal(reply.code, 'InvalidWriteOffset');
          refusedCount += 1;
        }
        own.push(line);
      }
      return own;
    });
    const { text } = await send(0, 'GET', path);
    const seen = text.split('\n').filter((line) => line !== '');
    const expected = lines.flat().map((line) => line.trimEnd());
    assert.deepEqual(seen.sort(), expected.sort());
    context.diagnostic(`${seen.length} lines, ${refusedCount} refused and repeated`);
  });

  test(`R01 let one of many renames of one object win (${ROUNDS} rounds)`, async () => {
    for (let round = 0; round < ROUNDS; round += 1) {
      const body = Buffer.alloc(SIZES[round % SIZES.length] ?? 1, `${round} `);
      const source = `/races/from-${round}`;
      assert.equal((await send(round, 'PUT', source, { body })).status, 200);
      const replies = await everybody((racer) => rename(racer, source, `${source}-to-${racer}`));
      const won = replies.flatMap(({ status }, racer) => (status === 200 ? [racer] : []));
      assert.equal(won.length, 1, `winners of round ${round}`);
      for (const { status, code } of replies) if (status !== 200) assert.equal(code, 'NoSuchKey');
      const query = `list-type=2&prefix=from-${round}`;
      for (const { text } of await everybody((racer) => send(racer, 'GET', '/races', { query }))) {
        assert.deepEqual(elementTexts(text, 'Key'), [`from-${round}-to-${won[0]}`]);
      }
      const found = await send(round, 'GET', `${source}-to-${won[0]}`);
      assert(found.body.equals(body));
    }
  });

  test(`R01 show a renamed object exactly once at every moment (${ROUNDS * 10} renames)`, async () => {
    let isDone = false;
    const large = Buffer.alloc(40_000, 'large ');
    await send(0, 'PUT', '/races/swing-a', { body: large });
    const look = async (racer: number): Promise<number> => {
      let count = 0;
      while (!isDone) {
        const query = 'list-type=2&prefix=swing-';
        const { text } = await send(racer, 'GET', '/races', { query });
        assert.equal(elementTexts(text, 'Key').length, 1, text);
        count += 1;
      }
      return count;
    };
    const swing = async (): Promise<void> => {
      try {
        for (let count = 0; count < ROUNDS * 10; count += 1) {
          const [from, to] = count % 2 === 0 ? ['a', 'b'] : ['b', 'a'];
          const reply = await rename(0, `/swing-${from}`, `/races/swing-${to}`);
          assert.equal(reply.status, 200, reply.text);
          const gone = await send(1, 'HEAD', `/races/swing-${from}`);
          const there = await send(RACERS_PER_PROCESS, 'GET', `/races/swing-${to}`);
          assert.deepEqual([gone.status, there.status], [404, 200]);
          assert(there.body.equals(large));
        }
      } finally {
        isDone = true;
      }
    };
    const [counts] = await Promise.all([
      Promise.all([2, RACERS_PER_PROCESS + 1].map(look)),
      swing(),
    ]);
    assert(counts.every((count) => count > 0));
  });

  test(`R04 lose no write of the source that races with its rename (${ROUNDS * 5} rounds)`, async (context) => {
    const before = Buffer.alloc(40_000, 'before ');
    const written = Buffer.alloc(40_001, 'after ');
    const outcomes = new Map<string, number>();
    for (let round = 0; round < ROUNDS * 5; round += 1) {
      const [source, target] = [`/races/s-${round}`, `/races/t-${round}`];
      await send(0, 'PUT', source, { body: before });
      const [renamed, put] = await Promise.all([
        rename(round, source, target),
        send(round + RACERS_PER_PROCESS, 'PUT', source, { body: written }),
      ]);
      assert.deepEqual([renamed.status, put.status], [200, 200]);
      const moved = await send(0, 'GET', target);
      const left = await send(RACERS_PER_PROCESS, 'GET', source);
      if (left.status === 404) assert(moved.body.equals(written));
      else assert(moved.body.equals(before) && left.body.equals(written));
      const outcome = left.status === 404 ? 'write, rename' : 'rename, write';
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    }
    context.diagnostic(JSON.stringify([...outcomes]));
  });

  test('R06 rename once for all repetitions of one client token', async () => {
    await send(0, 'PUT', '/races/token-a', { body: Buffer.alloc(40_000, 'a') });
    const token = { 'x-amz-client-token': 'one-token' };
    const replies = await everybody((racer) => rename(racer, '/token-a', '/races/token-b', token));
    for (const { status, text } of replies) assert.equal(status, 200, text);
    const { text } = await send(0, 'GET', '/races', { query: 'list-type=2&prefix=token-' });
    assert.deepEqual(elementTexts(text, 'Key'), ['token-b']);
  });

  test('R04 R11 leave nothing on disk once everything is deleted', async () => {
    const { text } = await send(0, 'GET', '/races', { query: 'list-type=2' });
    for (const key of elementTexts(text, 'Key')) await send(0, 'DELETE', `/races/${key}`);
    const deadline = Date.now() + SWEEP_MS_MAX;
    for (;;) {
      const left = payloadsIn(join(server.dataPath, 'races'));
      if (left?.length === 0) break;
      assert(Date.now() < deadline, `not swept: ${left?.join(', ')}`);
      await delay(100);
    }
  });
});

/** @returns undefined when the sweeper took a directory away while it was being read. */
function payloadsIn(path: string): readonly string[] | undefined {
  try {
    const names = readdirSync(path, { recursive: true }).map(String);
    return names.filter((name) => name.endsWith('/data'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    return undefined;
  }
}
