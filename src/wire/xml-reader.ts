/**
 * Reads small XML documents into plain trees, within limits.
 *
 * Understood: elements with or without namespace, text, CDATA, comments, an XML declaration, the
 * five predefined entities and numeric references. Refused on sight: document type declarations
 * and with them every other entity, encodings other than UTF-8, characters that XML 1.0 forbids,
 * anything after the root. Whatever is wrong is MalformedXML.
 *
 * The parser costs about 60 ns a character; the text is fed in slices so that no token can grow
 * beyond 64 KiB before the parser notices.
 *
 * @see https://www.w3.org/TR/xml/
 * @module
 */

import sax from 'sax';

import { S3Error } from '../s3/errors.js';
import { XML_ATTRIBUTES_COUNT_MAX, XML_DEPTH_MAX, XML_ELEMENTS_COUNT_MAX } from '../s3/limits.js';

/** One element; its attributes are not kept. */
export interface XmlElement {
  /** Without namespace prefix. */
  readonly name: string;
  /** All character data directly inside, white space kept. */
  readonly text: string;
  readonly children: readonly XmlElement[];
}

/** What a document must be. */
export interface XmlExpectation {
  /** Name of the root element. */
  readonly root: string;
  /** Characters the document may have; beyond: MaxMessageLengthExceeded. */
  readonly charactersMax: number;
  readonly elementsCountMax?: number;
  /** Error of a missing body; MalformedXML unless given. */
  readonly whenEmpty?: 'InvalidRequest' | 'MalformedXML' | 'MissingRequestBodyError';
}

interface OpenElement {
  readonly name: string;
  text: string;
  children: XmlElement[];
}

const SLICE_CHARACTERS = 16 * 1024;
const CARRIAGE_RETURN = 0x0d;
const NO_CHILDREN: XmlElement[] = [];
const FORBIDDEN_CHARACTER = /[^\t\n\r\x20-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/u;
const ENCODING = /\bencoding\s*=\s*["']([^"']*)["']/;
const UTF_8 = /^utf-?8$/i;

/**
 * Parses a document.
 *
 * @throws {S3Error} MalformedXML, MaxMessageLengthExceeded, or the error for an empty body.
 */
export function readXml(document: string, expectation: XmlExpectation): XmlElement {
  if (document.length > expectation.charactersMax) throw new S3Error('MaxMessageLengthExceeded');
  if (document === '') throw new S3Error(expectation.whenEmpty ?? 'MalformedXML');
  if (FORBIDDEN_CHARACTER.test(document)) throw malformedXml('a character is not allowed in XML');
  const builder = new TreeBuilder(expectation.elementsCountMax ?? XML_ELEMENTS_COUNT_MAX);
  const root = builder.build(document);
  if (root.name !== expectation.root) throw malformedXml(`the root is not ${expectation.root}`);
  return root;
}

/**
 * Decodes the bytes of a document. A byte order mark of UTF-8 is dropped.
 *
 * @throws {S3Error} MalformedXML when they are not UTF-8.
 */
export function decodeDocument(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw malformedXml('the body is not UTF-8', cause);
  }
}

/** The first child of a name. */
export function childOf(element: XmlElement, name: string): XmlElement | undefined {
  return element.children.find((child) => child.name === name);
}

/** The text of the first child of a name, or undefined without one. */
export function childText(element: XmlElement, name: string): string | undefined {
  return childOf(element, name)?.text;
}

/** The error of a document that is not well-formed or not what the operation takes. */
export function malformedXml(reason: string, cause?: unknown): S3Error {
  const message =
    'The XML you provided was not well-formed or did not validate against our published schema: ' +
    reason;
  return new S3Error('MalformedXML', {}, { message, cause });
}

class TreeBuilder {
  readonly #elementsCountMax: number;
  readonly #open: OpenElement[] = [];
  #root: XmlElement | undefined;
  #elementsCount = 0;
  #attributesCount = 0;

  constructor(elementsCountMax: number) {
    this.#elementsCountMax = elementsCountMax;
  }

