/**
 * Takes one safeguard after the other out of the server and demands that a test notices; run by
 * `make mutations` (`ONLY=P-03`).
 *
 * Each mutation works on a copy of what was built; the tree is left alone.
 *
 * @module
 */

import { spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';

import ts from 'typescript';

import { recordMutation, type SeenMutation } from '../support/reliability.js';
import { REPOSITORY } from '../support/repository.js';
import { PROMISES, type Mutation } from './promises.js';

const RUN_MS_MAX = 15 * 60 * 1000;
/** Copied, because the copy is changed or finds its root by where it lies. */
const COPIED = ['package.json', 'dist', 'build/test'];
/** What tests read besides. */
const LINKED = ['node_modules', 'src', 'test', 'docs', 'deploy', 's3ish.toml', 'README.md', '.git'];

type Failure = Omit<SeenMutation, 'name'>;

const { values } = parseArgs({ options: { only: { type: 'string', default: '' } } });
const wanted = PROMISES.filter(({ id }) => values.only === '' || id === values.only);
let survivorCount = 0;
for (const { id, mutations } of wanted) {
  for (const mutation of mutations) {
    const failure = firstFailure(mutation);
    if (failure === undefined) survivorCount += 1;
    else recordMutation(id, { name: mutation.name, ...failure });
    console.log(`${id}  ${mutation.name}: ${failure?.error ?? 'NOT NOTICED'}`);
  }
}
console.log(`${survivorCount} mutations were not noticed`);
process.exitCode = survivorCount === 0 && wanted.length > 0 ? 0 : 1;

/** @returns the first test that fails without the safeguard; undefined: none does. */
function firstFailure(mutation: Mutation): Failure | undefined {
  const root = mkdtempSync(join(tmpdir(), 's3ish-mutant-'));
  try {
    copyTree(root);
    mutate(root, mutation);
    return runTest(root, mutation);
  } finally {
    rmSync(root, { recursive: true });
  }
}

function copyTree(root: string): void {
  for (const path of COPIED) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    cpSync(join(REPOSITORY, path), join(root, path), { recursive: true });
  }
  for (const path of LINKED) {
    if (existsSync(join(REPOSITORY, path))) symlinkSync(join(REPOSITORY, path), join(root, path));
  }
}

/** Types are not checked: without a safeguard something may be unused. */
function mutate(root: string, { file, find, replace }: Mutation): void {
  const text = readFileSync(join(REPOSITORY, file), 'utf8');
  if (text.split(find).length !== 2) throw new Error(`${file} does not hold this once: ${find}`);
  const { outputText } = ts.transpileModule(
    text.replace(find, () => replace),
    { compilerOptions: { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext } },
  );
  const compiled = file.replace(/^src\//, 'dist/').replace(/\.ts$/, '.js');
  writeFileSync(join(root, compiled), outputText);
}

function runTest(root: string, { test, pattern, env }: Mutation): Failure | undefined {
  const args = [
    '--test',
    '--test-reporter=tap',
    ...(pattern === undefined ? [] : [`--test-name-pattern=${pattern}`]),
    `build/test/${test}`,
  ];
  const {
    status,
    stdout,
    error: fault,
  } = spawnSync(process.execPath, args, {
    cwd: root,
    env: { ...process.env, ...env, S3ISH_RELIABILITY: '' },
    encoding: 'utf8',
    timeout: RUN_MS_MAX,
    maxBuffer: 1024 ** 3,
  });
  // A run that hangs has noticed nothing.
  if (fault !== undefined) throw fault;
  if (status === 0) return undefined;
  const [, name = test, rest = ''] = /^ *not ok \d+ - (.*)$([^]*)/m.exec(stdout) ?? [];
  const [, error = ''] = /^ *error: (?:\|-\n *)?(.*)$/m.exec(rest) ?? [];
  return { failedTest: name, error };
}
