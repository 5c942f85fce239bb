/**
 * Reads `s3ish.toml`, applies the command line on top, and refuses everything it does not know.
 *
 * All problems are reported at once, each with file, line, key and, for a name, the nearest one
 * that exists.
 *
 * @module
 */

import { existsSync, readFileSync } from 'node:fs';

import { parse, TomlError } from 'smol-toml';

import { ConfigError, type ConfigProblem } from './config-error.js';
import { locate } from './locate.js';
import type { Setting } from './setting.js';
import { SECTIONS, type Config } from './settings.js';
import { suggest } from './suggest.js';

/** Read when no file is named and it exists. */
export const DEFAULT_CONFIG_FILE = 's3ish.toml';

/** A setting given on the command line; it wins over the file. */
export interface Override {
  /** As typed, for messages: `--listen`. */
  readonly option: string;
  readonly section: string;
  readonly key: string;
  readonly value: unknown;
}

/**
 * Makes the configuration from defaults, file and command line, in rising priority.
 *
 * @param file - undefined takes `s3ish.toml` of the working directory, or defaults without it.
 * @throws {ConfigError} with every problem found.
 */
export function loadConfig(file: string | undefined, overrides: readonly Override[] = []): Config {
  const name = file ?? (existsSync(DEFAULT_CONFIG_FILE) ? DEFAULT_CONFIG_FILE : undefined);
  const problems: ConfigProblem[] = [];
  const values =
    name === undefined ? emptyValues() : fileValues(name, readConfigFile(name), problems);
  for (const override of overrides) applyOverride(values, override, problems);
  return checked(values, problems);
}

/** Reads a configuration from text; `source` names it in messages. @throws {ConfigError} */
export function parseConfig(source: string, tomlText: string): Config {
  const problems: ConfigProblem[] = [];
  const values = fileValues(source, tomlText, problems);
  return checked(values, problems);
}

type Values = Record<string, Record<string, unknown>>;

/** Every value in `values` is a default or passed its setting's schema: that is what Config says. */
function checked(values: Values, problems: readonly ConfigProblem[]): Config {
  if (problems.length > 0) throw new ConfigError(problems);
  return values as unknown as Config;
}

function readConfigFile(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const message = `the file cannot be read: ${(error as Error).message}`;
    throw new ConfigError([{ source: file, line: undefined, message }], { cause: error });
  }
}

function emptyValues(): Values {
  const values: Values = {};
  for (const [section, settings] of Object.entries(SECTIONS)) {
    values[section] = {};
    for (const [key, setting] of Object.entries(settings)) values[section][key] = setting.default;
  }
  return values;
}

function fileValues(source: string, tomlText: string, problems: ConfigProblem[]): Values {
  const values = emptyValues();
  const problem = (path: readonly string[], message: string): void => {
    problems.push({ source, line: locate(tomlText, path), message });
  };
  for (const [section, content] of Object.entries(parseToml(source, tomlText))) {
    if (!Object.hasOwn(SECTIONS, section)) {
      problem([section], unknownSection(section, isTable(content)));
    } else if (!isTable(content)) {
      problem([section], `${section} is a section; write [${section}] and its settings below`);
    } else {
      for (const [key, value] of Object.entries(content)) {
        const message = valueProblem(section, key, value);
        if (message !== undefined) problem([section, key], message);
        else (values[section] ??= {})[key] = value;
      }
    }
  }
  return values;
}

function parseToml(source: string, tomlText: string): Record<string, unknown> {
  try {
    return parse(tomlText);
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    // The parser adds a drawing of the place below the first line; file and line say it shorter.
    const message = error.message.split('\n', 1)[0] ?? 'the file is not valid TOML';
    throw new ConfigError([{ source, line: error.line, message }], { cause: error });
  }
}

function isTable(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function applyOverride(values: Values, override: Override, problems: ConfigProblem[]): void {
  const { option, section, key, value } = override;
  const message = valueProblem(section, key, value);
  if (message !== undefined) problems.push({ source: option, line: undefined, message });
  else (values[section] ??= {})[key] = value;
}

function valueProblem(section: string, key: string, value: unknown): string | undefined {
  const settings = SECTIONS[section] ?? {};
  const setting = Object.hasOwn(settings, key) ? settings[key] : undefined;
  if (setting === undefined) return unknownKey(section, key);
  const { error } = setting.schema.safeParse(value);
  if (error === undefined) return undefined;
  const index = error.issues[0]?.path[0];
  if (typeof index === 'number' && Array.isArray(value)) {
    return `${section}.${key}[${index}]: expected ${setting.elementExpected}, got ${show(value[index])}`;
  }
  return `${section}.${key}: expected ${setting.expected}, got ${show(value)}`;
}

function unknownSection(section: string, isTableLike: boolean): string {
  if (!isTableLike) {
    const home = sectionOf(section);
    if (home !== undefined) return `unknown setting ${section}; it belongs below [${home}]`;
    return `unknown setting ${section}; settings belong below a section such as [server]`;
  }
  const near = suggest(section, Object.keys(SECTIONS));
  return `unknown section [${section}]${near === undefined ? '' : `; did you mean [${near}]?`}`;
}

function unknownKey(section: string, key: string): string {
  const unknown = `unknown setting ${section}.${key}`;
  const home = sectionOf(key);
  if (home !== undefined) return `${unknown}; it belongs below [${home}]`;
  const near = suggest(key, Object.keys(SECTIONS[section] ?? {}));
  if (near !== undefined) return `${unknown}; did you mean ${section}.${near}?`;
  const everywhere = Object.entries(SECTIONS).flatMap(settingNames);
  const far = suggest(`${section}.${key}`, everywhere);
  return far === undefined ? unknown : `${unknown}; did you mean ${far}?`;
}

/** The only section that has the key, if there is just one. */
function sectionOf(key: string): string | undefined {
  const homes = Object.entries(SECTIONS).filter(([, settings]) => Object.hasOwn(settings, key));
  return homes.length === 1 ? homes[0]?.[0] : undefined;
}

function settingNames([section, settings]: [string, Readonly<Record<string, Setting<unknown>>>]) {
  return Object.keys(settings).map((key) => `${section}.${key}`);
}

function show(value: unknown): string {
  const text = JSON.stringify(value);
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}
