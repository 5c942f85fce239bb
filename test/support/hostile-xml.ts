/**
 * Documents made to cost a reader as much as they can: each is one kind of markup, over and over,
 * up to a size.
 *
 * @module
 */

/** A kind of document; `unit` is what it repeats between its beginning and its end. */
interface HostileKind {
  readonly begin?: string;
  readonly unit: string;
  /** Distinct units, where the repetition would be refused for another reason. */
  readonly isNumbered?: boolean;
  readonly end?: string;
}

const ROOT = /(?<!\w)R(?!\w)/g;

// `R` stands for the root.
const KINDS: Readonly<Record<string, HostileKind>> = {
  'deep nesting': { begin: '<R>', unit: '<a>' },
  'many attributes': { begin: '<R ', unit: 'a#="" ', isNumbered: true, end: '></R>' },
  'many elements with attributes': { begin: '<R>', unit: '<a b="" c=""/>', end: '</R>' },
  'elements of 64 attributes each': {
    begin: '<R>',
    unit: `<a ${Array.from({ length: 64 }, (_, at) => `a${at}=""`).join(' ')}/>`,
    end: '</R>',
  },
  'many siblings': { begin: '<R>', unit: '<a/>', end: '</R>' },
  'huge text': { begin: '<R>', unit: 'x', end: '</R>' },
  'huge text of four-byte characters': { begin: '<R>', unit: '😀', end: '</R>' },
  'text in a child': { begin: '<R><a>', unit: 'x', end: '</a></R>' },
  'white space': { begin: '<R>', unit: ' \n', end: '</R>' },
  'white space before the root': { unit: '\n', end: '<R></R>' },
  'white space after the root': { begin: '<R></R>', unit: '\n' },
  'carriage returns': { begin: '<R>', unit: '\r', end: '</R>' },
  'references to characters': { begin: '<R>', unit: '&#65;', end: '</R>' },
  'predefined entities': { begin: '<R>', unit: '&amp;', end: '</R>' },
  'references in many elements': {
    begin: '<R>',
    unit: `<a>${'&#65;'.repeat(5000)}</a>`,
    end: '</R>',
  },
  'long texts in many elements': {
    begin: '<R>',
    unit: `<a>${'x'.repeat(60_000)}</a>`,
    end: '</R>',
  },
  'unknown entities': { begin: '<R>', unit: '&a;', end: '</R>' },
  'one long entity': { begin: '<R>&', unit: 'a', end: ';</R>' },
  'a document type': { begin: '<!DOCTYPE R [', unit: '<!ENTITY a "&a;&a;">', end: ']><R>&a;</R>' },
  'a document type that does not end': { begin: '<!DOCTYPE R ', unit: 'x' },
  'declarations of markup': { begin: '<R>', unit: '<!ELEMENT a ANY>', end: '</R>' },
  'many comments': { begin: '<R>', unit: '<!---->', end: '</R>' },
  'comments before the root': { unit: '<!---->', end: '<R></R>' },
  'one long comment': { begin: '<R><!--', unit: 'x', end: '--></R>' },
  'a comment that does not end': { begin: '<R><!--', unit: '- ' },
  'many processing instructions': { begin: '<R>', unit: '<?a?>', end: '</R>' },
  'one long processing instruction': { begin: '<R><?a ', unit: 'x', end: '?></R>' },
  'many CDATA sections': { begin: '<R>', unit: '<![CDATA[]]>', end: '</R>' },
  'one long CDATA section': { begin: '<R><![CDATA[', unit: 'x', end: ']]></R>' },
  'brackets in CDATA': { begin: '<R><![CDATA[', unit: ']', end: ']]></R>' },
  'one long name': { begin: '<R', unit: 'x', end: '/>' },
  'one long attribute name': { begin: '<R ', unit: 'a', end: '=""/>' },
  'one long attribute': { begin: '<R a="', unit: 'x', end: '"/>' },
  'white space in a tag': { begin: '<R', unit: ' ', end: '/>' },
  'ends without beginnings': { begin: '<R>', unit: '</a>', end: '</R>' },
  'text that is no markup': { unit: 'x' },
};

/** What {@link hostileXml} can make. */
export const HOSTILE_KINDS: readonly string[] = [
  ...Object.keys(KINDS),
  'bytes that are not UTF-8',
  'invalid UTF-8 at the end',
  'NUL at the end',
];

/** A document of exactly `sizeBytes` bytes, of a kind, with the root an operation takes. */
export function hostileXml(kind: string, root: string, sizeBytes: number): Buffer {
  if (kind === 'bytes that are not UTF-8') return Buffer.alloc(sizeBytes, 0xff);
  if (kind === 'invalid UTF-8 at the end' || kind === 'NUL at the end') {
    const document = Buffer.alloc(sizeBytes, '\n');
    document.write(`<${root}></${root}>`);
    document[sizeBytes - 1] = kind === 'NUL at the end' ? 0 : 0xff;
    return document;
  }
  const { begin = '', unit, isNumbered = false, end = '' } = KINDS[kind] ?? { unit: ' ' };
  const [head, one, tail] = [begin, unit, end].map((text) => text.replaceAll(ROOT, root));
  const room = sizeBytes - Buffer.byteLength(`${head}${tail}`);
  let middle = '';
  if (isNumbered) {
    for (let index = 0; middle.length < room; index += 1) {
      middle += (one ?? '').replace('#', String(index));
    }
    middle = middle.slice(0, room).replace(/\S*$/, '');
  } else {
    middle = (one ?? '').repeat(Math.floor(room / Buffer.byteLength(one ?? '')));
  }
  const document = `${head}${middle}${tail}`;
  // White space after the end or before it makes up for units that do not divide the size.
  return Buffer.from(document + ' '.repeat(sizeBytes - Buffer.byteLength(document)));
}
