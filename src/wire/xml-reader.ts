/**
 * Reads small XML documents into plain trees, within limits.
 *
 * Understood: elements with or without namespace, text, CDATA, comments, an XML declaration, the
 * five predefined entities and numeric references. Refused on sight: document type declarations
 * and with them every other entity, encodings other than UTF-8, characters that XML 1.0 forbids,
 * anything after the root. Whatever is wrong is MalformedXML.
 *
 * The parser costs about 60 ns a character, and half a microsecond a reference; the text is fed in
 * slices, so that a token, a text or a count beyond its limit ends the reading soon after it.
 * `bench/hostile-xml.ts` measures what documents made to be expensive cost.
 *
 * @see https://www.w3.org/TR/xml/
 * @module
 */

import { setImmediate as nextTurn } from 'node:timers/promises';

import sax from 'sax';

import { S3Error } from '../s3/errors.js';
import {
  XML_ATTRIBUTES_COUNT_MAX,
  XML_DEPTH_MAX,
  XML_ELEMENTS_COUNT_MAX,
  XML_REFERENCES_COUNT_MAX,
  XML_TEXT_CHARACTERS_MAX,
} from '../s3/limits.js';

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
  /** Elements; attributes in all; and comments, CDATA sections and instructions together. */
  readonly elementsCountMax?: number;
  /** Error of a missing body; MalformedXML unless given. */
  readonly whenEmpty?: 'InvalidRequest' | 'MalformedXML' | 'MissingRequestBodyError';
}

interface OpenElement {
  readonly name: string;
  text: string;
  children: XmlElement[];
}

const SLICE_CHARACTERS = 4 * 1024;
// XML 1.0, 2.11: a carriage return is a line feed, alone or before one, unless written `&#13;`.
const LINE_END = /\r\n?/g;
/** A tag that begins, one that ends, and one more for everything else. */
const MARKUP_PER_ELEMENT = 3;
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
  const reading = readSlices(document, expectation);
  for (;;) {
    const { done, value } = reading.next();
    if (done === true) return value;
  }
}

/**
 * Parses a document that may be large: other requests have their turns between its slices.
 *
 * @throws {S3Error} like {@link readXml}.
 */
export async function readXmlInTurns(
  document: string,
  expectation: XmlExpectation,
): Promise<XmlElement> {
  const reading = readSlices(document, expectation);
  for (;;) {
    const { done, value } = reading.next();
    if (done === true) return value;
    await nextTurn();
  }
}

/** Stops after every slice but the last. */
function* readSlices(
  document: string,
  expectation: XmlExpectation,
): Generator<undefined, XmlElement, undefined> {
  if (document.length > expectation.charactersMax) throw new S3Error('MaxMessageLengthExceeded');
  if (document === '') throw new S3Error(expectation.whenEmpty ?? 'MalformedXML');
  const builder = new TreeBuilder(expectation.elementsCountMax ?? XML_ELEMENTS_COUNT_MAX);
  let at = 0;
  while (at < document.length) {
    if (at > 0) yield undefined;
    const end = sliceEnd(document, at + SLICE_CHARACTERS);
    builder.add(document.slice(at, end));
    at = end;
  }
  const root = builder.finish();
  if (root.name !== expectation.root) throw malformedXml(`the root is not ${expectation.root}`);
  return root;
}

/** Line ends and characters of two units must not be cut in two. */
function sliceEnd(document: string, end: number): number {
  const isCut =
    document.startsWith('\r\n', end - 1) || (document.codePointAt(end - 1) ?? 0) > 0xffff;
  return isCut ? end + 1 : end;
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
  readonly #parser: sax.SAXParser;
  readonly #open: OpenElement[] = [];
  #root: XmlElement | undefined;
  #elementsCount = 0;
  /** Of the element that is being opened. */
  #attributesCount = 0;
  #attributesCountTotal = 0;
  #markupCount = 0;
  #referencesCount = 0;
  /** Of the text since the last tag. */
  #textCharacters = 0;

  constructor(elementsCountMax: number) {
    this.#elementsCountMax = elementsCountMax;
    this.#parser = this.#createParser();
  }

  add(slice: string): void {
    if (FORBIDDEN_CHARACTER.test(slice)) throw malformedXml('a character is not allowed in XML');
    this.#countMarks(slice);
    this.#parser.write(slice.includes('\r') ? slice.replaceAll(LINE_END, '\n') : slice);
  }

  finish(): XmlElement {
    this.#parser.close();
    if (this.#root === undefined) throw malformedXml('there is no element');
    return this.#root;
  }

  #createParser(): sax.SAXParser {
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

  /** Before the parser sees a slice: it tells of neither references nor empty comments. */
  #countMarks(slice: string): void {
    this.#referencesCount += countOf('&', slice);
    if (this.#referencesCount > XML_REFERENCES_COUNT_MAX) throw malformedXml('too many references');
    this.#markupCount += countOf('<', slice);
    if (this.#markupCount > MARKUP_PER_ELEMENT * this.#elementsCountMax) {
      throw malformedXml('too much markup');
    }
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
    this.#attributesCountTotal += 1;
    const isTooMany = this.#attributesCount > XML_ATTRIBUTES_COUNT_MAX;
    if (isTooMany || this.#attributesCountTotal > this.#elementsCountMax) {
      throw malformedXml('too many attributes');
    }
  }

  #openTag(qualifiedName: string): void {
    this.#attributesCount = 0;
    this.#textCharacters = 0;
    this.#elementsCount += 1;
    if (this.#elementsCount > this.#elementsCountMax) throw malformedXml('too many elements');
    if (this.#open.length >= XML_DEPTH_MAX) throw malformedXml('elements are nested too deeply');
    if (this.#root !== undefined) throw malformedXml('there is more than one root');
    const name = qualifiedName.slice(qualifiedName.indexOf(':') + 1);
    this.#open.push({ name, text: '', children: NO_CHILDREN });
  }

  #closeTag(): void {
    this.#textCharacters = 0;
    const element = this.#open.pop();
    if (element === undefined) throw malformedXml('an element ends that did not begin');
    const parent = this.#open.at(-1);
    if (parent === undefined) this.#root = element;
    else if (parent.children === NO_CHILDREN) parent.children = [element];
    else parent.children.push(element);
  }

  #text(text: string): void {
    this.#textCharacters += text.length;
    if (this.#textCharacters > XML_TEXT_CHARACTERS_MAX) throw malformedXml('a text is too long');
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

/** Marks in CDATA count too: nobody writes that many there. */
function countOf(mark: string, text: string): number {
  let count = 0;
  for (let at = text.indexOf(mark); at !== -1; at = text.indexOf(mark, at + 1)) count += 1;
  return count;
}

function refuseDoctype(): never {
  throw malformedXml('document type declarations are not accepted');
}
