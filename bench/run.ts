/**
 * Throughput, latency and server CPU per request of the basic operations: `make bench`.
 *
 *     node build/bench/run.js [--processes 1] [--seconds 4] [--connections 1,16,64] [--only GET]
 *
 * Rounds of all scenarios follow each other, so that a drift of the machine meets all of them; the
 * figures are medians over the rounds.
 *
 * @module
 */

import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';

import { startServer, type TestServer } from '../test/support/server.js';
import { runLoad, type LoadFigures } from './load.js';
import { createBenchBucket, SCENARIOS, type Scenario } from './scenarios.js';

const WARM_UP_MS = 1000;
const RESULTS_PATH = 'bench/results';

interface Row {
  readonly scenario: string;
  readonly connections: number;
  readonly figures: LoadFigures;
}

const { values } = parseArgs({
  options: {
    processes: { type: 'string', default: '1' },
    seconds: { type: 'string', default: '4' },
    rounds: { type: 'string', default: '3' },
    connections: { type: 'string', default: '1,16,64' },
    only: { type: 'string', default: '' },
  },
});

const processes = Number(values.processes);
const connectionCounts = values.connections.split(',').map(Number);
const scenarios = SCENARIOS.filter(({ name }) => name.includes(values.only));
const server = await startServer({ processes, settings: { log: { access_log: false } } });
try {
  await createBenchBucket(server);
  for (const scenario of scenarios) await scenario.prepare(server);
  print(`s3ish, ${processes} server process(es), durable; Node ${process.version}`);
  print(`${cpus()[0]?.model ?? 'unknown CPU'}, ${cpus().length} cores shared with the load`);
  const rows = await measureAll(server, scenarios);
  printTable(rows);
  save(rows);
} finally {
  await server.stop();
}

async function measureAll(target: TestServer, chosen: readonly Scenario[]): Promise<Row[]> {
  const taken = new Map<string, { scenario: string; connections: number; runs: LoadFigures[] }>();
  for (let round = 0; round < Number(values.rounds); round += 1) {
    for (const scenario of chosen) {
      for (const connections of connectionCounts) {
        const figures = await measure(target, scenario, connections);
        const place = `${scenario.name} ${connections}`;
        const entry = taken.get(place) ?? { scenario: scenario.name, connections, runs: [] };
        entry.runs.push(figures);
        taken.set(place, entry);
      }
    }
  }
  return [...taken.values()].map(({ scenario, connections, runs }) => ({
    ...{ scenario, connections },
    figures: medians(runs),
  }));
}

function measure(
  target: TestServer,
  scenario: Scenario,
  connectionCount: number,
): Promise<LoadFigures> {
  return runLoad({
    ...{ target, connectionCount },
    requests: scenario.requests(target),
    isHead: scenario.isHead,
    warmUpMs: WARM_UP_MS,
    durationMs: Number(values.seconds) * 1000,
    pids: () => [target.pid, ...target.childPids('server'), ...target.childPids('jobs')],
  });
}

function medians(runs: readonly LoadFigures[]): LoadFigures {
  const median = (name: keyof LoadFigures): number => {
    const sorted = runs.map((run) => run[name]).sort((one, other) => one - other);
    return sorted[Math.floor(sorted.length / 2)] ?? NaN;
  };
  return {
    requestsPerSecond: median('requestsPerSecond'),
    bytesPerSecond: median('bytesPerSecond'),
    p50Ms: median('p50Ms'),
    p99Ms: median('p99Ms'),
    cpuUsPerRequest: median('cpuUsPerRequest'),
    peakMemoryBytes: median('peakMemoryBytes'),
    // One error in any round is one too many: a median would hide it.
    errorCount: runs.reduce((total, run) => total + run.errorCount, 0),
  };
}

function printTable(rows: readonly Row[]): void {
  print('');
  print('| Scenario | Connections | req/s | MiB/s | p50 ms | p99 ms | CPU us/req | Errors |');
  print('| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |');
  for (const { scenario, connections, figures } of rows) {
    const cells = [
      scenario,
      connections,
      Math.round(figures.requestsPerSecond),
      Math.round(figures.bytesPerSecond / 1024 ** 2),
      figures.p50Ms.toFixed(2),
      figures.p99Ms.toFixed(2),
      figures.cpuUsPerRequest.toFixed(1),
      figures.errorCount,
    ];
    print(`| ${cells.join(' | ')} |`);
  }
  const peak = Math.max(...rows.map(({ figures }) => figures.peakMemoryBytes));
  print(`\nLargest resident size of a process: ${Math.round(peak / 1024 ** 2)} MiB`);
}

function save(rows: readonly Row[]): void {
  mkdirSync(RESULTS_PATH, { recursive: true });
  const file = `${RESULTS_PATH}/${new Date().toISOString().replaceAll(':', '-')}.json`;
  writeFileSync(file, `${JSON.stringify({ node: process.version, processes, rows }, null, 2)}\n`);
  print(`Written to ${file}`);
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
