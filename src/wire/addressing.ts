/**
 * Which bucket and key a request names, and under which other addresses its signer may know them.
 *
 * The path is decoded before it is split: `%2F` and `/` have one canonical form in a signature, so
 * they must name one resource. Nothing is normalised; whether the names are legal is decided by
 * `s3/names.ts` when the resource is used.
 *
 * The rule that must not be broken: an address is accepted for a signature only when it names, by
 * the same reading, the resource that the request is routed to. So nothing that a proxy or a client
 * does to host and path can turn a signature for one object into one for another.
 *
 * @module
 */

import { S3Error } from '../s3/errors.js';
import { DECLARED_NAMES_COUNT_MAX, type Endpoint } from '../util/endpoint.js';
import { decodeUriComponentStrict, encodePathAws } from './uri.js';

/** The target of a request. Both are empty for the service, `key` alone for a bucket. */
export interface ResourceAddress {
  readonly bucket: string;
  /** Decoded; may start with `/` or hold any other character but NUL. */
  readonly key: string;
}

/** A target, and how host and path name it. */
export interface LocatedAddress extends ResourceAddress {
  /** The bucket comes from the host. */
  readonly isVirtualHosted: boolean;
  /** The declared prefix that the path begins with, or empty. */
  readonly prefix: string;
  /** Decoded, without the prefix. */
  readonly path: string;
  /** Decoded, as it arrived. */
  readonly arrivedPath: string;
}

/** A host and path that a signature may cover. */
export interface SignedAddress {
  readonly host: string;
  readonly rawPath: string;
  /** Scheme, host and prefix of the declared endpoint, when it is one. */
  readonly origin: string | undefined;
}

/** Where a request arrived. */
export interface ArrivalAddress {
  /** The host that the request is read by. */
  readonly host: string;
  /** The `Host` header, when a trusted proxy named another. */
  readonly sentHost: string;
  readonly located: LocatedAddress;
}

/**
 * Addresses beside the one that arrived that can be tried for a signature: sent host and path
 * without prefix in three combinations, and each endpoint with and without its prefix.
 */
export const OTHER_ADDRESSES_COUNT_MAX = 3 + 2 * DECLARED_NAMES_COUNT_MAX;

const SERVICE: ResourceAddress = { bucket: '', key: '' };
const PORT = /:[0-9]*$/;

/**
 * Splits a path-style request path.
 *
 * @param rawPath - byte for byte as sent, starting with `/`.
 * @throws {S3Error} InvalidBucketName when a key follows an empty bucket, InvalidURI.
 */
export function parsePath(rawPath: string): ResourceAddress {
  if (rawPath === '/') return SERVICE;
  return splitPath(decodePath(rawPath)) ?? refuseEmptyBucket();
}

/** The URL of an object at an origin of the same style. */
export function objectUrl(
  origin: string,
  { bucket, key, isVirtualHosted }: ResourceAddress & { readonly isVirtualHosted: boolean },
): string {
  return isVirtualHosted
    ? `${origin}/${encodePathAws(key)}`
    : `${origin}/${bucket}/${encodePathAws(key)}`;
}

/** Reads requests by the domains and endpoints that were declared. */
export class Addressing {
  readonly #domains: readonly string[];
  readonly #endpoints: readonly Endpoint[];
  /** The longest first. */
  readonly #prefixes: readonly string[];

  /** @param declared - domains in lower case, without port and trailing dot. */
  constructor(declared: {
    readonly domains: readonly string[];
    readonly endpoints: readonly Endpoint[];
  }) {
    this.#domains = [...declared.domains].sort((one, other) => other.length - one.length);
    this.#endpoints = declared.endpoints;
    const prefixes = declared.endpoints.map(({ prefix }) => prefix).filter(Boolean);
    this.#prefixes = prefixes.sort((one, other) => other.length - one.length);
  }

  /**
   * Reads host and path.
   *
   * @throws {S3Error} InvalidBucketName when there is a key and the bucket is empty, InvalidURI.
   */
  locate(host: string, rawPath: string): LocatedAddress {
    return this.#read(host, decodePath(rawPath)) ?? refuseEmptyBucket();
  }

