/** Today's code reads and writes the bytes of format 1, which were written once. */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';
import { fileURLToPath } from 'node:url';

import { readSidecar, writeSidecar, type Sidecar } from '#src/store/sidecar.js';
import { NewerFormatError } from '#src/util/newer-format-error.js';

import { KEY_SAMPLES, RECORD_SAMPLES, SIDECAR_LAYOUT, SIDECAR_SAMPLES } from './golden-samples.js';

const GOLDEN = fileURLToPath(new URL('../../../test/golden/format-1', import.meta.url));
const BYTES = JSON.parse(readFileSync(`${GOLDEN}/bytes.json`, 'utf8')) as Record<string, string>;

for (const [name, { written, read, value }] of Object.entries(RECORD_SAMPLES)) {
  test(`format 1: record "${name}" is written and read`, () => {
    const golden = BYTES[name] ?? 'no such record';
    assert.equal(Buffer.from(written).toString('hex'), golden);
    assert.deepEqual(structuredClone(read(Buffer.from(golden, 'hex'))), structuredClone(value));
  });
}

for (const [name, key] of Object.entries(KEY_SAMPLES)) {
  test(`format 1: ${name} is written`, () => {
    assert.equal(Buffer.from(key).toString('hex'), BYTES[name]);
  });
}

test('format 1: every golden record and key still has its sample', () => {
  const samples = [...Object.keys(RECORD_SAMPLES), ...Object.keys(KEY_SAMPLES)];
  assert.deepEqual(Object.keys(BYTES).sort(), samples.sort());
});

for (const [name, sidecar] of Object.entries(SIDECAR_SAMPLES)) {
  const golden = readFileSync(`${GOLDEN}/sidecar-${name}.json`, 'utf8');
  const checked = readFileSync(`${GOLDEN}/checked-sidecar-${name}.json`, 'utf8');

  test(`format 1: sidecar "${name}" is written and read`, () => {
    assert.equal(writeSidecar(sidecar, SIDECAR_LAYOUT), checked);
    assert.deepEqual(readSidecar(checked), { sidecar, layout: SIDECAR_LAYOUT, isChecked: true });
  });

  test(`format 1: sidecar "${name}" without a checksum of its own is read`, () => {
    assert.deepEqual(readSidecar(golden), { sidecar, layout: SIDECAR_LAYOUT, isChecked: false });
  });

  test(`format 1: sidecar "${name}" with a changed byte does not match its checksum`, () => {
    for (const other of [checked.replace('1700000000123', '1700000000122'), `${checked} `]) {
      assert.notEqual(other, checked);
      assert.throws(() => readSidecar(other), SyntaxError);
    }
  });

  test(`format 1: sidecar "${name}" may have members of a later version`, () => {
    const more = golden.replace('{', '{"later":[["a","b"]],');
    const { sidecar: found } = readSidecar(more);
    assert.deepEqual({ ...found }, { later: [['a', 'b']], ...sidecar } as unknown as Sidecar);
  });

  test(`format 1: sidecar "${name}" of another format is refused by name`, () => {
    for (const format of ['2', '"1"', 'null']) {
      const other = golden.replace('"format":1', `"format":${format}`);
      assert.notEqual(other, golden);
      assert.throws(() => readSidecar(other), NewerFormatError);
      assert.throws(() => readSidecar(other), /this version of s3ish reads 1/);
    }
  });

  test(`format 1: sidecar "${name}" that was cut is no sidecar`, () => {
    assert.throws(() => readSidecar(golden.slice(0, -2)), SyntaxError);
    assert.throws(() => readSidecar(''), SyntaxError);
  });
}
