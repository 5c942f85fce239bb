import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';

import { startAdmin, type ServingState } from '#src/server/admin.js';

async function admin(
  context: TestContext,
  state: () => ServingState,
  metrics = (): Promise<{ contentType: string; text: string }> =>
    Promise.resolve({ contentType: 'text/plain', text: 'up 1\n' }),
): Promise<{ readonly url: string; readonly faults: unknown[] }> {
  const faults: unknown[] = [];
  const server = await startAdmin({
    address: { host: '127.0.0.1', port: 0 },
    state,
    metrics,
    onFault: (fault) => faults.push(fault),
  });
  context.after(() => server.close());
  const address = server.address();
  assert.ok(typeof address === 'object' && address !== null);
  return { url: `http://127.0.0.1:${address.port}`, faults };
}

const STATES: readonly (readonly [ServingState, number, number])[] = [
  [
    {
      serverCount: 4,
      servingCount: 4,
      damagedCount: 0,
      failingCount: 0,
      fencedCount: 0,
      isStopping: false,
    },
    200,
    200,
  ],
  [
    {
      serverCount: 4,
      servingCount: 4,
      damagedCount: 2,
      failingCount: 0,
      fencedCount: 0,
      isStopping: false,
    },
    200,
    200,
  ],
  [
    {
      serverCount: 4,
      servingCount: 3,
      damagedCount: 0,
      failingCount: 0,
      fencedCount: 0,
      isStopping: false,
    },
    200,
    503,
  ],
  [
    {
      serverCount: 4,
      servingCount: 2,
      damagedCount: 0,
      failingCount: 0,
      fencedCount: 0,
      isStopping: false,
    },
    503,
    503,
  ],
  [
    {
      serverCount: 1,
      servingCount: 0,
      damagedCount: 0,
      failingCount: 0,
      fencedCount: 0,
      isStopping: false,
    },
    503,
    503,
  ],
  [
    {
      serverCount: 4,
      servingCount: 3,
      failingCount: 1,
      damagedCount: 0,
      fencedCount: 0,
      isStopping: false,
    },
    503,
    503,
  ],
  [
    {
      serverCount: 4,
      servingCount: 4,
      damagedCount: 0,
      failingCount: 0,
      fencedCount: 0,
      isStopping: true,
    },
    200,
    503,
  ],
];

for (const [state, health, ready] of STATES) {
  test(`startAdmin answers ${health} and ${ready} for ${JSON.stringify(state)}`, async (context) => {
    const { url } = await admin(context, () => state);
    const answers = [await fetch(`${url}/_health`), await fetch(`${url}/_ready?verbose`)];
    assert.deepEqual(
      answers.map(({ status }) => status),
      [health, ready],
    );
    for (const answer of answers) {
      const { status: _status, ...shown } = (await answer.json()) as Record<string, unknown>;
      assert.deepEqual(shown, state);
    }
  });
}

test('startAdmin answers HEAD without a body, and nothing but GET and HEAD', async (context) => {
  const { url } = await admin(context, () => ({
    serverCount: 1,
    servingCount: 1,
    damagedCount: 0,
    failingCount: 0,
    fencedCount: 0,
    isStopping: false,
  }));
  const head = await fetch(`${url}/_metrics`, { method: 'HEAD' });
  assert.deepEqual(
    [head.status, head.headers.get('content-length'), await head.text()],
    [200, '5', ''],
  );
  assert.equal((await fetch(`${url}/_metrics`, { method: 'POST' })).status, 405);
  assert.equal((await fetch(`${url}/metrics`)).status, 404);
});

test('startAdmin answers 500 and reports the fault when the figures fail', async (context) => {
  const fault = new Error('broken');
  const { url, faults } = await admin(
    context,
    () => ({
      serverCount: 1,
      servingCount: 1,
      damagedCount: 0,
      failingCount: 0,
      fencedCount: 0,
      isStopping: false,
    }),
    () => Promise.reject(fault),
  );
  const answer = await fetch(`${url}/_metrics`);
  assert.equal(answer.status, 500);
  assert.ok(!(await answer.text()).includes('broken'));
  assert.deepEqual(faults, [fault]);
});
