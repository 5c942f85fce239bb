import assert from 'node:assert/strict';
import test from 'node:test';

import { escapeXml, optionalElement, textElement, xmlDocument } from '#src/wire/xml-writer.js';

test('escapeXml returns ordinary text as it is', () => {
  for (const text of ['', 'a/b c.txt', "it's", 'é\u{1f600}', 'tab\tline\n', '\u0085\u2028']) {
    assert.equal(escapeXml(text), text);
  }
});

test('escapeXml escapes markup and what parsers would change', () => {
  assert.equal(escapeXml('a&b<c>d"e\rf'), 'a&amp;b&lt;c&gt;d&quot;e&#13;f');
  assert.equal(escapeXml('&amp;'), '&amp;amp;');
});

test('escapeXml replaces what XML cannot hold', () => {
  assert.equal(
    escapeXml('a\0b\x01c\x0bd\x1fe\ufffef\uffffg\ud800h'),
    'a\ufffdb\ufffdc\ufffdd\ufffde\ufffdf\ufffdg\ufffdh',
  );
});

test('xmlDocument has a declaration and the namespace of S3', () => {
  assert.equal(
    xmlDocument('Root', textElement('A', 'x<') + optionalElement('B', undefined)),
    '<?xml version="1.0" encoding="UTF-8"?>\n' +
      '<Root xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><A>x&lt;</A></Root>',
  );
});

test('textElement writes numbers and booleans', () => {
  assert.equal(textElement('A', 5) + textElement('B', false), '<A>5</A><B>false</B>');
});
