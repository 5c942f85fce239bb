/**
 * Tables of the generated pages.
 *
 * @module
 */

/** A table in Markdown, with a line feed at its end. */
export function table(names: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(names), line(names.map(() => '---')), ...rows.map(line), ''].join('\n');
}
