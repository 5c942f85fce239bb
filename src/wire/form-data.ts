/**
 * The two places of `multipart/form-data` that describe a form: the Content-Type of the request,
 * and the head of each part.
 *
 * @see https://www.rfc-editor.org/rfc/rfc7578
 * @see https://www.rfc-editor.org/rfc/rfc2046#section-5.1
 * @module
 */

import { S3Error } from '../s3/errors.js';

/** RFC 2046: 1 to 70 characters. */
const BOUNDARY = /^[0-9A-Za-z'()+_,./:=? -]{0,69}[0-9A-Za-z'()+_,./:=?-]$/;
const FORM_TYPE = 'multipart/form-data';
// In both, what follows white space cannot be white space: matching takes linear time.
const PARAMETER = /\s*;\s*([\w!#$%&'*+.^`|~-]+)=(?:"((?:[^"\\]|\\[^])*)"|([^\s;"]*))/y;
const PARAMETERS_END = /^\s*(?:;\s*)?$/;

/** What the head of a part says. */
export interface PartHead {
  readonly name: string;
  /** Undefined when there is none, which is not the same as an empty one. */
  readonly filename: string | undefined;
}

/** Says whether a request carries a form, be it well-formed or not. */
export function isFormType(contentType: string | undefined): boolean {
  return contentType?.split(';', 1)[0]?.trim().toLowerCase() === FORM_TYPE;
}

/**
 * The boundary that a Content-Type announces.
 *
 * @throws {S3Error} MalformedPOSTRequest when there is none, or one that no sender may use.
 */
export function formBoundary(contentType: string): string {
  const start = contentType.indexOf(';');
  const parameters = start === -1 ? undefined : parseParameters(contentType.slice(start));
  const boundary = parameters?.get('boundary');
  if (boundary === undefined || !BOUNDARY.test(boundary)) throw new S3Error('MalformedPOSTRequest');
  return boundary;
}

/**
 * Reads the head of a part: its name decides what it is, never its file name.
 *
 * @param head - lines with their CRLF between them.
 * @throws {S3Error} MalformedPOSTRequest.
 */
export function parsePartHead(head: string): PartHead {
  let disposition: string | undefined;
  for (const line of head.split('\r\n')) {
    const colon = line.indexOf(':');
    if (colon < 1) throw new S3Error('MalformedPOSTRequest');
    if (line.slice(0, colon).trim().toLowerCase() !== 'content-disposition') continue;
    // Two of them would be two names for one part.
    if (disposition !== undefined) throw new S3Error('MalformedPOSTRequest');
    disposition = line.slice(colon + 1).trim();
  }
  const match = /^form-data(?=[\s;])/i.exec(disposition ?? '');
  if (match === null) throw new S3Error('MalformedPOSTRequest');
  const parameters = parseParameters(disposition?.slice(match[0].length) ?? '');
  const name = parameters?.get('name');
  if (name === undefined) throw new S3Error('MalformedPOSTRequest');
  return { name, filename: parameters?.get('filename') };
}

/** Parameters by lower-case name, or undefined when they are malformed or repeated. */
function parseParameters(text: string): ReadonlyMap<string, string> | undefined {
  const parameters = new Map<string, string>();
  PARAMETER.lastIndex = 0;
  let end = 0;
  for (;;) {
    const match = PARAMETER.exec(text);
    if (match === null) break;
    end = PARAMETER.lastIndex;
    const [, name = '', quoted, token = ''] = match;
    if (parameters.has(name.toLowerCase())) return undefined;
    // A backslash escapes a quote and nothing else: old browsers send whole Windows paths.
    parameters.set(name.toLowerCase(), quoted?.replaceAll('\\"', '"') ?? token);
  }
  return PARAMETERS_END.test(text.slice(end)) ? parameters : undefined;
}
