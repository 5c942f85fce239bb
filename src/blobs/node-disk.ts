/**
 * The file systems of this machine.
 *
 * @module
 */

import * as fileSystem from 'node:fs/promises';

import type { Disk } from './disk.js';

export const nodeDisk: Disk = fileSystem;
