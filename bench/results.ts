/**
 * Results of a run, and the tables made of them.
 *
 * @module
 */

import type { Figures } from './measure.js';

/** One scenario at one number of connections. */
export interface Cell {
  readonly id: string;
  readonly scenario: string;
  readonly connectionCount: number;
  /** Medians, in the order of the targets. */
  readonly figures: readonly Figures[];
  /** Lowest and highest CPU time of the rounds, in the order of the targets. */
  readonly cpuSpread: readonly (readonly [number, number])[];
}

export interface Results {
  readonly date: string;
  readonly machine: string;
  readonly rounds: number;
  readonly targets: readonly { readonly name: string; readonly version: string }[];
  readonly cells: readonly Cell[];
}

/** Median of each figure; errors add up, because one in any round is one too many. */
export function mediansOf(runs: readonly Figures[]): Figures {
  const of = (pick: (run: Figures) => number): number => median(runs.map(pick));
  const flushes = runs.map((run) => run.flushes).filter((one) => one !== undefined);
  return {
    perSecond: of((run) => run.perSecond),
    mibPerSecond: of((run) => run.mibPerSecond),
    p50Ms: of((run) => run.p50Ms),
    p99Ms: of((run) => run.p99Ms),
    p999Ms: of((run) => run.p999Ms),
    cpuUs: of((run) => run.cpuUs),
    machineCpuUs: of((run) => run.machineCpuUs),
    generatorCpuUs: of((run) => run.generatorCpuUs),
    ...(flushes.length === 0 ? {} : { flushes: median(flushes) }),
    memoryMib: of((run) => run.memoryMib),
    errorCount: runs.reduce((total, run) => total + run.errorCount, 0),
  };
}

/** Figures of every target, a line each. */
export function figuresTable({ targets, cells }: Results): string {
  const rows = cells.flatMap(({ id, scenario, connectionCount, figures }) =>
    figures.map((one, index) => [
      id,
      scenario,
      connectionCount,
      targets[index]?.name ?? '',
      Math.round(one.perSecond),
      one.mibPerSecond.toFixed(one.mibPerSecond < 10 ? 1 : 0),
      one.p50Ms.toFixed(2),
      one.p99Ms.toFixed(2),
      one.p999Ms.toFixed(2),
      one.cpuUs.toFixed(1),
      one.machineCpuUs.toFixed(1),
      one.flushes?.toFixed(2) ?? '',
      Math.round(one.memoryMib),
      one.errorCount,
    ]),
  );
  const names = [
    'Id',
    'Scenario',
    'Conn.',
    'Server',
    'per s',
    'MiB/s',
    'p50 ms',
    'p99 ms',
    'p99.9 ms',
  ];
  const more = ['CPU us', 'machine CPU us', 'flushes', 'MiB', 'errors'];
  return table([...names, ...more], rows, 4);
}

/** The first target against each other: how many times the throughput, what part of the CPU. */
export function ratiosTable({ targets, cells }: Results): string {
  const [own, ...others] = targets;
  const rows = cells.map(({ id, scenario, connectionCount, figures }) => {
    const [mine, ...theirs] = figures;
    const ratios = theirs.flatMap((their) => [
      ((mine?.perSecond ?? NaN) / their.perSecond).toFixed(2),
      ((mine?.cpuUs ?? NaN) / their.cpuUs).toFixed(2),
      ((mine?.machineCpuUs ?? NaN) / their.machineCpuUs).toFixed(2),
    ]);
    return [id, scenario, connectionCount, ...ratios];
  });
  const names = others.flatMap(({ name }) => [
    `throughput, ${own?.name}/${name}`,
    `CPU, ${own?.name}/${name}`,
    `machine CPU, ${own?.name}/${name}`,
  ]);
  return table(['Id', 'Scenario', 'Conn.', ...names], rows, 2);
}

function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((one, other) => one - other);
  return sorted[Math.floor(sorted.length / 2)] ?? NaN;
}

/** @param textColumns - how many columns at the left are text. */
function table(
  names: readonly string[],
  rows: readonly (readonly (string | number)[])[],
  textColumns: number,
): string {
  const line = (cells: readonly (string | number)[]): string => `| ${cells.join(' | ')} |`;
  const rule = names.map((_, index) => (index < textColumns ? '---' : '---:'));
  return [line(names), line(rule), ...rows.map(line)].join('\n');
}
