/**
 * The kinds of setting that `s3ish.toml` can hold.
 *
 * A setting knows its default, how to check a value, and how to say in words what it accepts; the
 * words serve the error message and the documentation alike, so the two cannot differ.
 *
 * @module
 */

import { z } from 'zod';

import { parseAddress } from '../util/address.js';

/** One key of a section. */
export interface Setting<Value> {
  readonly schema: z.ZodType<Value>;
  readonly default: Value;
  /** What the value must be, to follow the words "expected". */
  readonly expected: string;
  /** The same for one element of a list. */
  readonly elementExpected?: string;
  /** One or two sentences for the operator. */
  readonly description: string;
}

/** A whole number between two bounds, both allowed. */
export function integer(
  defaultValue: number,
  [min, max]: readonly [number, number],
  description: string,
): Setting<number> {
  return {
    schema: z.int().min(min).max(max),
    default: defaultValue,
    expected: `a whole number from ${min} to ${max}`,
    description,
  };
}

/** `true` or `false`. */
export function flag(defaultValue: boolean, description: string): Setting<boolean> {
  return { schema: z.boolean(), default: defaultValue, expected: 'true or false', description };
}

/** One of a few words. */
export function choice<const Word extends string>(
  defaultValue: NoInfer<Word>,
  words: readonly Word[],
  description: string,
): Setting<Word> {
  return {
    schema: z.enum(words),
    default: defaultValue,
    expected: words.map((word) => `"${word}"`).join(' or '),
    description,
  };
}

/** A host and a port, `127.0.0.1:9000` or `[::1]:9000`. */
export function address(defaultValue: string, description: string): Setting<string> {
  return {
    schema: z.string().refine((text) => parseAddress(text) !== undefined),
    default: defaultValue,
    expected: 'an address such as "127.0.0.1:9000" or "[::1]:9000"',
    description,
  };
}

/** A path of the file system; NUL bytes are refused, emptiness where it has no meaning too. */
export function path(
  defaultValue: string,
  options: { readonly canBeEmpty: boolean },
  description: string,
): Setting<string> {
  return {
    schema: z
      .string()
      .refine((text) => !text.includes('\0') && (options.canBeEmpty || text !== '')),
    default: defaultValue,
    expected: options.canBeEmpty ? 'a path, or "" for none' : 'a path',
    description,
  };
}

/** Text of a given form. */
export function text(
  defaultValue: string,
  form: { readonly pattern: RegExp; readonly expected: string },
  description: string,
): Setting<string> {
  return {
    schema: z.string().regex(form.pattern),
    default: defaultValue,
    expected: form.expected,
    description,
  };
}

/** A list of texts, each of a given form; empty unless the file says otherwise. */
export function list(
  form: {
    readonly accepts: (text: string) => boolean;
    /** Names one element: `a host name such as "s3.example.com"`. */
    readonly expected: string;
    readonly countMax: number;
  },
  description: string,
): Setting<readonly string[]> {
  return {
    schema: z.array(z.string().refine(form.accepts)).max(form.countMax),
    default: [],
    expected: `a list of at most ${form.countMax}, each ${form.expected}`,
    elementExpected: form.expected,
    description,
  };
}