  /**
   * The other addresses under which the signer may have sent this request, each once, at most
   * OTHER_ADDRESSES_COUNT_MAX. All name the resource of `located`.
   */
  *otherAddresses(arrival: ArrivalAddress): Generator<SignedAddress, void, undefined> {
    const { host, located } = arrival;
    const tried = new Set([nameOf(host, located.arrivedPath)]);
    for (const candidate of this.#candidates(arrival)) {
      const name = nameOf(candidate.host, candidate.path);
      if (tried.has(name)) continue;
      tried.add(name);
      const meant = this.#read(candidate.host, candidate.path);
      if (meant?.bucket !== located.bucket || meant.key !== located.key) continue;
      const { origin } = candidate;
      yield { host: candidate.host, rawPath: encodePathAws(candidate.path), origin };
    }
  }

  *#candidates({ host, sentHost, located }: ArrivalAddress): Generator<Candidate, void, undefined> {
    const { arrivedPath, bucket, isVirtualHosted, path } = located;
    const origin = undefined;
    yield { host: sentHost, path: arrivedPath, origin };
    yield { host, path, origin };
    yield { host: sentHost, path, origin };
    for (const endpoint of this.#endpoints) {
      const signedHost = isVirtualHosted ? `${bucket}.${endpoint.host}` : endpoint.host;
      const outside = `${endpoint.scheme}://${signedHost}`;
      yield {
        host: signedHost,
        path: endpoint.prefix + path,
        origin: outside + endpoint.prefix,
      };
      yield { host: signedHost, path, origin: outside };
    }
  }

  /** @returns undefined when a key follows an empty bucket. */
  #read(host: string, arrivedPath: string): LocatedAddress | undefined {
    const bucket = this.#bucketOf(host);
    if (bucket === '') return undefined;
    if (bucket !== undefined) {
      // A prefix belongs to path style: behind a bucket's own name, everything is the key.
      const key = arrivedPath.slice(1);
      return { bucket, key, isVirtualHosted: true, prefix: '', path: arrivedPath, arrivedPath };
    }
    const prefix = this.#prefixOf(arrivedPath);
    const path = prefix === '' ? arrivedPath : arrivedPath.slice(prefix.length) || '/';
    const resource = splitPath(path);
    return resource && { ...resource, isVirtualHosted: false, prefix, path, arrivedPath };
  }

  /** The bucket in front of a domain, undefined for the domain itself and for any other host. */
  #bucketOf(host: string): string | undefined {
    if (this.#domains.length === 0 || host.startsWith('[')) return undefined;
    const withoutPort = host.replace(PORT, '').toLowerCase();
    const name = withoutPort.endsWith('.') ? withoutPort.slice(0, -1) : withoutPort;
    if (this.#domains.includes(name)) return undefined;
    const domain = this.#domains.find((candidate) => name.endsWith(`.${candidate}`));
    return domain === undefined ? undefined : name.slice(0, -domain.length - 1);
  }

  #prefixOf(path: string): string {
    for (const prefix of this.#prefixes) {
      if (!path.startsWith(prefix)) continue;
      if (path.length === prefix.length || path[prefix.length] === '/') return prefix;
    }
    return '';
  }
}

interface Candidate {
  readonly host: string;
  /** Decoded. */
  readonly path: string;
  readonly origin: string | undefined;
}

function decodePath(rawPath: string): string {
  const path = decodeUriComponentStrict(rawPath);
  if (!path.startsWith('/')) throw new S3Error('InvalidURI', { URI: rawPath });
  return path;
}

/** @returns undefined when a key follows an empty bucket: `//key` is not for the service. */
function splitPath(path: string): ResourceAddress | undefined {
  if (path === '/') return SERVICE;
  const slash = path.indexOf('/', 1);
  if (slash === -1) return { bucket: path.slice(1), key: '' };
  if (slash === 1) return undefined;
  return { bucket: path.slice(1, slash), key: path.slice(slash + 1) };
}

function refuseEmptyBucket(): never {
  throw new S3Error('InvalidBucketName', { BucketName: '' });
}

function nameOf(host: string, path: string): string {
  return `${host} ${path}`;
}
