/**
 * What the fields of a browser form say about the object: its key, and what PutObject takes from
 * headers.
 *
 * @see https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-HTTPPOSTForms.html
 * @module
 */

import { S3Error } from '../s3/errors.js';
import { assertKey } from '../s3/names.js';
import type { FormHead } from './form-decoder.js';
import type { Headers } from './headers.js';

const FILENAME_VARIABLE = '${filename}';
const PATH_SEPARATORS = /^[^]*[/\\]/;
const AMZ_PREFIX = 'x-amz-';

/** Fields that are headers of PutObject under the same name. */
const HEADER_FIELDS: ReadonlySet<string> = new Set([
  'cache-control',
  'content-disposition',
  'content-encoding',
  'content-language',
  'content-md5',
  'content-type',
  'expires',
]);

/** Fields of the signature, and headers that frame a body, which a file in a form has not. */
const NO_HEADERS: ReadonlySet<string> = new Set([
  'x-amz-algorithm',
  'x-amz-content-sha256',
  'x-amz-credential',
  'x-amz-date',
  'x-amz-decoded-content-length',
  'x-amz-signature',
  'x-amz-trailer',
]);

/**
 * The key under which the file is to be stored, `${filename}` replaced.
 *
 * A file without a name leaves the variable as it is, as on AWS.
 *
 * Its limit is checked here: a short form can make a key of millions of characters.
 *
 * @throws {S3Error} InvalidArgument when there is no key; InvalidURI, KeyTooLongError.
 */
export function formKey({ fields, filename }: FormHead): string {
  const key = fields.get('key');
  if (key === undefined) throw missingField('key');
  if (key === '') {
    const details = { ArgumentName: 'key', ArgumentValue: '' };
    const message = 'User key must have a length greater than 0.';
    throw new S3Error('InvalidArgument', details, { message });
  }
  const filled = filename === undefined ? key : fillIn(key, filename);
  assertKey(filled);
  return filled;
}

function fillIn(key: string, filename: string): string {
  // What a browser says of the user's directories is no part of the name.
  const name = filename.replace(PATH_SEPARATORS, '');
  return key.replaceAll(FILENAME_VARIABLE, () => name);
}

/** The fields that PutObject would take as headers. */
export function formHeaders(fields: ReadonlyMap<string, string>): Headers {
  const headers = new Map<string, string>();
  for (const [name, value] of fields) {
    if (name === 'acl') headers.set('x-amz-acl', value);
    else if (HEADER_FIELDS.has(name)) headers.set(name, value);
    else if (name.startsWith(AMZ_PREFIX) && !NO_HEADERS.has(name)) headers.set(name, value);
  }
  return headers;
}

/**
 * The error of a form without a field that every form must have.
 *
 * @param name - as AWS spells it.
 */
export function missingField(name: string): S3Error {
  const message = `Bucket POST must contain a field named '${name}'.  If it is specified, please check the order of the fields.`;
  return new S3Error('InvalidArgument', { ArgumentName: name, ArgumentValue: '' }, { message });
}
