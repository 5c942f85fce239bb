/**
 * Servers side by side, in one interleaved run: `make bench`.
 *
 *     node build/bench/compare.js [--target s3ish --target minio=/usr/local/bin/minio ...]
 *       [--processes 2] [--rounds 5] [--seconds 2] [--only S1,S2] [--connections 64]
 *       [--profile]
 *
 * Every round starts all servers afresh with empty directories. Each scenario then runs on one after
 * the other, in an order that turns around from scenario to scenario and from round to round, so that
 * a drift of the machine meets all of them alike. Figures are medians over the rounds. `--profile`
 * stores a CPU profile of each process and scenario in `bench/profiles`; figures are then worthless.
 *
 * @module
 */

import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus, release, totalmem } from 'node:os';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';

import { measure, type Figures, type Timing } from './measure.js';
import { reportPage } from './report-page.js';
import { figuresTable, mediansOf, ratiosTable, type Results } from './results.js';
import { prepareAll, SCENARIOS, type Scenario } from './scenarios.js';
import { parseTarget, type BenchTarget, type RunningTarget } from './targets.js';

const WARM_UP_MS = 500;
const RESULTS_PATH = 'bench/results';
const PROFILES_PATH = resolve('bench/profiles');

const { values } = parseArgs({
  options: {
    target: { type: 'string', multiple: true, default: ['s3ish'] },
    processes: { type: 'string', default: String(cpus().length) },
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '2' },
    only: { type: 'string', default: '' },
    connections: { type: 'string', default: '' },
    profile: { type: 'boolean', default: false },
  },
});

/** A scenario at one number of connections, with what was measured of each target so far. */
interface Plan {
  readonly scenario: Scenario;
  readonly connectionCount: number;
  readonly runs: Figures[][];
}

if (values.profile) mkdirSync(PROFILES_PATH, { recursive: true });
const targets = values.target.map((text) =>
  parseTarget(text, Number(values.processes), values.profile ? PROFILES_PATH : undefined),
);
const plans = planOf(values.only, values.connections);
const timing: Timing = {
  warmUpMs: WARM_UP_MS,
  durationMs: Number(values.seconds) * 1000,
  isProfiled: values.profile,
};
for (let round = 0; round < Number(values.rounds); round += 1) {
  process.stderr.write(`round ${round + 1} of ${values.rounds}\n`);
  await runRound(targets, plans, round);
}
publish(resultsOf(targets, plans));

function planOf(only: string, connections: string): readonly Plan[] {
  const ids = only.split(',').filter((id) => id !== '');
  const counts = connections.split(',').filter((count) => count !== '');
  return SCENARIOS.filter(({ id }) => ids.length === 0 || ids.includes(id)).flatMap((scenario) =>
    scenario.connectionCounts
      .filter((count) => counts.length === 0 || counts.includes(String(count)))
      .map((connectionCount) => ({ scenario, connectionCount, runs: [] })),
  );
}

async function runRound(
  all: readonly BenchTarget[],
  planned: readonly Plan[],
  round: number,
): Promise<void> {
  const running: RunningTarget[] = [];
  try {
    for (const target of all) {
      const server = await target.start();
      running.push(server);
      await prepareAll(server);
    }
    for (const [place, { scenario, connectionCount, runs }] of planned.entries()) {
      const order = running.map((server, index) => ({ server, index }));
      if ((place + round) % 2 === 1) order.reverse();
      for (const { server, index } of order) {
        const figures = await measure(server, scenario, connectionCount, timing);
        (runs[index] ??= []).push(figures);
      }
    }
  } finally {
    for (const server of running) await server.stop();
  }
}

function resultsOf(all: readonly BenchTarget[], planned: readonly Plan[]): Results {
  return {
    date: new Date().toISOString(),
    machine: `${cpus()[0]?.model ?? 'unknown'}, ${cpus().length} cores shared with the load generator, ${Math.round(totalmem() / 1024 ** 3)} GiB, Linux ${release()}, Node ${process.version}`,
    rounds: Number(values.rounds),
    targets: all.map(({ name, version }) => ({ name, version })),
    cells: planned.map(({ scenario, connectionCount, runs }) => ({
      id: scenario.id,
      scenario: scenario.name,
      connectionCount,
      figures: runs.map(mediansOf),
      cpuSpread: runs.map((one) => {
        const times = one.map(({ cpuUs }) => cpuUs);
        return [Math.min(...times), Math.max(...times)] as const;
      }),
    })),
  };
}

function publish(results: Results): void {
  const { machine, date } = results;
  print(`${date}, ${machine}`);
  for (const { name, version } of results.targets) print(`${name}: ${version}`);
  print(`\n${figuresTable(results)}`);
  if (results.targets.length > 1) print(`\n${ratiosTable(results)}`);
  mkdirSync(RESULTS_PATH, { recursive: true });
  const name = `${RESULTS_PATH}/${date.replaceAll(':', '-')}`;
  writeFileSync(`${name}.json`, `${JSON.stringify(results, null, 2)}\n`);
  writeFileSync(`${name}.html`, reportPage(results));
  print(`\nWritten to ${name}.json and ${name}.html`);
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
