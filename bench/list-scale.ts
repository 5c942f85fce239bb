/**
 * Does a page of a listing cost the same in a bucket of a thousand keys and of a million?
 * `make bench-list`.
 *
 *     node build/bench/list-scale.js [--keys 1000000] [--rounds 5] [--pages 60]
 *
 * Both buckets are on one server. Pages of 1,000 entries are asked for in turn, small, large,
 * small, large, so that a drift of the machine meets both; the ratio is of the medians.
 *
 * @module
 */

import { parseArgs } from 'node:util';

import { startServer, type TestServer } from '../test/support/server.js';
import { Connection } from '../test/support/load-connection.js';
import { cpuMicroseconds } from '../test/support/process-figures.js';
import { sendAll } from './scenarios.js';
import { requestSigner, type RequestParts } from '../test/support/prepared-request.js';

const PAGE = 1000;
const FOLDERS = 1000;
const SMALL = 'small-bucket';
const LARGE = 'large-bucket';
const BATCH = 20_000;

const { values } = parseArgs({
  options: {
    keys: { type: 'string', default: '1000000' },
    rounds: { type: 'string', default: '5' },
    pages: { type: 'string', default: '60' },
  },
});

/** One kind of page, and what it is asked with in either bucket. */
const KINDS = [
  { name: 'first page, no delimiter', query: 'list-type=2' },
  { name: 'first page, delimiter', query: 'delimiter=%2F&list-type=2' },
  {
    name: 'page after the middle, delimiter',
    query: 'delimiter=%2F&list-type=2&start-after=f0499%2F',
  },
] as const;

const server = await startServer({
  settings: { log: { access_log: false }, storage: { enable_fsync: false } },
});
try {
  await fill(server, SMALL, PAGE);
  await fill(server, LARGE, Number(values.keys));
  print(`Buckets of ${PAGE} and ${values.keys} keys in ${FOLDERS} prefixes, pages of ${PAGE}`);
  print('| Page | small ms | large ms | ratio | small CPU us | large CPU us | ratio |');
  print('| --- | ---: | ---: | ---: | ---: | ---: | ---: |');
  for (const kind of KINDS) await compare(server, kind);
} finally {
  await server.stop();
}

async function fill(target: TestServer, bucket: string, keyCount: number): Promise<void> {
  await sendAll(target, [{ method: 'PUT', path: `/${bucket}` }]);
  const body = Buffer.from('x');
  for (let first = 0; first < keyCount; first += BATCH) {
    const parts: RequestParts[] = [];
    for (let index = first; index < Math.min(keyCount, first + BATCH); index += 1) {
      // Neighbours go to different prefixes: both buckets have as many prefixes as a page holds.
      const folder = String(index % FOLDERS).padStart(4, '0');
      const name = String(Math.floor(index / FOLDERS)).padStart(6, '0');
      parts.push({ method: 'PUT', path: `/${bucket}/f${folder}/${name}`, body });
    }
    await sendAll(target, parts);
  }
}

async function compare(target: TestServer, kind: (typeof KINDS)[number]): Promise<void> {
  const sign = requestSigner(target);
  const connection = new Connection(target.host, target.port);
  const ask = async (bucket: string): Promise<{ ms: number; cpuUs: number }> => {
    const request = sign({ method: 'GET', path: `/${bucket}`, query: kind.query });
    const pids = target.childPids('server');
    const cpuBefore = cpuMicroseconds(pids);
    const times: number[] = [];
    for (let page = 0; page < Number(values.pages); page += 1) {
      const startedAt = performance.now();
      const { status } = await connection.send(request, false);
      if (status !== 200) throw new Error(`the listing answered ${status}`);
      times.push(performance.now() - startedAt);
    }
    return { ms: median(times), cpuUs: (cpuMicroseconds(pids) - cpuBefore) / times.length };
  };
  const small: { ms: number; cpuUs: number }[] = [];
  const large: { ms: number; cpuUs: number }[] = [];
  await ask(SMALL);
  await ask(LARGE);
  for (let round = 0; round < Number(values.rounds); round += 1) {
    small.push(await ask(SMALL));
    large.push(await ask(LARGE));
  }
  connection.close();
  const [smallMs, largeMs] = [small, large].map((runs) => median(runs.map(({ ms }) => ms)));
  const [smallCpu, largeCpu] = [small, large].map((runs) => median(runs.map(({ cpuUs }) => cpuUs)));
  print(
    `| ${kind.name} | ${cell(smallMs, 2)} | ${cell(largeMs, 2)} | ${ratio(largeMs, smallMs)} | ` +
      `${cell(smallCpu, 0)} | ${cell(largeCpu, 0)} | ${ratio(largeCpu, smallCpu)} |`,
  );
}

function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((one, other) => one - other);
  return sorted[Math.floor(sorted.length / 2)] ?? NaN;
}

function cell(number: number | undefined, digits: number): string {
  return (number ?? NaN).toFixed(digits);
}

function ratio(large: number | undefined, small: number | undefined): string {
  return ((large ?? NaN) / (small ?? NaN)).toFixed(2);
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
