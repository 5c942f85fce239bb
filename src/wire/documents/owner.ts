/**
 * The owner of a bucket, object or upload, as documents show it.
 *
 * Only the id: DisplayName has gone from the answers of AWS.
 *
 * @module
 */

/** `Owner` or `Initiator` with its id. */
export function ownerElement(name: 'Initiator' | 'Owner', ownerId: string): string {
  return `<${name}><ID>${ownerId}</ID></${name}>`;
}
