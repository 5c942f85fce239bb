/**
 * Where the time of a CPU profile went: functions by the time spent in themselves.
 *
 *     node build/bench/profile-summary.js bench/profiles/*.cpuprofile
 *
 * @module
 */

import { readFileSync } from 'node:fs';

/** The part of a profile that is looked at. */
interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: {
      readonly functionName: string;
      readonly url: string;
      readonly lineNumber: number;
    };
  }[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

const LINES_MAX = 40;
const WAITING = '(idle)';

for (const file of process.argv.slice(2)) {
  const profile = JSON.parse(readFileSync(file, 'utf8')) as CpuProfile;
  const times = selfTimes(profile);
  times.delete(WAITING);
  const busyUs = [...times.values()].reduce((total, one) => total + one, 0);
  console.log(`\n${file}: ${Math.round(busyUs / 1000)} ms busy`);
  const sorted = [...times].sort(([, one], [, other]) => other - one).slice(0, LINES_MAX);
  for (const [name, us] of sorted) {
    console.log(`${((us / busyUs) * 100).toFixed(1).padStart(5)} %  ${name}`);
  }
}

function selfTimes({ nodes, samples, timeDeltas }: CpuProfile): Map<string, number> {
  const names = new Map(
    nodes.map(({ id, callFrame: { functionName, url, lineNumber } }) => {
      const place = url === '' ? '' : ` ${url.split('/').slice(-2).join('/')}:${lineNumber + 1}`;
      return [id, `${functionName === '' ? '(anonymous)' : functionName}${place}`];
    }),
  );
  const times = new Map<string, number>();
  samples.forEach((id, index) => {
    const name = names.get(id) ?? '';
    times.set(name, (times.get(name) ?? 0) + (timeDeltas[index] ?? 0));
  });
  return times;
}
