/**
 * Reporter of `make test`: Node's own, with a count of the behaviours that hold above the totals.
 *
 * An id holds when a test names it and every test that names it passed; a skipped test proves
 * nothing.
 *
 * @module
 */

import { Readable } from 'node:stream';
import { spec } from 'node:test/reporters';

import { idsOfName, IDS_IN_SCOPE, isBadInput } from './behaviour-ids.js';

/** What Node reports, as far as this file looks into it. */
interface TestEvent {
  readonly type: string;
  readonly data: {
    readonly name?: string;
    readonly message?: string;
    readonly nesting?: number;
    readonly skip?: string | boolean;
    readonly todo?: string | boolean;
  };
}

/** Whether all tests of an id passed, by the ids that tests named. */
export type Outcomes = ReadonlyMap<string, boolean>;

/** Node's report of the events, with the count before its totals. */
// eslint-disable-next-line no-restricted-syntax -- Node takes the default export of a reporter.
export default async function* report(events: AsyncIterable<TestEvent>): AsyncIterable<unknown> {
  yield* Readable.from(withCount(events)).pipe(new spec());
}

async function* withCount(events: AsyncIterable<TestEvent>): AsyncIterable<TestEvent> {
  const outcomes = new Map<string, boolean>();
  let isCounted = false;
  for await (const event of events) {
    const { type, data } = event;
    if (type === 'test:pass' || type === 'test:fail') note(outcomes, event);
    // The totals of a run begin with the number of its tests.
    if (
      type === 'test:diagnostic' &&
      data.nesting === 0 &&
      /^tests \d+$/.test(data.message ?? '')
    ) {
      if (!isCounted) yield* countOf(outcomes).map((message) => diagnostic(message));
      isCounted = true;
    }
    yield event;
  }
}

function note(outcomes: Map<string, boolean>, { type, data }: TestEvent): void {
  const isPassed = type === 'test:pass';
  // Node sets `skip` and `todo` to the reason, an empty text too.
  if (isPassed && (data.skip !== undefined || data.todo !== undefined)) return;
  for (const id of idsOfName(data.name ?? '')) {
    outcomes.set(id, isPassed && (outcomes.get(id) ?? true));
  }
}

/** Lines of the report: how many ids hold, and which do not. */
export function countOf(outcomes: Outcomes): readonly string[] {
  const line = (title: string, ids: readonly string[]): string =>
    `${title} ${ids.filter((id) => outcomes.get(id) === true).length} of ${ids.length}`;
  const rest = (title: string, ids: readonly string[]): readonly string[] =>
    ids.length === 0 ? [] : [`${title}: ${ids.join(' ')}`];
  return [
    ...rest(
      'ids that fail',
      IDS_IN_SCOPE.filter((id) => outcomes.get(id) === false),
    ),
    ...rest(
      'ids that no test proves',
      IDS_IN_SCOPE.filter((id) => !outcomes.has(id)),
    ),
    line(
      'behaviours',
      IDS_IN_SCOPE.filter((id) => !isBadInput(id)),
    ),
    line('bad inputs', IDS_IN_SCOPE.filter(isBadInput)),
  ];
}

function diagnostic(message: string): TestEvent {
  return { type: 'test:diagnostic', data: { nesting: 0, message } };
}
