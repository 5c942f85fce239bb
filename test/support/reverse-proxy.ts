/**
 * A reverse proxy for tests: passes requests on to a port of this machine, with another host, path
 * and headers.
 *
 * @module
 */

import { once } from 'node:events';
import { createServer, request, type IncomingMessage } from 'node:http';

/** What the proxy makes of a request; whatever is left out stays as it came. */
export interface Rewritten {
  readonly host?: string;
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface ReverseProxy {
  readonly port: number;
  close(): void;
}

/** Starts a proxy on a free port. It does not add any header by itself. */
export async function startReverseProxy(
  targetPort: number,
  rewrite: (incoming: IncomingMessage) => Rewritten,
): Promise<ReverseProxy> {
  const server = createServer((incoming, outgoing) => {
    const { host, path, headers = {} } = rewrite(incoming);
    const onward = request({
      host: '127.0.0.1',
      port: targetPort,
      method: incoming.method,
      path: path ?? incoming.url,
      headers: { ...incoming.headers, ...headers, host: host ?? incoming.headers.host },
    });
    onward.on('response', (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.rawHeaders);
      answer.pipe(outgoing);
    });
    onward.on('error', () => outgoing.destroy());
    incoming.pipe(onward);
  });
  server.listen({ host: '127.0.0.1', port: 0 });
  await once(server, 'listening');
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}
