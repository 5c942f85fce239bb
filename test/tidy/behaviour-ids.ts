/**
 * Which tests name which ids: read from the sources for the generated pages, and from the names of
 * tests that ran for the count.
 *
 * @module
 */

import { BAD_INPUTS } from './bad-inputs.js';
import { BEHAVIOURS, LATER } from './behaviours.js';
import { sourceFiles } from './source-files.js';

/** Every id with its line. */
export const IDS: Readonly<Record<string, string>> = { ...BEHAVIOURS, ...BAD_INPUTS };

const LATER_IDS: ReadonlySet<string> = new Set(Object.values(LATER).flat());

/** Ids that must have a test: all but those of features that are not offered. */
export const IDS_IN_SCOPE: readonly string[] = Object.keys(IDS).filter((id) => !LATER_IDS.has(id));

/** Says whether an id is one of the catalogue of bad inputs. */
export function isBadInput(id: string): boolean {
  return id in BAD_INPUTS;
}

const ID_LIST = '(?:BI-[0-9]{3}|[A-Z][0-9]{2})(?: (?:BI-[0-9]{3}|[A-Z][0-9]{2}))*';
const NAME = new RegExp(`^${ID_LIST}(?= |$)`);
// A name, or the cell of a table. What a table fills in may come first.
const LITERAL = new RegExp(`(?<=['"\`](?:\\$\\{[\\w.]+\\} )?)${ID_LIST}(?=[ '"\`])`, 'g');

/** Suites whose tests prove ids: they talk to a server as clients do, and `make test` runs them. */
const PROVING = /^test\/(operations|contract|consistency|crash)\/.*\.(test|suite)\.ts$/;

/** The ids at the start of a test's name. */
export function idsOfName(name: string): readonly string[] {
  return NAME.exec(name)?.[0].split(' ') ?? [];
}

/** Id to the files of `make test` that hold a test named by it, unknown ids too. */
export function filesOfIds(): ReadonlyMap<string, readonly string[]> {
  const files = new Map<string, string[]>();
  for (const { path, text } of sourceFiles('test', '.ts')) {
    if (!PROVING.test(path)) continue;
    for (const id of idsOfSource(text)) {
      files.set(id, [...(files.get(id) ?? []), path]);
    }
  }
  return files;
}

/** The ids that start a literal of a source: a name, its start, or the cell of a table. */
export function idsOfSource(text: string): ReadonlySet<string> {
  return new Set([...text.matchAll(LITERAL)].flatMap(([ids]) => ids.split(' ')));
}
