/**
 * What an S3 operation receives and returns, and the row that declares it.
 *
 * @module
 */

import type { PayloadVerification } from '../auth/payload-verification.js';
import type { Principal } from '../auth/principal.js';
import type { Bucket, Store } from '../store/store.js';
import type { ByteSource } from '../util/byte-source.js';
import type { StreamHash } from '../util/stream-hash.js';
import type { SignedForm } from './form.js';

/** Decoded query: every value of every name, in order of arrival. */
export type Query = ReadonlyMap<string, readonly string[]>;

/** Everything one operation may know about its request. Frozen. */
export interface Call {
  /** AWS name, or that of the sub-resource nobody offers. */
  readonly operation: string;
  readonly requestId: string;
  readonly principal: Principal;
  /** Empty for service-level operations. */
  readonly bucket: string;
  /** Decoded key; empty for bucket-level operations. */
  readonly key: string;
  readonly query: Query;
  /** Lower-case names; presigned `x-amz-*` query parameters are merged in. */
  readonly headers: ReadonlyMap<string, string>;
  /** Body text for `document` operations, already verified; empty otherwise. */
  readonly document: string;
  /** Body bytes for `stream` operations, as received; wrap with `openPayload` exactly once. */
  readonly body: ByteSource;
  readonly verification: PayloadVerification;
  /** Starts the MD5 of a payload of that many bytes, 0 if that is not known. */
  readonly openMd5: (sizeBytes: number) => StreamHash;
  /** The signed form of a `form` operation; its file is the payload. */
  readonly form?: SignedForm;
  /** Scheme, host with port and path prefix as the client used them; see `objectUrl`. */
  readonly origin: string;
  /** The origin names the bucket already. */
  readonly isVirtualHosted: boolean;
  readonly store: Store;
  readonly region: string;
  /** The server's clock when the request was authenticated. */
  readonly nowMs: number;
  readonly limits: OperationLimits;
  /** The bucket of a second resource, checked like the first. @throws {S3Error} AccessDenied, NoSuchBucket. */
  authorizeBucket(bucket: string): Bucket;
}

/** Configured limits that operations apply. */
export interface OperationLimits {
  readonly objectSizeBytesMax: number;
  readonly partSizeBytesMin: number;
  readonly partsCountMax: number;
}

/** The answer of an operation. */
export interface Reply {
  readonly status: number;
  /** Undefined values are left out. Lower-case names. */
  readonly headers?: Readonly<Record<string, string | number | undefined>>;
  readonly body?:
    | string
    | Uint8Array
    | {
        readonly sizeBytes: number;
        readonly chunks: AsyncIterable<Uint8Array>;
        /** The same bytes again, from one of them on: lets a slow client cost no memory. */
        readonly resume?: (offsetBytes: number) => AsyncIterable<Uint8Array>;
      };
  /** Runs once after the answer has been sent or has failed. */
  readonly onSent?: () => void;
}

export type Handler = (call: Call) => Reply | Promise<Reply>;

/**
 * `none`: bytes are refused or ignored. `document`: small text. `stream`: a byte source. `form`:
 * fields that carry the signature and the key, then a file as a byte source.
 */
export type BodyMode = 'none' | 'document' | 'stream' | 'form';

/** The permission of operations that nobody signs: they are neither authenticated nor authorised. */
export const EVERYBODY = 'everybody';

/** One row of the registry. */
export interface Operation {
  /** As AWS documents it: `PUT /{bucket}/{key}?partNumber&uploadId +x-amz-copy-source`. */
  readonly requestLine: string;
  /** IAM action that authorises it, or {@link EVERYBODY}. */
  readonly permission: string;
  readonly body: BodyMode;
  /** Bytes a `document` body may have. */
  readonly documentBytesMax: number;
  readonly handler: Handler;
}
