/**
 * Keys that clients and servers like to confuse. All of them exist beside each other.
 *
 * @module
 */

/** Only an API client can express all of them. */
export const AWKWARD_KEYS: readonly string[] = [
  'plain.txt',
  'with space.txt',
  ' leading and trailing ',
  'plus+sign.txt',
  'percent%20sign.txt',
  '100%',
  'double//slash.txt',
  '/leading-slash.txt',
  'trailing-slash/',
  'a',
  'a/',
  'a/b',
  'ünïcode-ключ-鍵-😀.txt',
  `quotes'"and&=?#;$@[]{}|^~\`<>.txt`,
  longKey(),
];

/** Those that are names of files of one directory tree. */
export const FILE_KEYS: readonly string[] = [
  'plain.txt',
  'with space.txt',
  'plus+sign.txt',
  'percent%20sign.txt',
  '100%',
  'a',
  'a.d/b',
  'a-beside/b',
  'deep/er/and/deeper.txt',
  'ünïcode-ключ-鍵-😀.txt',
  `quotes'"and&=?#;$@[]{}|^~\`<>.txt`,
  longKey(),
];

/** 1,024 bytes, the most S3 takes, in names a file system takes. */
function longKey(): string {
  const folder = 'k'.repeat(200);
  const key = [folder, folder, folder, folder, folder, 'end-of-1024-bytes!'].join('/');
  return key + '.'.repeat(1024 - key.length);
}
