import assert from 'node:assert/strict';
import test from 'node:test';

import sax from 'sax';

import {
  childOf,
  childText,
  decodeDocument,
  readXml,
  readXmlInTurns,
} from '#src/wire/xml-reader.js';
import type { XmlElement } from '#src/wire/xml-reader.js';

import { hostileXml } from '../../support/hostile-xml.js';
import { rejectsS3Error, throwsS3Error } from '../../support/s3-error.js';

function read(document: string): XmlElement {
  return readXml(document, { root: 'R', charactersMax: 2 ** 21 });
}

const SIMPLE = '<R><A>x</A></R>';

test('readXml returns names, text and children in order', () => {
  const root = read('<R>a<A>1</A>b<B><C/></B><A>2</A>c</R>');
  assert.equal(root.name, 'R');
  assert.equal(root.text, 'abc');
  assert.deepEqual(
    root.children.map(({ name, text }) => [name, text]),
    [
      ['A', '1'],
      ['B', ''],
      ['A', '2'],
    ],
  );
  assert.equal(childText(root, 'A'), '1');
  assert.equal(childOf(root, 'B')?.children[0]?.name, 'C');
  assert.equal(childText(root, 'Z'), undefined);
});

// What SDKs and people send; each must read like the simple document.
const ACCEPTED: readonly string[] = [
  `<?xml version="1.0" encoding="UTF-8"?>${SIMPLE}`,
  `<?xml version='1.0' encoding='utf-8' standalone="yes" ?>\n${SIMPLE}\n`,
  `\ufeff${SIMPLE}`,
  `<?xml version="1.0"?>\r\n${SIMPLE}\r\n`,
  '<R xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><A>x</A></R>',
  '<s3:R xmlns:s3="http://s3.amazonaws.com/doc/2006-03-01/"><s3:A>x</s3:A></s3:R>',
  '<R b="2" a="1"><A c="3">x</A></R>',
  '<!-- hello --><R><!-- <A>y</A> --><A>x</A></R><!-- bye -->',
  '<R><A><![CDATA[x]]></A></R>',
  '<R><A>&#120;</A></R>',
  '<R><A>&#x78;</A></R>',
  '<?pi data?><R><A>x</A></R>',
];

test('readXml accepts the ways in which clients write one document', () => {
  for (const document of ACCEPTED) {
    const root = read(document);
    assert.equal(childText(root, 'A'), 'x', document);
    assert.equal(root.children.length, 1, document);
  }
});

test('readXml decodes references and keeps white space', () => {
  const root = read(
    '<R> &amp;&lt;&gt;&quot;&apos;&#13;&#x1F600;<![CDATA[ &amp; ]]>\t\r\n.\r. </R>',
  );
  assert.equal(root.text, ' &<>"\'\r\u{1f600} &amp; \t\n.\n. ');
});

// Everything here is MalformedXML, for a reason each.
const REFUSED: Readonly<Record<string, string>> = {
  'white space only': ' \n ',
  'no element': '<?xml version="1.0"?>',
  'text only': 'hello',
  json: '{"R": 1}',
  'unclosed root': '<R><A>x</A>',
  'unclosed child': '<R><A>x</R>',
  'crossed elements': '<R><A><B></A></B></R>',
  'stray end': '</R>',
  'unfinished tag': '<R><A',
  'two roots': '<R></R><R></R>',
  'second root of another name': '<R></R><S/>',
  'trailing text': `${SIMPLE}garbage`,
  'trailing CDATA': `${SIMPLE}<![CDATA[]]>`,
  'leading text': `garbage${SIMPLE}`,
  'wrong root': '<S></S>',
  'root in other case': '<r></r>',
  'document type': `<!DOCTYPE R>${SIMPLE}`,
  'document type in lower case': `<!doctype R>${SIMPLE}`,
  'entity declaration': `<!DOCTYPE R [<!ENTITY a "b">]><R>&a;</R>`,
  'external entity': `<!DOCTYPE R [<!ENTITY a SYSTEM "file:///etc/passwd">]><R>&a;</R>`,
  'unknown entity': '<R>&nbsp;</R>',
  'entity from the prototype': '<R>&constructor;</R>',
  'bare ampersand': '<R>a & b</R>',
  'bare less-than': '<R>a < b</R>',
  'empty reference': '<R>&#;</R>',
  'reference to NUL': '<R>&#0;</R>',
  'reference to a control character': '<R>&#x1;</R>',
  'reference to U+FFFE': '<R>&#xFFFE;</R>',
  'reference to a surrogate': '<R>&#xD800;</R>',
  'reference beyond Unicode': '<R>&#x110000;</R>',
  NUL: '<R>\0</R>',
  'control character': '<R>\x01</R>',
  'U+FFFE': '<R>\ufffe</R>',
  'lone surrogate': '<R>\ud800</R>',
  'control character in an attribute': '<R a="\x02"/>',
  'other encoding': `<?xml version="1.0" encoding="ISO-8859-1"?>${SIMPLE}`,
  'UTF-16 declared': `<?xml version="1.0" encoding="UTF-16"?>${SIMPLE}`,
  'late declaration': '<R><?xml version="1.0"?></R>',
  'unfinished comment': '<R><!-- </R>',
  'attribute without value': '<R a></R>',
  'attribute without quotes': '<R a=1></R>',
};

