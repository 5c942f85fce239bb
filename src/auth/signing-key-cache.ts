/**
 * Derived signing keys, kept for the day they are good for.
 *
 * Deriving a key takes four HMACs, more than the rest of a verification together. At the limit the
 * key unused for longest is dropped and derived again when it is needed.
 *
 * @module
 */

import { LRUCache } from 'lru-cache';

import { HmacSha256Key } from '../wire/hmac-sha256.js';
import { deriveSigningKey } from '../wire/sigv4.js';
import type { CredentialStore } from './credentials.js';

/** About 1 KiB each. */
const KEYS_COUNT_MAX = 1000;

/** Whose key, and what for. */
export interface SigningKeyName {
  readonly accessKey: string;
  readonly secretKey: string;
  /** `20130524`. */
  readonly date: string;
  readonly region: string;
}

/** The keys of one process. Empties itself when the credentials were reloaded. */
export class SigningKeyCache {
  readonly #keys: LRUCache<string, HmacSha256Key>;
  #generation = -1;
  #hitCount = 0;
  #missCount = 0;

  constructor(countMax = KEYS_COUNT_MAX) {
    this.#keys = new LRUCache({ max: countMax });
  }

  /** Keys held now. */
  get count(): number {
    return this.#keys.size;
  }

  get hitCount(): number {
    return this.#hitCount;
  }

  get missCount(): number {
    return this.#missCount;
  }

  /** The signing key of a credential that was looked up in `credentials` just now. */
  get(name: SigningKeyName, credentials: CredentialStore): HmacSha256Key {
    if (credentials.generation !== this.#generation) {
      // A secret may have been revoked: nothing derived from the old ones stays in memory.
      this.#keys.clear();
      this.#generation = credentials.generation;
    }
    // Dates have eight digits and access keys no spaces: no two names collide.
    const text = `${name.date}${name.accessKey} ${name.region}`;
    const known = this.#keys.get(text);
    if (known !== undefined) {
      this.#hitCount += 1;
      return known;
    }
    this.#missCount += 1;
    const key = new HmacSha256Key(deriveSigningKey(name.secretKey, name.date, name.region));
    this.#keys.set(text, key);
    return key;
  }
}
