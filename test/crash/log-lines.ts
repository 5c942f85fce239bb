import type { TestServer } from '../support/server.js';

/** What the server logged so far, without the texts of its starts. */
export function logLines(server: TestServer): string {
  return server
    .output()
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .join('\n');
}
