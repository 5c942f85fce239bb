/**
 * The body of PostObject: a form whose fields are read at once and whose file is streamed.
 *
 * @see docs/LIFECYCLE.md, "PostObject"
 * @module
 */

import { createHash, type Hash } from 'node:crypto';

import { onlyOneMechanism } from '../auth/signature-claim.js';
import { S3Error } from '../s3/errors.js';
import { POST_FIELDS_BYTES_MAX, PUT_SIZE_BYTES_MAX } from '../s3/limits.js';
import type { PostPolicy } from '../s3/post-policy.js';
import type { ByteSource } from '../util/byte-source.js';
import { contentMd5Hex, contentMd5Mismatch } from '../wire/content-md5.js';
import { formBoundary, isFormType } from '../wire/form-data.js';
import { FormDecoder, type FormHead } from '../wire/form-decoder.js';
import type { Call } from './operation.js';
import { announcedSize, sha256Mismatch, type PayloadCall } from './payload.js';

/** A form as far as its file. */
export interface OpenForm extends FormHead {
  /** The content of the file. Its end proves that the whole form has arrived. */
  readonly file: ByteSource;
}

/** A form whose signer is known; what the policy does not allow is still in it. */
export interface SignedForm extends OpenForm {
  readonly policy: PostPolicy;
}

/** Largest form: the largest file, its fields, and room for what is ignored behind it. */
const FORM_BYTES_MAX = PUT_SIZE_BYTES_MAX + 2 * POST_FIELDS_BYTES_MAX;

/**
 * Reads the fields of a form: everything before the content of the file, 20 KiB at most.
 *
 * @throws {S3Error} AccessDenied, EntityTooLarge, InvalidArgument, MalformedPOSTRequest,
 * MaxPostPreDataLengthExceededError, MissingContentLength, NotImplemented, PreconditionFailed.
 */
export async function openForm(call: PayloadCall & Pick<Call, 'principal'>): Promise<OpenForm> {
  const contentType = call.headers.get('content-type');
  if (contentType === undefined || !isFormType(contentType)) throw notAForm();
  if (call.principal.kind === 'user') throw onlyOneMechanism();
  if (call.verification.mode === 'aws-chunked') {
    // Its fields cannot be told from the framing, so nobody has signed it.
    const message = 'A streaming payload is not accepted by this operation';
    throw new S3Error('AccessDenied', {}, { message });
  }
  const sizeBytes = announcedSize(call);
  if (sizeBytes > FORM_BYTES_MAX) {
    const details = { ProposedSize: sizeBytes, MaxSizeAllowed: PUT_SIZE_BYTES_MAX };
    throw new S3Error('EntityTooLarge', details);
  }
  return readFields(call, new FormDecoder(formBoundary(contentType)));
}

async function readFields(call: PayloadCall, decoder: FormDecoder): Promise<OpenForm> {
  const digests = new FormDigests(call);
  const received = call.body[Symbol.asyncIterator]();
  for (;;) {
    const next = await received.next();
    if (next.done === true) break;
    digests.update(next.value);
    const pieces = decoder.push(next.value);
    if (decoder.head === undefined) continue;
    const rest = restOfFile(pieces, received, decoder, digests);
    const file = { contentLength: undefined, [Symbol.asyncIterator]: () => rest };
    return { ...decoder.head, file };
  }
  decoder.finish();
  throw new S3Error('MalformedPOSTRequest');
}

/** The file's bytes. What follows the file is read too: it says whether the form is whole. */
async function* restOfFile(
  pieces: readonly Uint8Array[],
  received: AsyncIterator<Uint8Array>,
  decoder: FormDecoder,
  digests: FormDigests,
): AsyncGenerator<Uint8Array, undefined> {
  try {
    yield* pieces;
    for (;;) {
      const next = await received.next();
      if (next.done === true) break;
      digests.update(next.value);
      yield* decoder.push(next.value);
    }
  } finally {
    await received.return?.();
  }
  decoder.finish();
  digests.verify();
  return undefined;
}

/** Digests of the whole body that headers promise; browsers promise none. */
class FormDigests {
  readonly #call: PayloadCall;
  readonly #md5Hex: string | undefined;
  readonly #md5: Hash | undefined;
  readonly #sha256: Hash | undefined;

  constructor(call: PayloadCall) {
    this.#call = call;
    this.#md5Hex = contentMd5Hex(call.headers);
    this.#md5 = this.#md5Hex === undefined ? undefined : createHash('md5');
    this.#sha256 = call.verification.mode === 'sha256' ? createHash('sha256') : undefined;
  }

  update(piece: Uint8Array): void {
    this.#md5?.update(piece);
    this.#sha256?.update(piece);
  }

  verify(): void {
    const sha256Hex = this.#sha256?.digest('hex');
    const { verification } = this.#call;
    if (sha256Hex !== undefined && verification.mode === 'sha256') {
      if (sha256Hex !== verification.sha256Hex) {
        throw sha256Mismatch(verification.sha256Hex, sha256Hex);
      }
    }
    const md5Hex = this.#md5?.digest('hex');
    if (md5Hex !== undefined && this.#md5Hex !== undefined && md5Hex !== this.#md5Hex) {
      throw contentMd5Mismatch(this.#md5Hex, md5Hex);
    }
  }
}

function notAForm(): S3Error {
  const details = { Condition: 'Bucket POST must be of the enclosure-type multipart/form-data' };
  const message = 'At least one of the pre-conditions you specified did not hold';
  return new S3Error('PreconditionFailed', details, { message });
}
