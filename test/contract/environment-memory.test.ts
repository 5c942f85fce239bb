/** The contract of a metadata index, in memory. */

import { openMemoryEnvironment } from '#src/metadata/memory-environment.js';

import { environmentSuite } from './environment.suite.js';

environmentSuite('memory', async () => {
  const environment = openMemoryEnvironment();
  return { environment, dispose: () => environment.close() };
});