  build(document: string): XmlElement {
    const parser = this.#parser();
    let at = 0;
    while (at < document.length) {
      let end = at + SLICE_CHARACTERS;
      // A line end of two characters must not be cut in two.
      if (document.charCodeAt(end - 1) === CARRIAGE_RETURN) end += 1;
      parser.write(withLineFeeds(document.slice(at, end)));
      at = end;
    }
    parser.close();
    if (this.#root === undefined) throw malformedXml('there is no element');
    return this.#root;
  }

  #parser(): sax.SAXParser {
    const parser = sax.parser(true);
    // The library's table inherits from Object, so that `&constructor;` would be an entity.
    Object.assign(parser, { ENTITIES: PREDEFINED_ENTITIES });
    parser.onerror = (fault) => {
      throw malformedXml(fault.message, fault);
    };
    parser.ondoctype = refuseDoctype;
    parser.onsgmldeclaration = refuseDoctype;
    parser.onprocessinginstruction = ({ name, body }) => {
      this.#instruction(name, body);
    };
    parser.onattribute = () => {
      this.#attribute();
    };
    parser.onopentag = ({ name }) => {
      this.#openTag(name);
    };
    parser.onclosetag = () => {
      this.#closeTag();
    };
    parser.ontext = (text) => {
      this.#text(text);
    };
    parser.onopencdata = () => {
      this.#text('');
    };
    parser.oncdata = (text) => {
      this.#text(text);
    };
    return parser;
  }

  #instruction(name: string, body: string): void {
    if (name.toLowerCase() !== 'xml') return;
    if (this.#elementsCount > 0) throw malformedXml('a declaration is not at the start');
    const encoding = ENCODING.exec(body)?.[1];
    if (encoding !== undefined && !UTF_8.test(encoding)) {
      throw malformedXml('the encoding is not UTF-8');
    }
  }

  #attribute(): void {
    this.#attributesCount += 1;
    if (this.#attributesCount > XML_ATTRIBUTES_COUNT_MAX) throw malformedXml('too many attributes');
  }

  #openTag(qualifiedName: string): void {
    this.#attributesCount = 0;
    this.#elementsCount += 1;
    if (this.#elementsCount > this.#elementsCountMax) throw malformedXml('too many elements');
    if (this.#open.length >= XML_DEPTH_MAX) throw malformedXml('elements are nested too deeply');
    if (this.#root !== undefined) throw malformedXml('there is more than one root');
    const name = qualifiedName.slice(qualifiedName.indexOf(':') + 1);
    this.#open.push({ name, text: '', children: NO_CHILDREN });
  }

  #closeTag(): void {
    const element = this.#open.pop();
    if (element === undefined) throw malformedXml('an element ends that did not begin');
    const parent = this.#open.at(-1);
    if (parent === undefined) this.#root = element;
    else if (parent.children === NO_CHILDREN) parent.children = [element];
    else parent.children.push(element);
  }

  #text(text: string): void {
    // The parser has checked the characters of references too; testing again turns the text, which
    // it put together character by character, into a flat one of a tenth of the memory.
    if (FORBIDDEN_CHARACTER.test(text)) throw malformedXml('a character is not allowed in XML');
    const element = this.#open.at(-1);
    if (element !== undefined) element.text += text;
    // The parser itself refuses other text than white space outside the root.
    else if (text.trim() !== '' || text === '') throw malformedXml('text outside of the root');
  }
}

const PREDEFINED_ENTITIES: Readonly<Record<string, string>> = Object.freeze(
  Object.assign(Object.create(null) as Record<string, string>, {
    amp: '&',
    apos: "'",
    gt: '>',
    lt: '<',
    quot: '"',
  }),
);

// XML 1.0, 2.11: a carriage return is a line feed, alone or before one, unless written `&#13;`.
function withLineFeeds(text: string): string {
  if (!text.includes('\r')) return text;
  return text.replaceAll('\r\n', '\n').replaceAll('\r', '\n');
}

function refuseDoctype(): never {
  throw malformedXml('document type declarations are not accepted');
}
