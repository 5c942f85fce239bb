/**
 * The process that abuses: does one of the abuses named here and reports.
 *
 * @module
 */

import { on } from 'node:events';

import { cutRequests } from './abuses/cuts.js';
import { floodServer, measurePeak } from './abuses/flood.js';
import { holdIdle } from './abuses/idle.js';
import { sendMalformed } from './abuses/malformed.js';
import { readSlowly } from './abuses/readers.js';
import { runSteadily } from './abuses/steady.js';
import { uploadSlowly } from './abuses/uploads.js';

/** How an abuse talks to the test that started it. */
export interface Control {
  /** The test wants the result now. Abuses that end by themselves do not ask. */
  readonly ended: Promise<void>;
  tell(name: string, value: unknown): void;
}

type Abuse = (parameters: never, control: Control) => Promise<unknown>;

const ABUSES: Readonly<Record<string, Abuse>> = {
  idle: holdIdle,
  uploads: uploadSlowly,
  readers: readSlowly,
  cuts: cutRequests,
  malformed: sendMalformed,
  flood: floodServer,
  peak: measurePeak,
  steady: runSteadily,
};

// One listener for both: a test that ends the abuse at once may send the second right after the first.
const messages = on(process, 'message')[Symbol.asyncIterator]();
const [{ abuse, parameters }] = (await messages.next()).value as [
  { abuse: string; parameters: never },
];
const control: Control = {
  ended: messages.next().then(() => undefined),
  tell: (name, value) => process.send?.([name, value]),
};
control.tell('result', await ABUSES[abuse]?.(parameters, control));
