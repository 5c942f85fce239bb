// boto3: what an application does with it, keys that are easily confused included.

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { REPOSITORY } from '../support/repository.js';
import { openWorkbench, pythonWithBoto3 } from '../support/workbench.js';
import { AWKWARD_KEYS } from './awkward-keys.js';

const SCRIPT = join(REPOSITORY, 'test/clients/round_trip.py');
const python = pythonWithBoto3();

test(
  'K01 K02 K05 A25 boto3 keeps awkward keys apart in put, get, list, copy, presigned URLs, forms and delete',
  { skip: python === undefined && 'boto3 is not installed' },
  async () => {
    const bench = await openWorkbench('boto3', { processes: 2 });
    try {
      writeFileSync(bench.path('keys.json'), JSON.stringify(AWKWARD_KEYS));
      const { stdout, stderr } = await bench.paste(
        `${python} ${SCRIPT} ${bench.server.endpoint} boto-bucket < keys.json`,
      );
      assert.equal(stdout.trim(), 'ok');
      assert.equal(stderr, '');
      bench.assertNothingFailed();
    } finally {
      await bench.close();
    }
  },
);
