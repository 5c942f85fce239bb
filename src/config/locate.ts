/**
 * Finds the line of a setting in the text of a TOML file that was parsed already.
 *
 * The TOML parser gives values without positions. This scan knows headers, plain and dotted keys,
 * which is all that a file of settings uses; for anything stranger it answers with the closest
 * line it is sure of.
 *
 * @module
 */

const HEADER = /^\s*\[\s*([^[\]]+?)\s*\]/;
const KEY = /^\s*([A-Za-z0-9_."'\s-]+?)\s*=/;

/** @returns the 1-based line of `path` (section, key), of its section, or 1. */
export function locate(tomlText: string, path: readonly string[]): number {
  const wanted = path.join('.');
  let section = '';
  let sectionLine = 1;
  for (const [index, line] of tomlText.split('\n').entries()) {
    const header = HEADER.exec(line)?.[1];
    const key = KEY.exec(line)?.[1];
    if (header !== undefined) section = plain(header);
    else if (key === undefined) continue;

    const here = header !== undefined ? section : join(section, plain(key ?? ''));
    if (here === wanted) return index + 1;
    // An inline table or a dotted key can hold the wanted one; its own line is the best answer.
    if (wanted.startsWith(`${here}.`)) sectionLine = index + 1;
  }
  return sectionLine;
}

function plain(dotted: string): string {
  return dotted
    .split('.')
    .map((name) => name.trim().replace(/^(["'])(.*)\1$/, '$2'))
    .join('.');
}

function join(section: string, key: string): string {
  return section === '' ? key : `${section}.${key}`;
}
