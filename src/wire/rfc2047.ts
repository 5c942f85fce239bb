/**
 * Text beyond ASCII in header values, as RFC 2047 encoded words.
 *
 * S3 decodes such words in user metadata and encodes what is not plain ASCII on the way out, so
 * that answers hold printable ASCII only whatever was stored.
 *
 * @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingMetadata.html#UserMetadata
 * @module
 */

const PRINTABLE_ASCII = /^[\t\x20-\x7e]*$/;
// Control, format, private and unassigned characters, and what invalid UTF-8 turned into.
const UNPRINTABLE = /[\p{C}\u{fffd}]/u;
// Each word takes the white space after it along when another word follows.
const ENCODED_WORDS = /=\?([\w-]+)\?([BbQq])\?([!->@-~]*)\?=(?:[ \t]+(?==\?[\w-]+\?[BbQq]\?))?/g;
const DECODABLE_CHARSETS: ReadonlyMap<string, BufferEncoding> = new Map([
  ['utf-8', 'utf8'],
  ['us-ascii', 'latin1'],
  ['iso-8859-1', 'latin1'],
]);

/** The value as a header can carry it: unchanged when it is printable ASCII. */
export function encodeRfc2047(text: string): string {
  if (PRINTABLE_ASCII.test(text)) return text;
  const bytes = Buffer.from(text, 'utf8');
  if (UNPRINTABLE.test(text)) return `=?UTF-8?B?${bytes.toString('base64')}?=`;
  let quoted = '';
  for (const byte of bytes) quoted += quotedByte(byte);
  return `=?UTF-8?Q?${quoted}?=`;
}

/** The text of a value that may hold encoded words; other values are returned unchanged. */
export function decodeRfc2047(value: string): string {
  if (!value.includes('=?')) return value;
  return value.replace(ENCODED_WORDS, (word, charset: string, encoding: string, text: string) => {
    const bufferEncoding = DECODABLE_CHARSETS.get(charset.toLowerCase());
    if (bufferEncoding === undefined) return word;
    const isBase64 = encoding.toUpperCase() === 'B';
    const bytes = isBase64 ? Buffer.from(text, 'base64') : unquotedBytes(text);
    return bytes.toString(bufferEncoding);
  });
}

function quotedByte(byte: number): string {
  if (byte === 0x20) return '_';
  const isSafe = byte > 0x20 && byte < 0x7f && byte !== 0x3d && byte !== 0x3f && byte !== 0x5f;
  if (isSafe) return String.fromCharCode(byte);
  return `=${byte.toString(16).toUpperCase().padStart(2, '0')}`;
}

function unquotedBytes(text: string): Buffer {
  const latin1 = text
    .replaceAll('_', ' ')
    .replace(/=([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)));
  return Buffer.from(latin1, 'latin1');
}