for (const [reason, document] of Object.entries(REFUSED)) {
  test(`readXml refuses: ${reason}`, () => {
    throwsS3Error(() => read(document), 'MalformedXML');
  });
}

test('readXml answers an empty body as the caller asks', () => {
  const expectation = { root: 'R', charactersMax: 10 };
  throwsS3Error(() => readXml('', expectation), 'MalformedXML');
  throwsS3Error(
    () => readXml('', { ...expectation, whenEmpty: 'MissingRequestBodyError' }),
    'MissingRequestBodyError',
  );
});

test('readXml refuses documents longer than the caller takes', () => {
  throwsS3Error(
    () => readXml(SIMPLE, { root: 'R', charactersMax: 14 }),
    'MaxMessageLengthExceeded',
  );
});

test('readXml takes 32 nested elements, 64 attributes and 20,000 elements, and no more', () => {
  const nested = (depth: number) => `<R>${'<a>'.repeat(depth - 1)}${'</a>'.repeat(depth - 1)}</R>`;
  read(nested(32));
  throwsS3Error(() => read(nested(33)), 'MalformedXML');

  const attributes = (count: number) =>
    `<R ${Array.from({ length: count }, (_, index) => `a${index}="1"`).join(' ')}/>`;
  read(attributes(64));
  throwsS3Error(() => read(attributes(65)), 'MalformedXML');

  assert.equal(read(`<R>${'<a/>'.repeat(19_999)}</R>`).children.length, 19_999);
  throwsS3Error(() => read(`<R>${'<a/>'.repeat(20_000)}</R>`), 'MalformedXML');
});

test('readXml bounds every token and every text', () => {
  const longest = 'x'.repeat(64 * 1024);
  assert.equal(read(`<R>${longest}</R>`).text.length, 64 * 1024);
  assert.equal(read(`<R><A>${longest}</A>${longest}</R>`).text.length, 64 * 1024);
  assert.equal(read(`<R><![CDATA[${longest}]]></R>`).text.length, 64 * 1024);
  const long = 'x'.repeat(2 ** 20);
  for (const document of [
    `<R>${longest}x</R>`,
    `<R>${longest}<!-- -->x</R>`,
    `<R>${longest}<![CDATA[x]]></R>`,
    `<R a="${long}"/>`,
    `<R ${long}="a"/>`,
    `<R><${long}/></R>`,
    `<R>&${long};</R>`,
  ]) {
    throwsS3Error(() => read(document), 'MalformedXML');
  }
});

test('readXml takes 20,000 attributes and 200,000 references, and no more', () => {
  const attributes = (count: number) => `<R>${'<a b=""/>'.repeat(count)}</R>`;
  read(attributes(19_999));
  throwsS3Error(() => read(`<R a="" b="">${'<a b=""/>'.repeat(19_999)}</R>`), 'MalformedXML');
  const references = (count: number) =>
    `<R>${`<a>${'&lt;'.repeat(1000)}</a>`.repeat(count / 1000)}</R>`;
  read(references(200_000));
  throwsS3Error(() => read(references(201_000)), 'MalformedXML');
});

