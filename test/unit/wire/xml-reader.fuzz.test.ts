/** Trees written in many ways, and pieces of markup in any order, at any place of the reader. */

import assert from 'node:assert/strict';

import fc from 'fast-check';

import { S3Error } from '#src/s3/errors.js';
import { readXml, type XmlElement } from '#src/wire/xml-reader.js';
import { escapeXml } from '#src/wire/xml-writer.js';

import { fuzzTarget, property } from '../../support/fuzz.js';

/** Where the reader cuts the document it feeds to its parser. */
const SLICE_CHARACTERS = 4 * 1024;

interface Tree {
  readonly name: string;
  readonly text: string;
  readonly spelling: 'escaped' | 'cdata' | 'decimal' | 'hexadecimal';
  readonly children: readonly Tree[];
}

const TEXT = fc.string({
  unit: fc.oneof(
    fc.constantFrom('a', ' ', '<', '>', '&', '"', "'", ']]>', '\n', '\t', '\r', '\r\n', 'é', '😀'),
    fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }).filter(isXmlText),
  ),
  maxLength: 12,
});
// Deep trees are for the tests of the limit.
const TREE: fc.Memo<Tree> = fc.memo((depth) =>
  fc.record({
    name: fc.constantFrom('A', 'Key', 'a-b', 'x.y', '_z', 'é'),
    text: TEXT,
    spelling: fc.constantFrom('escaped', 'cdata', 'decimal', 'hexadecimal'),
    children: depth <= 1 ? fc.constant([]) : fc.array(TREE(), { maxLength: 3 }),
  }),
);
const PIECES = fc.array(
  fc.constantFrom(
    ...['<', '>', '/', '<R>', '</R>', '<R', '<a ', 'b="', '"', "'", '=', '&', ';', '&amp;', '&#x1'],
    ...[
      '&#13;',
      '&constructor;',
      '&lt',
      '<!--',
      '-->',
      '--',
      '<![CDATA[',
      ']]>',
      ']]',
      '<?xml ',
      '?>',
    ],
    ...[
      '<?',
      ' encoding="x"',
      '<!DOCTYPE',
      '<!',
      ' ',
      '\r\n',
      '\r',
      '\n',
      'é',
      '😀',
      'x',
      ':',
      '\ufeff',
    ],
    ...['</a>', '<a/>', '<a>', '\0', '\ud83d', '\ufffe'],
  ),
  { maxLength: 30 },
);

fuzzTarget('xml-reader', {
  'readXml reads back every tree, in whatever way its text is written': property(
    TREE(4),
    (tree) => {
      assert.deepEqual(read(`<R>${written(tree)}</R>`).children, [expected(tree)]);
    },
  ),
  'readXml ends any input with a tree or MalformedXML': property(PIECES, (pieces) => {
    outcomeOf(pieces.join(''));
  }),
  'readXml does not mind where its slices end': property(
    fc.record({ pieces: PIECES, shift: fc.nat(60) }),
    ({ pieces, shift }) => {
      const inside = pieces.join('');
      const near = outcomeOf(`<R><p></p>${inside}</R>`);
      // A comment of this length moves the border of two slices through the pieces.
      const far = outcomeOf(`<R><p>${'.'.repeat(SLICE_CHARACTERS - 10 - shift)}</p>${inside}</R>`);
      assert.deepEqual(far.replace(/\.{60,}/, ''), near);
    },
    200,
  ),
});

function isXmlText(character: string): boolean {
  return /^[\t\n\x20-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]$/u.test(character);
}

function read(document: string): XmlElement {
  return readXml(document, { root: 'R', charactersMax: 2 ** 21 });
}

function outcomeOf(document: string): string {
  try {
    return JSON.stringify(read(document));
  } catch (error) {
    assert.ok(error instanceof S3Error && error.code === 'MalformedXML', String(error));
    return error.code;
  }
}

function written({ name, text, spelling, children }: Tree): string {
  return `<${name}>${writtenText(text, spelling)}${children.map(written).join('')}</${name}>`;
}

function writtenText(text: string, spelling: Tree['spelling']): string {
  if (spelling === 'escaped') return escapeXml(text);
  if (spelling === 'cdata') {
    // A carriage return in CDATA is a line end; only a reference keeps it.
    const whole = text.replaceAll(']]>', ']]]]><![CDATA[>');
    return `<![CDATA[${whole.replaceAll('\r', ']]>&#13;<![CDATA[')}]]>`;
  }
  const base = spelling === 'decimal' ? 10 : 16;
  return [...text]
    .map((character) => (character.codePointAt(0) ?? 0).toString(base))
    .map((digits) => `&#${base === 16 ? 'x' : ''}${digits};`)
    .join('');
}

function expected({ name, text, children }: Tree): XmlElement {
  return { name, text, children: children.map(expected) };
}
