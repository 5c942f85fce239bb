/**
 * `docs/RELIABILITY.md`, from the table of promises and what is on record for them.
 *
 * @module
 */

import { PROMISES, type ReliabilityPromise } from '../reliability/promises.js';
import { resultsOf, type PromiseResults } from '../support/reliability.js';
import { table } from './markdown-table.js';

const HEAD = `# Reliability

Generated from \`test/reliability/promises.ts\` and the results beside it by \`make docs\`.

What was measured, when, and how each test was seen to fail. A promise counts only when its test
failed for a server with one safeguard taken out; those for which that is not on record are listed
last. Dates are those of the run, commits those of the tree it ran on; a \`+\` marks a tree with
changes that were not committed yet.
`;

const REPRODUCE = `## Reproducing it

On any Debian machine, as root:

\`\`\`sh
apt-get install --no-install-recommends make git gcc libc6-dev strace e2fsprogs util-linux python3
make crash      # processes killed and power cut: the figures of test/crash
make fault      # failing disks, damage, abuse: the figures of test/fault and test/abuse
make mutations  # every safeguard taken out once
make docs       # writes this page
\`\`\`

The other commands are in the table. Without root, loop devices or one of the programs the tests that
need it say so and are skipped.
`;

/** Numbers of the list that have no row, and why. */
const NOT_PROMISED = [
  [
    'P-12',
    'a rolling restart without failed requests: processes are replaced, not restarted in turn',
  ],
  ['P-24 to P-26', 'drives that vanish, come back stale or are slow: there is one drive of data'],
  ['P-32', 'floods of TLS handshakes: TLS ends in the proxy before the server'],
  ['P-33', 'a day of mixed load with a fault every two minutes: nobody has run it yet'],
] as const;

const MISSING = `## Not promised

Numbers that are missing above:

${NOT_PROMISED.map(([id, reason]) => `- ${id}: ${reason}.`).join('\n')}
`;

interface Row extends PromiseResults {
  readonly row: ReliabilityPromise;
}

export function reliabilityPage(): string {
  const rows = PROMISES.map((row): Row => ({ row, ...resultsOf(row.id) }));
  const counted = rows.filter(isCounted);
  const others = rows.filter((row) => !isCounted(row));
  return [
    HEAD,
    '## Promises\n',
    figures(counted),
    '## How the tests were seen to fail\n',
    mutations(rows),
    ...(others.length === 0 ? [] : ['## Not counted yet\n', figures(others)]),
    MISSING,
    REPRODUCE,
  ].join('\n');
}

/** Measured, and each of its mutations was noticed. */
function isCounted({ row, figures: measured, mutations: seen }: Row): boolean {
  const names = new Set(seen.map(({ name }) => name));
  return measured.length > 0 && row.mutations.every(({ name }) => names.has(name));
}

function figures(rows: readonly Row[]): string {
  const cells = rows.flatMap(({ row, figures: measured }) => {
    if (measured.length === 0)
      return [[row.id, row.promise, 'none', '', '', '', `\`${row.command}\``]];
    return measured.map(({ what, figure, faultCount, seed, date, commit }, index) => [
      index === 0 ? row.id : '',
      index === 0 ? row.promise : '',
      `${what}: ${figure}`,
      faultCount === undefined ? '' : faultCount.toLocaleString('en'),
      String(seed ?? ''),
      `${date} ${commit}`,
      `\`${row.command}\``,
    ]);
  });
  return table(['Id', 'Promise', 'Figure', 'Faults', 'Seed', 'Seen', 'Measured by'], cells);
}

function mutations(rows: readonly Row[]): string {
  const cells = rows.flatMap(({ row, mutations: seen }) =>
    row.mutations.map(({ name, file, test }) => {
      const occasion = seen.find((one) => one.name === name);
      const noticed = occasion === undefined ? 'not yet' : `${occasion.date} ${occasion.commit}`;
      return [row.id, name, `\`${file}\``, `\`test/${test}\``, noticed];
    }),
  );
  return table(['Id', 'Taken out', 'Of', 'Noticed by', 'Seen'], cells);
}