test('readXml takes comments, CDATA and instructions as long as they are not most of it', () => {
  for (const markup of ['<!---->', '<![CDATA[]]>', '<?a?>']) {
    read(`<R>${markup.repeat(59_998)}</R>`);
    throwsS3Error(() => read(`<R>${markup.repeat(60_000)}</R>`), 'MalformedXML');
  }
});

// Documents of 2 MiB that are wrong from early on. The count is of what the parser was given.
const STOPS: Readonly<Record<string, number>> = {
  'deep nesting': 16 * 1024,
  'many attributes': 16 * 1024,
  'unknown entities': 16 * 1024,
  'ends without beginnings': 16 * 1024,
  'declarations of markup': 16 * 1024,
  'text that is no markup': 16 * 1024,
  'huge text': 160 * 1024,
  'white space': 160 * 1024,
  'one long entity': 160 * 1024,
  'one long name': 160 * 1024,
  'one long attribute': 160 * 1024,
  'one long comment': 160 * 1024,
  'one long CDATA section': 160 * 1024,
  'a document type': 160 * 1024,
  'many siblings': 160 * 1024,
  'many elements with attributes': 320 * 1024,
  'predefined entities': 512 * 1024,
  'many comments': 512 * 1024,
  'many processing instructions': 512 * 1024,
  'many CDATA sections': 768 * 1024,
  'bytes that are not UTF-8': 0,
};

for (const [kind, charactersMax] of Object.entries(STOPS)) {
  test(`readXml stops reading ${kind} within ${charactersMax / 1024} KiB of 2 MiB`, (context) => {
    const original = sax.parser;
    let readCharacters = 0;
    context.mock.method(sax, 'parser', (isStrict: boolean) => {
      const parser = original(isStrict);
      const write = parser.write.bind(parser);
      parser.write = (text) => {
        readCharacters += text.length;
        return write(text);
      };
      return parser;
    });
    const document = hostileXml(kind, 'R', 2 * 1024 * 1024);
    assert.equal(document.length, 2 * 1024 * 1024);
    throwsS3Error(() => read(decodeDocument(document)), 'MalformedXML');
    assert(readCharacters <= charactersMax, `the parser was given ${readCharacters} characters`);
  });
}

test('readXml joins text across the slices it is fed in', () => {
  // References, line ends and astral characters fall on every position of the border of a slice.
  for (let shift = 0; shift < 12; shift++) {
    const unit = '\r\n&amp;\u{1f600}ab';
    const document = `<R>${'.'.repeat(shift)}${unit.repeat(4000)}</R>`;
    assert.equal(read(document).text, '.'.repeat(shift) + '\n&\u{1f600}ab'.repeat(4000));
  }
});

test('readXmlInTurns reads the same, and lets others have a turn after each 4 KiB', async () => {
  const document = `<R>${'<A>é&amp;\r\n</A>'.repeat(3000)}</R>`;
  let turnsCount = 0;
  let isRead = false;
  const takeTurns = (): void => {
    turnsCount += 1;
    if (!isRead) setImmediate(takeTurns);
  };
  setImmediate(takeTurns);
  const root = await readXmlInTurns(document, { root: 'R', charactersMax: 2 ** 21 });
  isRead = true;
  assert.deepEqual(root, read(document));
  assert(turnsCount >= Math.floor(document.length / 4096), `${turnsCount} turns`);
  const refused = readXmlInTurns('<S/>', { root: 'R', charactersMax: 10 });
  await rejectsS3Error(refused, 'MalformedXML');
});

test('decodeDocument takes UTF-8 with or without its mark and nothing else', () => {
  assert.equal(decodeDocument(Buffer.from('<R>é</R>')), '<R>é</R>');
  assert.equal(decodeDocument(Buffer.from('\ufeff<R/>')), '<R/>');
  const utf16 = Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from('<R/>', 'utf16le')]);
  throwsS3Error(() => decodeDocument(utf16), 'MalformedXML');
  throwsS3Error(() => decodeDocument(Buffer.from('<R>é</R>', 'latin1')), 'MalformedXML');
  throwsS3Error(() => decodeDocument(Buffer.from([0xc0, 0xaf])), 'MalformedXML');
});
