// Strong consistency across processes: what one acknowledged, every other shows at once, and of
// writers that race on a condition exactly one wins.
//
// S3ISH_CONSISTENCY_TRIES sets the reads that look for a stale answer (2,000 unless told), and
// S3ISH_CONSISTENCY_RACES the races on If-None-Match (100).

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';

import { connectToProcesses, type ProcessConnection } from '../support/process-connections.js';
import { elementTexts } from '../support/raw-request.js';
import { reportFigure } from '../support/reliability.js';
import { startServer, type TestServer } from '../support/server.js';

const TRIES = Number(process.env['S3ISH_CONSISTENCY_TRIES'] ?? 2_000);
const RACES = Number(process.env['S3ISH_CONSISTENCY_RACES'] ?? 100);
const PROCESSES = 4;
/** Independent sequences of writes, so that commits of several share a transaction. */
const LANES = 6;
/** Of every tenth race; two of the others, which are quick. */
const RACERS_PER_PROCESS = 16;
const INCREMENTS_PER_PROCESS = Math.ceil(TRIES / 100);
/** Inline, and above the inline limit of 32 KiB. */
const SIZES = [100, 40_000];

describe(`${PROCESSES} server processes`, () => {
  let server: TestServer;
  const opened: ProcessConnection[] = [];

  /** A connection per process for each of `count` lanes. */
  async function lanes(count: number): Promise<ProcessConnection[][]> {
    const groups = await connectToProcesses(server, PROCESSES, count);
    opened.push(...groups.flat());
    return Array.from({ length: count }, (_, lane) =>
      groups.map((group) => group[lane]).filter((connection) => connection !== undefined),
    );
  }

  async function createBucket(name: string): Promise<void> {
    const [[connection] = []] = await lanes(1);
    const reply = await connection?.send({ method: 'PUT', path: `/${name}` });
    assert.equal(reply?.status, 200);
  }

  before(async () => {
    server = await startServer({
      processes: PROCESSES,
      settings: { log: { level: 'warn' }, storage: { sweep_interval_secs: 1 } },
    });
  });
  after(async () => {
    for (const connection of opened) connection.close();
    await server.stop();
  });

  test(`show each write to every process at once (${TRIES} reads)`, async (context) => {
    await createBucket('reads');
    let triesLeft = TRIES;
    const counts = { GET: 0, HEAD: 0, LIST: 0 };
    const run = async (connections: readonly ProcessConnection[], lane: number): Promise<void> => {
      const path = `/reads/lane-${lane}`;
      for (let turn = 0; triesLeft > 0; turn += 1) {
        const writer = at(connections, turn);
        const isDelete = turn % 5 === 4;
        const body = isDelete ? undefined : contentOf(`${lane} ${turn}`, at(SIZES, turn));
        const written = await writer.send(
          body === undefined ? { method: 'DELETE', path } : { method: 'PUT', path, body },
        );
        assert.equal(written.status, isDelete ? 204 : 200);
        await Promise.all(
          connections.map(async (reader, index) => {
            triesLeft -= 1;
            const kind = at(['GET', 'LIST', 'HEAD'] as const, turn + index);
            counts[kind] += 1;
            const shown = await look(reader, kind, lane);
            assert.equal(shown, body && etagOf(body), `${kind} after ${written.status}`);
          }),
        );
      }
    };
    await Promise.all((await lanes(LANES)).map(run));
    context.diagnostic(`${counts.GET} GET, ${counts.HEAD} HEAD, ${counts.LIST} LIST: 0 stale`);
    reportFigure('P-22', {
      what: 'reads and lists after a write',
      figure: `${counts.GET} GET, ${counts.HEAD} HEAD and ${counts.LIST} LIST through every process right after a write, 0 stale`,
    });
  });

  test(`let one of all If-None-Match writers win (${RACES} races)`, async (context) => {
    await createBucket('races');
    const everybody = (await lanes(RACERS_PER_PROCESS)).flat();
    assert.equal(everybody.length, PROCESSES * RACERS_PER_PROCESS);
    const winners = new Map<string, number>();
    for (let round = 0; round < RACES; round += 1) {
      const racers = round % 10 === 0 ? everybody : everybody.slice(0, PROCESSES * 2);
      const path = `/races/round-${round}`;
      const bodies = racers.map((_, index) => contentOf(`${round} ${index}`, at(SIZES, round)));
      const replies = await Promise.all(
        racers.map((racer, index) =>
          racer.send({
            ...{ method: 'PUT', path, body: at(bodies, index) },
            headers: { 'if-none-match': '*' },
          }),
        ),
      );
      const won = replies.flatMap(({ status }, index) => (status === 200 ? [index] : []));
      assert.equal(won.length, 1, `winners of round ${round}`);
      for (const reply of replies.filter(({ status }) => status !== 200)) {
        assert.match(reply.code, /^(PreconditionFailed|ConditionalRequestConflict)$/);
      }
      const [winner = 0] = won;
      for (const racer of racers.slice(0, PROCESSES)) {
        const { body } = await racer.send({ method: 'GET', path });
        assert(body.equals(at(bodies, winner)), 'every process shows the bytes of the winner');
      }
      const name = at(racers, winner).process;
      winners.set(name, (winners.get(name) ?? 0) + 1);
    }
    const payloads = readdirSync(join(server.dataPath, 'races'), { recursive: true });
    const large = Array.from({ length: RACES }, (_, round) => at(SIZES, round) > 32 * 1024);
    assert.equal(
      payloads.filter((name) => String(name).endsWith('/data')).length,
      large.filter(Boolean).length,
      'losers leave no payload behind',
    );
    context.diagnostic(`races won by process: ${[...winners.values()].join(', ')}`);
    reportFigure('P-22', {
      what: 'races on If-None-Match',
      figure: `${RACES.toLocaleString('en')} races of 8 or 64 writers over ${PROCESSES} processes, exactly one winner in each`,
    });
  });

  test('lose no increment that is made under If-Match', async (context) => {
    await createBucket('counts');
    const path = '/counts/counter';
    const [connections = []] = await lanes(1);
    await at(connections, 0).send({ method: 'PUT', path, body: '0' });
    let refusedCount = 0;
    const increment = async (connection: ProcessConnection): Promise<void> => {
      for (let done = 0; done < INCREMENTS_PER_PROCESS;) {
        const { headers, text } = await connection.send({ method: 'GET', path });
        const reply = await connection.send({
          ...{ method: 'PUT', path, body: String(Number(text) + 1) },
          headers: { 'if-match': headers.etag ?? '' },
        });
        if (reply.status === 200) done += 1;
        else {
          assert.match(reply.code, /^(PreconditionFailed|ConditionalRequestConflict)$/);
          refusedCount += 1;
        }
      }
    };
    await Promise.all(connections.map(increment));
    const { text } = await at(connections, 0).send({ method: 'GET', path });
    assert.equal(Number(text), PROCESSES * INCREMENTS_PER_PROCESS);
    assert(refusedCount > 0, 'there was a race at all');
    context.diagnostic(`${text} increments, ${refusedCount} refused and repeated`);
  });
});

/** The ETag that a process shows for the key of a lane; undefined when it shows nothing. */
async function look(
  connection: ProcessConnection,
  kind: 'GET' | 'HEAD' | 'LIST',
  lane: number,
): Promise<string | undefined> {
  if (kind === 'LIST') {
    const query = `list-type=2&prefix=lane-${lane}`;
    const reply = await connection.send({ method: 'GET', path: '/reads', query });
    assert.equal(reply.status, 200);
    return elementTexts(reply.text, 'ETag')[0];
  }
  const reply = await connection.send({ method: kind, path: `/reads/lane-${lane}` });
  if (reply.status === 404) return undefined;
  assert.equal(reply.status, 200);
  if (kind === 'GET') assert.equal(etagOf(reply.body), reply.headers.etag);
  return reply.headers.etag;
}

function contentOf(name: string, sizeBytes: number): Buffer {
  return Buffer.alloc(sizeBytes, `${name} `);
}

function etagOf(body: Uint8Array): string {
  return `"${createHash('md5').update(body).digest('hex')}"`;
}

function at<Item>(items: readonly Item[], index: number): Item {
  const item = items[index % items.length];
  assert(item !== undefined);
  return item;
}
