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

export interface GeneratedPage {
  /** Relative to the root. */
  readonly path: string;
  readonly text: string;
}

/** All generated pages as they should be. */
export function generatedPages(): readonly GeneratedPage[] {
  return [
    { path: 'docs/CONFIGURATION.md', text: configurationPage() },
    { path: 'docs/S3_ERRORS.md', text: errorsPage() },
    { path: 'docs/S3_OPERATIONS.md', text: operationsPage() },
  ];
}

function operationsPage(): string {
  const head = `# S3 operations

Generated from \`src/operations/registry.ts\` by \`make docs\`.

A request belongs to the row whose query keys (after \`?\`) and headers (after \`+\`) it has, and to the
most particular one of several. What S3 knows and no row offers answers \`NotImplemented\` and changes
nothing.
`;
  const rows = Object.entries(OPERATIONS).map(([name, operation]) => {
    const isOffered = operation.handler !== notImplemented;
    return [name, `\`${operation.requestLine}\``, operation.permission, isOffered ? 'yes' : 'no'];
  });
  return `${head}\n${table(['Operation', 'Request', 'Permission', 'Offered'], rows)}`;
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

function table(names: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(names), line(names.map(() => '---')), ...rows.map(line), ''].join('\n');
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
