/**
 * Key pairs that anybody could guess.
 *
 * @module
 */

/**
 * Secrets of manuals, demos and the defaults of other servers, in lower case. Short ones such as
 * `minioadmin` need no entry: their length gives them away.
 */
const KNOWN_SECRETS: ReadonlySet<string> = new Set([
  'wjalrxutnfemi/k7mdeng/bpxrficyexamplekey',
  'je7mtgbclwbf/2zp9utk/h3yco8nvbexamplekey',
  'zuf+tfteslswru7bj86wekitnifilbzam1kyy3tg',
  'h7ghxubltrlhvuyxspukuv8r/2ei4ngqjxd7ibdbylhwlun30jat3q==',
  'minio-secret-key-change-me',
  'secret-access-key',
  'your-secret-access-key',
]);

/** Below this a secret is a word, not a key. */
const SECRET_LENGTH_MIN = 16;
/** Fewer different characters than this are a pattern. */
const SECRET_VARIETY_MIN = 6;

/** Says why a pair is unfit for a network, or undefined when nothing speaks against it. */
export function weakness(accessKey: string, secret: string): string | undefined {
  const lower = secret.toLowerCase();
  if (KNOWN_SECRETS.has(lower)) return 'its secret is well known';
  if (lower === accessKey.toLowerCase()) return 'its secret equals the access key';
  if (secret.length < SECRET_LENGTH_MIN) {
    return `its secret has ${secret.length} characters; use ${SECRET_LENGTH_MIN} or more`;
  }
  if (new Set(lower).size < SECRET_VARIETY_MIN) return 'its secret repeats a few characters';
  return undefined;
}
