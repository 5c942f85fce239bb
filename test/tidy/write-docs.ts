/**
 * Stores the generated pages of `docs/`; run by `make docs`.
 *
 * @module
 */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { generatedPages } from './generated-docs.js';
import { ROOT } from './source-files.js';

for (const { path, text } of generatedPages()) {
  writeFileSync(join(ROOT, path), text);
  console.log(path);
}
