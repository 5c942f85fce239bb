/**
 * Ends what restoring and rebuilding begin: that blobs stay which the index does not know.
 *
 * @module
 */

import { openLmdbEnvironment } from '../metadata/lmdb-environment.js';
import { keepOrphansAction } from '../store/system-actions.js';

/** Also beside a running server, whose next walk removes them. */
export async function releaseOrphans(metadataPath: string): Promise<void> {
  const options = { path: metadataPath, isFsyncEnabled: true, epoch: undefined };
  const environment = openLmdbEnvironment(options);
  try {
    await environment.write(keepOrphansAction, false);
  } finally {
    await environment.close();
  }
}
