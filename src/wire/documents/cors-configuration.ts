/**
 * `CORSConfiguration`: the cross-origin rules of a bucket.
 *
 * @see https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketCors.html
 * @module
 */

import type { CorsRule } from '../../s3/cors.js';
import { DOCUMENT_BYTES_MAX } from '../../s3/limits.js';
import { malformedXml, readXml, type XmlElement } from '../xml-reader.js';
import { optionalElement, textElement, wrapElement, xmlDocument } from '../xml-writer.js';

const ROOT = 'CORSConfiguration';
const SECONDS = /^\s*(\d{1,10})\s*$/;
/** A document may be written by us with a longest escape, `&quot;`, for each of its characters. */
const WRITTEN_CHARACTERS_MAX = 8 * DOCUMENT_BYTES_MAX;
/** S3's type is a 32-bit number. */
const SECONDS_MAX = 2 ** 31 - 1;

/**
 * Reads the rules, in the order that decides which of them is met. Strict: what is not understood
 * could narrow a rule.
 *
 * @throws {S3Error} MalformedXML, MaxMessageLengthExceeded, MissingRequestBodyError.
 */
export function parseCorsConfiguration(document: string): readonly CorsRule[] {
  return readRules(document, DOCUMENT_BYTES_MAX);
}

/** Reads what {@link corsConfigurationDocument} wrote; it may be longer than what was sent. */
export function parseWrittenCorsConfiguration(document: string): readonly CorsRule[] {
  return readRules(document, WRITTEN_CHARACTERS_MAX);
}

function readRules(document: string, charactersMax: number): readonly CorsRule[] {
  const root = readXml(document, {
    root: ROOT,
    charactersMax,
    whenEmpty: 'MissingRequestBodyError',
  });
  if (root.children.length === 0) throw malformedXml('there is no CORSRule');
  return root.children.map(corsRule);
}

/** The document that reading the rules answers. */
export function corsConfigurationDocument(rules: readonly CorsRule[]): string {
  return xmlDocument(ROOT, rules.map(ruleElement).join(''));
}

function corsRule(element: XmlElement): CorsRule {
  if (element.name !== 'CORSRule') throw malformedXml(`${element.name} is not known here`);
  const texts: Record<string, string[]> = {
    ...{ ID: [], AllowedHeader: [], AllowedMethod: [], AllowedOrigin: [] },
    ...{ ExposeHeader: [], MaxAgeSeconds: [] },
  };
  for (const { name, text, children } of element.children) {
    if (!Object.hasOwn(texts, name)) throw malformedXml(`${name} is not known here`);
    if (children.length > 0) throw malformedXml(`${name} holds elements`);
    texts[name]?.push(text);
  }
  const { AllowedHeader: allowedHeaders = [], ExposeHeader: exposeHeaders = [] } = texts;
  return {
    id: atMostOne('ID', texts),
    allowedHeaders,
    allowedMethods: atLeastOne('AllowedMethod', texts),
    allowedOrigins: atLeastOne('AllowedOrigin', texts),
    exposeHeaders,
    maxAgeSeconds: seconds(atMostOne('MaxAgeSeconds', texts)),
  };
}

function atMostOne(name: string, texts: Record<string, readonly string[]>): string | undefined {
  const { [name]: found = [] } = texts;
  if (found.length > 1) throw malformedXml(`a CORSRule has more than one ${name}`);
  return found[0];
}

function atLeastOne(name: string, texts: Record<string, readonly string[]>): readonly string[] {
  const { [name]: found = [] } = texts;
  if (found.length === 0) throw malformedXml(`a CORSRule has no ${name}`);
  return found;
}

function seconds(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const number = Number(SECONDS.exec(text)?.[1] ?? Number.NaN);
  if (number <= SECONDS_MAX) return number;
  throw malformedXml('MaxAgeSeconds is not a whole number of 32 bits');
}

function ruleElement(rule: CorsRule): string {
  return wrapElement(
    'CORSRule',
    optionalElement('ID', rule.id) +
      elements('AllowedHeader', rule.allowedHeaders) +
      elements('AllowedMethod', rule.allowedMethods) +
      elements('AllowedOrigin', rule.allowedOrigins) +
      elements('ExposeHeader', rule.exposeHeaders) +
      optionalElement('MaxAgeSeconds', rule.maxAgeSeconds),
  );
}

function elements(name: string, texts: readonly string[]): string {
  return texts.map((text) => textElement(name, text)).join('');
}
