/**
 * What is wrong with a configuration, said so that it can be mended without a manual.
 *
 * @module
 */

/** One mistake. */
export interface ConfigProblem {
  /** File as named by the operator, or the command-line option. */
  readonly source: string;
  /** 1-based; undefined outside a file. */
  readonly line: number | undefined;
  readonly message: string;
}

/** The configuration cannot be used. The message has one line per problem. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';

  constructor(
    readonly problems: readonly ConfigProblem[],
    options?: ErrorOptions,
  ) {
    super(problems.map(describe).join('\n'), options);
  }
}

function describe({ source, line, message }: ConfigProblem): string {
  return line === undefined ? `${source}: ${message}` : `${source}:${line}: ${message}`;
}
