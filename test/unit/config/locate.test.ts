import assert from 'node:assert/strict';
import test from 'node:test';

import { locate } from '#src/config/locate.js';

const TEXT = `# comment
title = 1
server.region = "x"

[ "log" ]
level = "info" # level
format="json"

  [storage]
  'base_path' = "/a"
limits = { a = 1 }
`;

const PLACES: readonly (readonly [readonly string[], number])[] = [
  [['title'], 2],
  [['server', 'region'], 3],
  [['log'], 5],
  [['log', 'level'], 6],
  [['log', 'format'], 7],
  [['storage', 'base_path'], 10],
  [['storage', 'limits', 'a'], 11],
  [['storage', 'absent'], 9],
  [['nowhere', 'absent'], 1],
];

for (const [path, line] of PLACES) {
  test(`locate finds ${path.join('.')} in line ${line}`, () => {
    assert.equal(locate(TEXT, path), line);
  });
}
