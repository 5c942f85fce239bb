/**
 * Writes XML documents as text, straight into strings: a page of 1,000 keys builds no tree.
 *
 * Characters that XML 1.0 cannot hold in any form are written as U+FFFD, so every document is
 * well-formed. AWS writes references such as `&#x1;`, which conforming parsers refuse; clients
 * that need such keys exactly ask for `encoding-type=url`, as on AWS.
 *
 * @see https://www.w3.org/TR/xml/#charsets
 * @module
 */

/** First line of every document. */
export const XML_DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n';

const NAMESPACE = 'http://s3.amazonaws.com/doc/2006-03-01/';

// What cannot be written as it is: markup, what parsers would normalise, what XML forbids.
const SPECIAL = /[&<>"\p{Surrogate}\ufffe\uffff]|[^\P{Cc}\t\n\x7f-\x9f]/u;
const EVERY_SPECIAL = new RegExp(SPECIAL, 'gu');

/** A success document: declaration, root in the namespace of S3, `content` inside. */
export function xmlDocument(root: string, content: string): string {
  return `${XML_DECLARATION}<${root} xmlns="${NAMESPACE}">${content}</${root}>`;
}

/** An element with text. */
export function textElement(name: string, text: string | number | boolean): string {
  const escaped = typeof text === 'string' ? escapeXml(text) : text;
  return `<${name}>${escaped}</${name}>`;
}

/** An element with text, or nothing when the text is undefined. */
export function optionalElement(name: string, text: string | number | undefined): string {
  return text === undefined ? '' : textElement(name, text);
}

/** An element around content that is XML already. */
export function wrapElement(name: string, content: string): string {
  return `<${name}>${content}</${name}>`;
}

/** An ETag element; the quotes belong to the text. */
export function etagElement(etag: string): string {
  return `<ETag>&quot;${etag}&quot;</ETag>`;
}

/** Text made safe for element content. Returned as it is when nothing needs escaping. */
export function escapeXml(text: string): string {
  return SPECIAL.test(text) ? text.replace(EVERY_SPECIAL, escapeCharacter) : text;
}

function escapeCharacter(character: string): string {
  switch (character) {
    case '&':
      return '&amp;';
    case '<':
      return '&lt;';
    case '>':
      return '&gt;';
    case '"':
      return '&quot;';
    case '\r':
      return '&#13;';
    default:
      return '\ufffd';
  }
}
