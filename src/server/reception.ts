/**
 * Reads where a request was addressed to, when domains, endpoints or trusted proxies are declared.
 *
 * Without any of them there is no reception, and a request is what its path says.
 *
 * @see docs/DEPLOYMENT.md
 * @module
 */

import { BlockList, isIP } from 'node:net';

import type { SignedRequest } from '../auth/signature-claim.js';
import type { Endpoint } from '../util/endpoint.js';
import type { Network } from '../util/network.js';
import {
  Addressing,
  type LocatedAddress,
  type ResourceAddress,
  type SignedAddress,
} from '../wire/addressing.js';
import { readForwarding, type Forwarding } from '../wire/forwarded.js';
import { encodePathAws } from '../wire/uri.js';
import type { Exchange, RequestHead } from './transport.js';

/** What an operator declared. */
export interface ReceptionRules {
  readonly domains: readonly string[];
  readonly endpoints: readonly Endpoint[];
  readonly trustedProxies: readonly Network[];
}

/** A request with its target. */
export interface Arrival extends ResourceAddress {
  readonly isVirtualHosted: boolean;
  /** The request as its signature is verified; its `host` is the one the target was read by. */
  readonly request: SignedRequest;
  /** Scheme, host and prefix as the client used them; `signed` is what its signature covers. */
  originOf(signed: SignedAddress | undefined): string;
}

/** See the module comment. */
export class Reception {
  readonly #addressing: Addressing;
  /** Undefined when no proxy is trusted: then nobody's headers are looked at. */
  readonly #trusted: BlockList | undefined;

  private constructor(rules: ReceptionRules) {
    this.#addressing = new Addressing(rules);
    if (rules.trustedProxies.length === 0) return;
    this.#trusted = new BlockList();
    for (const { address, prefixBits, family } of rules.trustedProxies) {
      this.#trusted.addSubnet(address, prefixBits, family);
    }
  }

  /** @returns undefined when nothing is declared. */
  static open(rules: ReceptionRules): Reception | undefined {
    const { domains, endpoints, trustedProxies } = rules;
    const isPlain = domains.length === 0 && endpoints.length === 0 && trustedProxies.length === 0;
    return isPlain ? undefined : new Reception(rules);
  }

  /** What trusted proxies say of a request; undefined when its peer is not one of them. */
  forwarding(exchange: Exchange): Forwarding | undefined {
    if (this.#trusted === undefined) return undefined;
    return readForwarding(exchange.head.headers, exchange.remoteAddress, this.#isTrusted);
  }

  /** @throws {S3Error} InvalidBucketName, InvalidURI. */
  receive(head: RequestHead, forwarding: Forwarding | undefined): Arrival {
    const addressing = this.#addressing;
    const sentHost = head.headers.get('host') ?? '';
    const host = forwarding?.host ?? sentHost;
    const located = addressing.locate(host, head.rawPath);
    const headers = host === sentHost ? head.headers : new Map(head.headers).set('host', host);
    const otherAddresses = (): Iterable<SignedAddress> =>
      addressing.otherAddresses({ host, sentHost, located });
    const arrived = `${forwarding?.scheme ?? 'http'}://${host}${located.prefix}`;
    return {
      bucket: located.bucket,
      key: located.key,
      isVirtualHosted: located.isVirtualHosted,
      request: {
        ...head,
        headers,
        otherAddresses,
        resourceV2: () => resourceV2(located, head.rawPath),
      },
      originOf: (signed) => signed?.origin ?? arrived,
    };
  }

  readonly #isTrusted = (address: string): boolean => {
    const version = isIP(address);
    return version !== 0 && this.#trusted?.check(address, version === 4 ? 'ipv4' : 'ipv6') === true;
  };
}

function resourceV2({ bucket, isVirtualHosted, path, prefix }: LocatedAddress, rawPath: string) {
  return {
    hostBucket: isVirtualHosted ? bucket : '',
    rawPath: prefix === '' ? rawPath : encodePathAws(path),
  };
}
