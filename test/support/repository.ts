/**
 * Where the repository is; tests run from `build/test/`.
 *
 * @module
 */

import { fileURLToPath } from 'node:url';

/** Root of the repository, with a slash at its end. */
export const REPOSITORY = fileURLToPath(new URL('../../../', import.meta.url));
