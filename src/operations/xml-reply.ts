/**
 * A 200 with a document.
 *
 * @module
 */

import type { Reply } from './operation.js';

export function xmlReply(document: string): Reply {
  return { status: 200, headers: { 'content-type': 'application/xml' }, body: document };
}
