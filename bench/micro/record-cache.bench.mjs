/**
 * What it costs to decode a record, and to find it decoded: `node bench/micro/record-cache.bench.mjs`.
 * Build first (`npm run build`).
 *
 * @module
 */

import { performance } from 'node:perf_hooks';
import process from 'node:process';

import { decodeManifest, encodeManifest } from '../../dist/metadata/payload-records.js';
import { decodeObject, encodeObject } from '../../dist/metadata/records.js';
import { RecordCache } from '../../dist/store/record-cache.js';

const OBJECT = {
  sequence: 123_456,
  versionId: '',
  sizeBytes: 4096,
  md5Hex: 'ab'.repeat(16),
  partsCount: 0,
  lastModifiedMs: 1_700_000_000_000,
  checksum: { algorithm: 'CRC64NVME', type: 'FULL_OBJECT', value: 'AAAAAAAAAAA=' },
  placement: { kind: 'inline' },
  attributes: { contentType: 'application/octet-stream', userMetadata: {} },
  tags: [],
};
const userMetadata = Object.fromEntries(
  Array.from({ length: 20 }, (_, index) => [`name-${index}`, 'v'.repeat(90)]),
);
const parts = (count) =>
  Array.from({ length: count }, (_, index) => ({ partNumber: index + 1, sizeBytes: 8_388_608 }));

const RECORDS = [
  ['object without metadata', encodeObject(OBJECT), decodeObject],
  [
    'object with 2 KB of metadata',
    encodeObject({ ...OBJECT, attributes: { userMetadata } }),
    decodeObject,
  ],
  ['manifest of 100 parts', encodeManifest({ parts: parts(100) }), decodeManifest],
  ['manifest of 10,000 parts', encodeManifest({ parts: parts(10_000) }), decodeManifest],
];

for (const [name, bytes, decode] of RECORDS) {
  const cache = new RecordCache({ bytesMax: 64 * 1024 ** 2, ttlMs: 60_000 });
  const plainUs = microseconds(() => decode(bytes));
  const cachedUs = microseconds(() => cache.decode('record', bytes, decode));
  const figures = `decoded ${plainUs.toFixed(2)} us, through the cache ${cachedUs.toFixed(2)} us`;
  process.stdout.write(`${name} (${bytes.length} bytes): ${figures}\n`);
}

function microseconds(work) {
  for (const rounds of [2000, 0]) {
    const startMs = performance.now();
    let count = 0;
    while (rounds > 0 ? count < rounds : performance.now() - startMs < 300) {
      work();
      count += 1;
    }
    if (rounds === 0) return ((performance.now() - startMs) * 1000) / count;
  }
  return NaN;
}
