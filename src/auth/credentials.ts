/**
 * Access keys, their secrets and the accounts they belong to.
 *
 * ```text
 * # comment
 * access_key:secret_key
 * access_key:secret_key:account
 * ```
 *
 * @module
 */

import { randomBytes, randomInt } from 'node:crypto';

/** One key pair. */
export interface Credential {
  readonly accessKey: string;
  readonly secretKey: string;
  /** Keys of one account share its buckets. */
  readonly account: string;
}

const DEFAULT_ACCOUNT = 'main';
const ACCESS_KEY_CHARACTERS_MIN = 3;
const SECRET_KEY_CHARACTERS_MIN = 8;
const ROOT_ACCESS_KEY_CHARACTERS = 20;
const ROOT_ACCESS_KEY_ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789';
/** Makes 40 characters of base64url. */
const ROOT_SECRET_KEY_BYTES = 30;

const LINE_END = /\r?\n/;
// The characters of a header value; an access key stands in one, and a comma would end it there.
const ACCESS_KEY = /^[\x21-\x2b\x2d-\x7e]+$/;
const PRINTABLE = /^[\x20-\x7e]+$/;

/**
 * Reads a credentials file. Blank lines and lines that start with `#` mean nothing.
 *
 * @param file - how errors call the file.
 * @throws {Error} with `file:line`, never with a secret.
 */
export function parseCredentialsFile(text: string, file = 'credentials'): readonly Credential[] {
  const credentials = new Map<string, Credential>();
  for (const [index, rawLine] of text.split(LINE_END).entries()) {
    const line = rawLine.trim();
    if (line === '' || line.startsWith('#')) continue;
    const credential = parseLine(line);
    const reason =
      typeof credential === 'string' || !credentials.has(credential.accessKey)
        ? credential
        : 'the access key stands above already';
    if (typeof reason === 'string') throw new Error(`${file}:${index + 1}: ${reason}`);
    credentials.set(reason.accessKey, reason);
  }
  return [...credentials.values()];
}

/** Makes a key pair from the system's randomness. */
export function generateRootCredentials(): Credential {
  let accessKey = '';
  while (accessKey.length < ROOT_ACCESS_KEY_CHARACTERS) {
    accessKey += ROOT_ACCESS_KEY_ALPHABET.charAt(randomInt(ROOT_ACCESS_KEY_ALPHABET.length));
  }
  const secretKey = randomBytes(ROOT_SECRET_KEY_BYTES).toString('base64url');
  return { accessKey, secretKey, account: DEFAULT_ACCOUNT };
}

/** The key pairs in force; replaced as a whole when the operator reloads them. */
export class CredentialStore {
  #byAccessKey: ReadonlyMap<string, Credential>;
  #generation = 0;

  constructor(credentials: readonly Credential[]) {
    this.#byAccessKey = byAccessKey(credentials);
  }

  /** Grows with every reload, so that what was derived from old secrets can be dropped. */
  get generation(): number {
    return this.#generation;
  }

  /** The key pair of an access key, or undefined when nobody has it. */
  lookup(accessKey: string): Credential | undefined {
    return this.#byAccessKey.get(accessKey);
  }

  /** Replaces all key pairs; requests authenticated before are not affected. */
  reload(credentials: readonly Credential[]): void {
    this.#byAccessKey = byAccessKey(credentials);
    this.#generation += 1;
  }
}

function byAccessKey(credentials: readonly Credential[]): ReadonlyMap<string, Credential> {
  return new Map(credentials.map((credential) => [credential.accessKey, credential]));
}

/** @returns the reason as text when the line is refused. */
function parseLine(line: string): Credential | string {
  const fields = line.split(':').map((field) => field.trim());
  const [accessKey = '', secretKey = '', account = DEFAULT_ACCOUNT] = fields;
  if (fields.length < 2 || fields.length > 3) return 'expected access_key:secret_key[:account]';
  if (accessKey.length < ACCESS_KEY_CHARACTERS_MIN) {
    return `the access key is shorter than ${ACCESS_KEY_CHARACTERS_MIN} characters`;
  }
  if (secretKey.length < SECRET_KEY_CHARACTERS_MIN) {
    return `the secret key is shorter than ${SECRET_KEY_CHARACTERS_MIN} characters`;
  }
  if (account === '') return 'the account is empty';
  if (!ACCESS_KEY.test(accessKey)) {
    return 'the access key may hold printable ASCII characters other than space and comma';
  }
  if (PRINTABLE.test(secretKey) && PRINTABLE.test(account)) {
    return { accessKey, secretKey, account };
  }
  return 'secret key and account may hold printable ASCII characters only';
}
