// PostObject: bodies that are no form, or not a whole one. Each backend runs under another transport.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';

import { POST_FIELDS_BYTES_MAX } from '#src/s3/limits.js';

import { putObject, textOf } from '../support/objects.js';
import { onEveryBackend, type Fixture } from '../support/operation-suite.js';
import {
  BOUNDARY,
  encodeForm,
  formHeaders,
  postBytes,
  signedParts,
  type Part,
} from '../support/post-form.js';
import { elementText, sendUnsigned } from '../support/raw-request.js';
import { changesNothing } from '../support/store-state.js';

const MALFORMED = 'MalformedPOSTRequest';
/** More than the queues of both transports hold, and than goes into a record. */
const LARGE = randomBytes(3 * 1024 * 1024);

function form(fixture: Fixture, file: string | Uint8Array = 'content'): Buffer {
  return encodeForm(signedParts(fixture.server, fixture.bucket, { file }));
}

/** A correct form with one piece of its text replaced. */
function edited(search: string, replacement: string): (fixture: Fixture) => Buffer {
  return (fixture) => {
    const text = form(fixture).toString('latin1');
    assert(text.includes(search), `the form has ${search}`);
    return Buffer.from(text.replace(search, replacement), 'latin1');
  };
}

function withParts(edit: (parts: Part[]) => Part[]): (fixture: Fixture) => Buffer {
  return ({ server, bucket }) => encodeForm(edit(signedParts(server, bucket)));
}

type Case = readonly [
  id: string,
  what: string,
  body: (fixture: Fixture) => Buffer,
  code: string,
  headers?: Readonly<Record<string, string>>,
];

const FILE: Part = { name: 'file', content: 'content', filename: 'file.txt' };
const CLOSING = `\r\n--${BOUNDARY}--`;
const typed = (contentType: string) => ({ 'content-type': contentType });
const boundaryOf = (characters: number): string => 'b'.repeat(characters);

// prettier-ignore
const REFUSED: readonly Case[] = [
  ['A25 BI-070', 'another content type', form, 'PreconditionFailed', typed('text/html')],
  ['A25 BI-070', 'the content type of other forms', form, 'PreconditionFailed', typed('application/x-www-form-urlencoded')],
  ['BI-070', 'no boundary', form, MALFORMED, typed('multipart/form-data')],
  ['BI-070', 'an empty boundary', form, MALFORMED, typed('multipart/form-data; boundary=')],
  ['BI-070', 'another boundary', form, MALFORMED, typed('multipart/form-data; boundary=other')],
  ['BI-070', 'two boundaries', form, MALFORMED, typed(`multipart/form-data; boundary=${BOUNDARY}; boundary=other`)],
  ['BI-070', 'a boundary of 71 characters', ({ server, bucket }) => encodeForm(signedParts(server, bucket), boundaryOf(71)), MALFORMED, typed(`multipart/form-data; boundary=${boundaryOf(71)}`)],
  ['BI-070', 'an empty body', () => Buffer.alloc(0), MALFORMED],
  ['BI-070', 'a body of other bytes', () => Buffer.from('key=a&file=b'), MALFORMED],
  ['BI-070', 'a body cut in its fields', (fixture) => form(fixture).subarray(0, 300), MALFORMED],
  ['BI-070', 'no closing boundary', (fixture) => form(fixture).subarray(0, -CLOSING.length - 2), MALFORMED],
  ['BI-070', 'a closing boundary without its hyphens', (fixture) => form(fixture).subarray(0, -4), MALFORMED],
  ['BI-070', 'a closing boundary cut within its hyphens', (fixture) => form(fixture).subarray(0, -3), MALFORMED],
  ['BI-070', 'a large file without a closing boundary', (fixture) => form(fixture, LARGE).subarray(0, -CLOSING.length - 2), MALFORMED],
  ['BI-070', 'a boundary that goes on', edited(CLOSING, `\r\n--${BOUNDARY}x\r\n`), MALFORMED],
  ['BI-070', 'a part without Content-Disposition', edited('Content-Disposition: form-data; name="key"', 'X-Other: 1'), MALFORMED],
  ['BI-070', 'a part without any header', edited('Content-Disposition: form-data; name="key"', ''), MALFORMED],
  ['BI-070', 'a part without a name', edited('; name="key"', ''), MALFORMED],
  ['BI-070', 'a part with two names', edited('; name="key"', '; name="key"; name="acl"'), MALFORMED],
  ['BI-070', 'a part of another disposition', edited('form-data; name="key"', 'attachment; name="key"'), MALFORMED],
  ['BI-070', 'a name that does not end', edited('name="key"', 'name="key'), MALFORMED],
  ['BI-070', 'a header line without a colon', edited('Content-Disposition: form-data; name="key"', 'Content-Disposition: form-data; name="key"\r\nx'), MALFORMED],
  ['BI-070', 'line ends without CR', edited('name="key"\r\n\r\n', 'name="key"\n\n'), MALFORMED],
  ['BI-070', 'a field that is not UTF-8', edited('name="key"\r\n\r\nkey', 'name="key"\r\n\r\n\xff'), MALFORMED],
  ['BI-069', 'no file', withParts((parts) => parts.slice(0, -1)), 'InvalidArgument'],
  ['BI-069', 'a file under another name', withParts((parts) => [...parts.slice(0, -1), { ...FILE, name: 'upload' }]), 'InvalidArgument'],
  ['BI-069', 'two files', withParts((parts) => [...parts, FILE]), 'InvalidArgument'],
  ['BI-069', 'two files, the second in capitals', withParts((parts) => [...parts, { ...FILE, name: 'FILE' }]), 'InvalidArgument'],
  ['BI-077', 'its signature behind the file', withParts((parts) => [FILE, ...parts.slice(0, -1)]), 'AccessDenied'],
  ['BI-071', 'its key behind the file', withParts((parts) => [...parts.filter(({ name }) => name !== 'key'), { name: 'key', content: 'key' }]), 'InvalidArgument'],
  ['A25', 'a field twice', withParts((parts) => [{ name: 'Key', content: 'key' }, ...parts]), 'InvalidArgument'],
  ['BI-079', 'too long a field', withParts((parts) => [{ name: 'x-ignore-a', content: 'a'.repeat(POST_FIELDS_BYTES_MAX) }, ...parts]), 'MaxPostPreDataLengthExceededError'],
  ['BI-079', 'too many fields', withParts((parts) => [...Array.from({ length: 300 }, (_, at) => ({ name: `x-ignore-${at}`, content: '' })), ...parts]), 'MaxPostPreDataLengthExceededError'],
  ['BI-079', 'a large file under another name', withParts((parts) => [...parts.slice(0, -1), { name: 'upload', content: LARGE }]), 'MaxPostPreDataLengthExceededError'],
  ['BI-079', 'too long a preamble', (fixture) => Buffer.concat([LARGE.subarray(0, POST_FIELDS_BYTES_MAX), Buffer.from('\r\n'), form(fixture)]), 'MaxPostPreDataLengthExceededError'],
];

