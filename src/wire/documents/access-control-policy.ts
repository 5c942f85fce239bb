/**
 * `AccessControlPolicy`: the one access control list that a bucket or object can have here.
 *
 * @see https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketAcl.html
 * @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/about-object-ownership.html
 * @module
 */

import { S3Error } from '../../s3/errors.js';
import { DOCUMENT_BYTES_MAX } from '../../s3/limits.js';
import { childOf, childText, readXml, type XmlElement } from '../xml-reader.js';
import { xmlDocument } from '../xml-writer.js';
import { ownerElement } from './owner.js';

const XSI = 'http://www.w3.org/2001/XMLSchema-instance';
const FULL_CONTROL = 'FULL_CONTROL';
const PERMISSIONS: ReadonlySet<string> = new Set([
  FULL_CONTROL,
  'READ',
  'READ_ACP',
  'WRITE',
  'WRITE_ACP',
]);

/** The list that grants everything to the owner and nothing to anybody else. */
export function accessControlPolicyDocument(ownerId: string): string {
  const grantee = `<Grantee xmlns:xsi="${XSI}" xsi:type="CanonicalUser"><ID>${ownerId}</ID></Grantee>`;
  const grant = `<Grant>${grantee}<Permission>${FULL_CONTROL}</Permission></Grant>`;
  return xmlDocument(
    'AccessControlPolicy',
    `${ownerElement('Owner', ownerId)}<AccessControlList>${grant}</AccessControlList>`,
  );
}

/**
 * Accepts a list that says what holds anyway.
 *
 * @throws {S3Error} AccessControlListNotSupported, MalformedACLError.
 */
export function assertOwnersPolicy(document: string, ownerId: string): void {
  const root = readPolicy(document);
  const owner = childOf(root, 'Owner');
  const list = childOf(root, 'AccessControlList');
  if (owner === undefined || list === undefined) throw malformed();
  const grants = list.children.map(grantOf);
  const [grant] = grants;
  const isOwners =
    childText(owner, 'ID') === ownerId &&
    grants.length === 1 &&
    grant?.granteeId === ownerId &&
    grant.permission === FULL_CONTROL;
  if (!isOwners) throw new S3Error('AccessControlListNotSupported');
}

function readPolicy(document: string): XmlElement {
  try {
    return readXml(document, { root: 'AccessControlPolicy', charactersMax: DOCUMENT_BYTES_MAX });
  } catch (cause) {
    if (cause instanceof S3Error && cause.code === 'MalformedXML') throw malformed(cause);
    throw cause;
  }
}

/** The grantee may also be a group or an e-mail address, which have no id. */
function grantOf(element: XmlElement) {
  const grantee = childOf(element, 'Grantee');
  const permission = childText(element, 'Permission');
  const isKnown = permission !== undefined && PERMISSIONS.has(permission);
  if (element.name !== 'Grant' || grantee === undefined || !isKnown) throw malformed();
  return { granteeId: childText(grantee, 'ID'), permission };
}

function malformed(cause?: unknown): S3Error {
  return new S3Error('MalformedACLError', {}, { cause });
}
