/**
 * Names under which a server is published: domains and the URLs of endpoints.
 *
 * @module
 */

/** Domains and endpoints that can be declared, each. */
export const DECLARED_NAMES_COUNT_MAX = 8;

/** One URL under which clients reach the server, taken apart. */
export interface Endpoint {
  readonly scheme: 'http' | 'https';
  /** As a client puts it into `Host`: lower-case, with the port unless it is the scheme's own. */
  readonly host: string;
  /** `/storage`, or empty. Holds only characters that no signature escapes. */
  readonly prefix: string;
}

const HOST_NAME_CHARS_MAX = 253;
const HOST_NAME =
  /^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
const NUMERIC_END = /(?:^|\.)[0-9]+$/;
const ENDPOINT = /^https?:\/\/([^/?#@\s\\]+)((?:\/[A-Za-z0-9._~-]+)*)\/?$/;
const DOT_SEGMENT = /\/\.{1,2}(?:\/|$)/;

/** Says whether the text is a lower-case host name; an IP address is none. */
export function isHostName(text: string): boolean {
  return text.length <= HOST_NAME_CHARS_MAX && HOST_NAME.test(text) && !NUMERIC_END.test(text);
}

/** Reads `https://files.example.com/storage/`; undefined when the text is no such URL. */
export function parseEndpoint(text: string): Endpoint | undefined {
  const match = ENDPOINT.exec(text);
  const prefix = match?.[2] ?? '';
  if (match === null || DOT_SEGMENT.test(prefix) || !URL.canParse(text)) return undefined;
  const { protocol, host } = new URL(text);
  return { scheme: protocol === 'https:' ? 'https' : 'http', host, prefix };
}
