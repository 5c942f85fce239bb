/**
 * The pages of `docs/` that are written from tables in the code: `make docs` stores them, a test
 * fails when a stored page is stale.
 *
 * @module
 */

import { SECTIONS } from '#src/config/settings.js';
import { notImplemented } from '#src/operations/not-implemented.js';
import { OPERATIONS } from '#src/operations/registry.js';
import { S3_ERRORS } from '#src/s3/errors.js';

import { sdkOperations } from '../support/sdk-operations.js';
import { BAD_INPUTS } from './bad-inputs.js';
import { filesOfIds, IDS, IDS_IN_SCOPE } from './behaviour-ids.js';
import { BEHAVIOURS, GROUPS, LATER, NOT_YET } from './behaviours.js';
import { table } from './markdown-table.js';
import { reliabilityPage } from './reliability-page.js';

export interface GeneratedPage {
  /** Relative to the root. */
  readonly path: string;
  readonly text: string;
}

/** All generated pages as they should be. */
export function generatedPages(): readonly GeneratedPage[] {
  return [
    { path: 'docs/CONFIGURATION.md', text: configurationPage() },
    { path: 'docs/RELIABILITY.md', text: reliabilityPage() },
    { path: 'docs/S3_BEHAVIOURS.md', text: behavioursPage() },
    { path: 'docs/S3_ERRORS.md', text: errorsPage() },
    { path: 'docs/S3_OPERATIONS.md', text: operationsPage() },
  ];
}

function operationsPage(): string {
  const head = `# S3 operations

Generated from \`src/operations/registry.ts\` and the names of the tests by \`make docs\`.

A request belongs to the row whose query keys (after \`?\`) and headers (after \`+\`) it has, and to the
most particular one of several. What S3 knows and nobody offers answers \`NotImplemented\` and changes
nothing.
`;
  const rows = Object.entries(OPERATIONS).map(([name, operation]) => {
    const status = operation.handler === notImplemented ? 'NotImplemented' : 'offered';
    return [name, `\`${operation.requestLine}\``, operation.permission, status];
  });
  const others = sdkOperations().filter(({ name }) => !(name in OPERATIONS));
  return [
    head,
    table(['Operation', 'Request', 'Permission', 'Status'], rows),
    '## Operations without a row\n\nKnown to the AWS SDK.\n',
    table(
      ['Operation', 'Request', 'Status'],
      others.map(({ name, requestLine }) => [name, `\`${requestLine}\``, 'NotImplemented']),
    ),
    '## Behaviours and the tests that prove them\n',
    'What the ids mean is in [S3_BEHAVIOURS.md](S3_BEHAVIOURS.md).\n',
    provedBy(),
  ].join('\n');
}

function provedBy(): string {
  const files = filesOfIds();
  const rows = IDS_IN_SCOPE.map((id) => {
    const names = files.get(id)?.map((path) => `\`${path.replace(/^test\//, '')}\``) ?? [];
    return [id, names.join(' ') || `not yet: ${NOT_YET[id]}`];
  });
  return table(['Id', 'Proved by, in `test/`'], rows);
}

function behavioursPage(): string {
  const head = `# S3 behaviours

Generated from \`test/tidy/behaviours.ts\` and \`test/tidy/bad-inputs.ts\` by \`make docs\`.

What clients can rely on, by id. Names of tests begin with the ids they prove; which test proves which
id is in [S3_OPERATIONS.md](S3_OPERATIONS.md), and \`make test\` ends with how many hold. Where AWS and
this server knowingly differ is in [S3_DIFFERENCES.md](S3_DIFFERENCES.md).
`;
  const inScope = new Set(IDS_IN_SCOPE);
  const groups = Object.entries(GROUPS).map(([letter, title]) => {
    const rows = Object.entries(BEHAVIOURS).filter(
      ([id]) => id.startsWith(letter) && inScope.has(id),
    );
    return `## ${letter}: ${title}\n\n${table(['Id', 'Behaviour'], rows)}`;
  });
  const badInputs = Object.entries(BAD_INPUTS).filter(([id]) => inScope.has(id));
  const later = Object.entries(LATER).flatMap(([reason, ids]) =>
    ids.map((id) => [id, IDS[id] ?? '', reason]),
  );
  return [
    head,
    ...groups,
    `## BI: Bad input\n\n${table(['Id', 'Input and answer'], badInputs)}`,
    `## Not in scope\n\n${table(['Id', 'Behaviour', 'Why'], later)}`,
  ].join('\n');
}

function errorsPage(): string {
  const head = `# S3 errors

Generated from \`src/s3/errors.ts\` by \`make docs\`. Messages may be more particular in an answer.
`;
  const rows = Object.entries(S3_ERRORS).map(([code, { status, message }]) => [
    `\`${code}\``,
    String(status),
    message,
  ]);
  return `${head}\n${table(['Code', 'Status', 'Message'], rows)}`;
}

function configurationPage(): string {
  const head = `# Configuration

Generated from \`src/config/settings.ts\` by \`make docs\`.

s3ish reads one TOML file: the one named by \`--config\`, else \`s3ish.toml\` of the working directory
if there is one. Every setting is optional. Options of \`s3ish serve\` win over the file:
\`--listen\`, \`--data\`, \`--processes\` and \`--admin\`.

A setting that is unknown or has a value out of its bounds stops the start with file, line, key and
the nearest valid name; the exit code is 2. \`s3ish config check\` does the same without starting.
`;
  const sections = Object.entries(SECTIONS).map(([section, settings]) => {
    const entries = Object.entries(settings).map(
      ([key, { default: value, expected, description }]) =>
        `### ${key}\n\n${description}\n\nDefault \`${JSON.stringify(value)}\`; ${expected}.\n`,
    );
    return `## [${section}]\n\n${entries.join('\n')}`;
  });
  return [head, ...sections].join('\n');
}