onEveryBackend('PostObject forms', (use) => {
  for (const [id, what, body, code, headers] of REFUSED) {
    test(`${id} a form with ${what} is ${code}`, async () => {
      const fixture = await use();
      const { server, bucket } = fixture;
      await putObject(fixture, 'key', 'kept');
      await changesNothing(fixture, async () => {
        const reply = await postBytes(server, bucket, body(fixture), headers);
        const status = { AccessDenied: 403, PreconditionFailed: 412 }[code] ?? 400;
        assert.deepEqual([reply.status, reply.code], [status, code], reply.text);
      });
    });
  }

  test('A25 BI-070 the details of what is no form, and of a form without a file', async () => {
    const fixture = await use();
    const { server, bucket } = fixture;
    const other = await postBytes(server, bucket, form(fixture), typed('text/html'));
    assert.equal(
      elementText(other.text, 'Condition'),
      'Bucket POST must be of the enclosure-type multipart/form-data',
    );
    const parts = signedParts(server, bucket).slice(0, -1);
    const empty = await postBytes(server, bucket, encodeForm(parts));
    assert.equal(elementText(empty.text, 'ArgumentName'), 'file');
    assert.equal(elementText(empty.text, 'ArgumentValue'), '0');
  });

  test('BI-079 what comes before the file may have 20 KiB, and not a byte more', async () => {
    const fixture = await use();
    const { server, bucket } = fixture;
    const bytesOfForm = (padding: number): Buffer => {
      const parts = signedParts(server, bucket, {
        unsigned: { 'x-ignore-a': 'a'.repeat(padding) },
      });
      return encodeForm(parts);
    };
    const own = bytesOfForm(0).indexOf('content');
    const most = bytesOfForm(POST_FIELDS_BYTES_MAX - own);
    assert.equal(most.indexOf('content'), POST_FIELDS_BYTES_MAX);
    assert.equal((await postBytes(server, bucket, most)).status, 204);
    await changesNothing(fixture, async () => {
      const reply = await postBytes(server, bucket, bytesOfForm(POST_FIELDS_BYTES_MAX - own + 1));
      assert.equal(reply.code, 'MaxPostPreDataLengthExceededError');
      assert.equal(elementText(reply.text, 'MaxPostPreDataLengthBytes'), '20480');
    });
  });

  const accepted: readonly (readonly [
    what: string,
    body: (fixture: Fixture) => Buffer,
    contentType?: string,
  ])[] = [
    ['a quoted boundary', form, `Multipart/Form-Data; charset=utf-8; Boundary="${BOUNDARY}"`],
    [
      'a boundary of 70 characters',
      ({ server, bucket }) => encodeForm(signedParts(server, bucket), boundaryOf(70)),
      `multipart/form-data; boundary=${boundaryOf(70)}`,
    ],
    [
      'a preamble and an epilogue',
      (fixture) =>
        Buffer.concat([
          Buffer.from('preamble\r\n'),
          form(fixture),
          Buffer.from(`epilogue\r\n--${BOUNDARY}\r\n`),
        ]),
    ],
    ['nothing after its closing boundary', (fixture) => form(fixture).subarray(0, -2)],
    ['white space behind a boundary', edited(`--${BOUNDARY}\r\n`, `--${BOUNDARY} \t\r\n`)],
    [
      'more headers in its parts',
      edited(
        'name="file"; filename="file.txt"',
        'name="file"; filename="file.txt"\r\nContent-Type: text/plain\r\nX-Other: 1',
      ),
    ],
    ['a file name on every field', edited('; name="key"', '; name="key"; filename="key"')],
    ['bare names', edited('; name="key"', ';name=key')],
  ];
  for (const [what, body, contentType] of accepted) {
    test(`A25 a form with ${what} is accepted`, async () => {
      const fixture = await use();
      const headers = contentType === undefined ? {} : typed(contentType);
      const reply = await postBytes(fixture.server, fixture.bucket, body(fixture), headers);
      assert.equal(reply.status, 204, reply.text);
      assert.equal(await textOf(fixture, 'key'), 'content');
    });
  }

  test('A25 a boundary that arrives byte by byte is found, in the file and at its end', async () => {
    const fixture = await use();
    const file = `\r\n--${BOUNDARY.slice(0, -1)}\r\r\n--\r`;
    const body = form(fixture, file);
    const start = body.indexOf(file);
    const socket = await openPost(fixture, body.byteLength);
    socket.write(body.subarray(0, start));
    for (const byte of body.subarray(start)) {
      socket.write(Uint8Array.of(byte));
      await delay(0);
    }
    await answered(socket, /^HTTP\/1\.1 204 /);
    assert.equal(await textOf(fixture, 'key'), file);
  });

  test('C25 BI-070 a client that goes away within the file leaves nothing', async () => {
    const fixture = await use();
    const { server, bucket } = fixture;
    await changesNothing(fixture, async () => {
      const body = form(fixture, LARGE);
      const socket = await openPost(fixture, body.byteLength);
      await new Promise((resolve) => socket.write(body.subarray(0, 1_000_000), resolve));
      socket.destroy();
      while (!server.ends.some((end) => end.operation === 'PostObject' && end.bucket === bucket)) {
        await delay(10);
      }
    });
    assert.equal(server.ends.findLast((end) => end.operation === 'PostObject')?.status, 499);
  });

  test('C26 a form without Content-Length is NotImplemented', async () => {
    const fixture = await use();
    const { server, bucket } = fixture;
    await changesNothing(fixture, async () => {
      const body = form(fixture);
      const { host = '', 'content-type': type = '' } = formHeaders(server, body.byteLength);
      const headers = { host, 'content-type': type, 'transfer-encoding': 'chunked' };
      const target = `/${bucket}`;
      const request = { port: server.port, method: 'POST', target, headers, body };
      assert.equal((await sendUnsigned(request)).code, 'NotImplemented');
    });
  });

  test('C27 a form larger than any file is EntityTooLarge before it is read', async () => {
    const fixture = await use();
    await changesNothing(fixture, async () => {
      const socket = await openPost(fixture, 6 * 1024 ** 3);
      await answered(socket, /^HTTP\/1\.1 400 [^]*<Code>EntityTooLarge</);
    });
  });
});

/** A connection on which the head of a form has been sent. */
async function openPost({ server, bucket }: Fixture, sizeBytes: number): Promise<Socket> {
  const socket = connect(server.port, '127.0.0.1').setNoDelay(true);
  await new Promise((resolve) => socket.once('connect', resolve));
  const headers = Object.entries(formHeaders(server, sizeBytes));
  const lines = headers.map(([name, value]) => `${name}: ${value}\r\n`);
  socket.write(`POST /${bucket} HTTP/1.1\r\n${lines.join('')}\r\n`);
  return socket;
}

/** Waits until the answer matches; fails when the server ends it first. */
async function answered(socket: Socket, pattern: RegExp): Promise<void> {
  let text = '';
  for await (const piece of socket) {
    text += String(piece);
    if (pattern.test(text)) return;
  }
  assert.match(text, pattern);
}
