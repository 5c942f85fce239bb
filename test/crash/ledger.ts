/**
 * What a store may hold after a crash, key by key: the last acknowledged version, or any version
 * whose write was under way since.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';

import type { CompletedPart } from '@aws-sdk/client-s3';

/** What reading an object shows. */
export interface Content {
  /** Without quotes. */
  readonly etag: string;
  readonly sizeBytes: number;
  /** Of the bytes; the ETag of a copy. */
  readonly md5Hex: string;
}

/** One version of an object as a client can tell it from others. */
export interface Version extends Content {
  /** Value of its one tag; empty when it has none. */
  readonly tag: string;
}

/** What a key holds; undefined is nothing. */
export type State = Version | undefined;

/** A multipart upload that was acknowledged and whose end was not. */
export interface OpenUpload {
  readonly key: string;
  readonly uploadId: string;
  /** Acknowledged parts by number, with their sizes. */
  readonly parts: Map<number, { readonly etag: string; readonly sizeBytes: number }>;
  /** Set once the completion was asked for: what it was asked for, and what it must make. */
  completion?: { readonly parts: CompletedPart[]; readonly version: Version };
}

export class Ledger {
  /** Uploads in progress, by upload id. */
  readonly uploads = new Map<string, OpenUpload>();
  readonly #possible = new Map<string, State[]>();
  /** Every content that was ever sent, by key. */
  readonly #sent = new Map<string, Set<string>>();
  readonly #attempts = new Map<string, number>();
  #acknowledgedCount = 0;

  get acknowledgedCount(): number {
    return this.#acknowledgedCount;
  }

  keys(): string[] {
    return [...this.#possible.keys()];
  }

  possible(key: string): readonly State[] {
    return this.#possible.get(key) ?? [undefined];
  }

  /** The one state the key can be in; undefined when several are possible. */
  known(key: string): { readonly state: State } | undefined {
    const [first, ...others] = this.possible(key);
    return others.length === 0 ? { state: first } : undefined;
  }

  /** A request that makes `state` goes out. */
  attempt(key: string, state: State): void {
    this.#possible.set(key, [...this.possible(key), state]);
    this.#attempts.set(key, this.attemptsCount(key) + 1);
    const sent = this.#sent.get(key) ?? new Set();
    this.#sent.set(key, state === undefined ? sent : sent.add(contentText(state)));
  }

  /** The request was answered with success. */
  acknowledge(key: string, state: State): void {
    this.#acknowledgedCount += 1;
    this.#possible.set(key, [state]);
  }

  /** The key was looked at when nothing was under way. @throws when it may not hold that. */
  observe(key: string, state: State): void {
    const possible = this.possible(key);
    assert(
      possible.some((one) => textOf(one) === textOf(state)),
      `${key} holds ${textOf(state)}, not one of ${possible.map(textOf).join(' | ')}`,
    );
    this.#possible.set(key, [state]);
  }

  /** How many writes of a key went out; what is read before another does is one of `possible`. */
  attemptsCount(key: string): number {
    return this.#attempts.get(key) ?? 0;
  }

  /**
   * The key was read under load. Unless a write went out meanwhile, what was seen is durable:
   * states before it are possible no more.
   *
   * @param attemptsCount - of the key, before the read.
   * @throws when nobody ever sent that.
   */
  glimpse(key: string, content: Content | undefined, attemptsCount: number): void {
    if (content !== undefined) {
      const isKnown = this.#sent.get(key)?.has(contentText(content)) ?? false;
      assert(isKnown, `${key} showed ${contentText(content)}, which nobody sent`);
    }
    if (this.attemptsCount(key) !== attemptsCount) return;
    const possible = this.possible(key);
    const seen = possible.findIndex((state) => isContent(state, content));
    if (seen > 0) this.#possible.set(key, possible.slice(seen));
  }
}

/** The version that a PUT of these bytes makes. */
export function versionOf(bytes: Uint8Array): Version {
  const md5Hex = md5(bytes);
  return { etag: md5Hex, sizeBytes: bytes.byteLength, md5Hex, tag: '' };
}

/** The version that completing these parts makes. */
export function multipartVersionOf(parts: readonly Uint8Array[]): Version {
  const whole = Buffer.concat(parts);
  const digests = Buffer.concat(parts.map((part) => Buffer.from(md5(part), 'hex')));
  return {
    etag: `${md5(digests)}-${parts.length}`,
    sizeBytes: whole.byteLength,
    md5Hex: md5(whole),
    tag: '',
  };
}

export function md5(bytes: Uint8Array): string {
  return createHash('md5').update(bytes).digest('hex');
}

function textOf(state: State): string {
  return state === undefined ? 'nothing' : `${contentText(state)} ${state.tag}`;
}

function isContent(state: State, content: Content | undefined): boolean {
  if (state === undefined || content === undefined) return state === content;
  return contentText(state) === contentText(content);
}

function contentText({ etag, sizeBytes, md5Hex }: Content): string {
  return `${etag}/${sizeBytes}/${md5Hex}`;
}
