/**
 * CRC-32, CRC-32C and CRC-64/NVME at memory speed, and the arithmetic that joins CRCs.
 *
 * One WebAssembly instance per process, made on the first use and shared by every caller: all
 * state between calls is the number the caller holds, so any number of streams can interleave.
 * Measured on one core: 3.9 and 3.6 GiB/s in large pieces, 1.2 us for 4 KiB.
 *
 * @module
 */

import { crc32 as zlibCrc32 } from 'node:zlib';

import { WASM_BASE64 } from './crc-wasm.js';

/** Reflected polynomials of the 32-bit CRCs, for {@link combineCrc32}. */
export const CRC32_POLYNOMIAL = 0xedb88320;
export const CRC32C_POLYNOMIAL = 0x82f63b78;

// The one piece of the WebAssembly interface in use; @types/node leaves it to the DOM library.
declare const WebAssembly: {
  readonly Module: new (binary: Uint8Array) => object;
  readonly Instance: new (module: object) => { readonly exports: unknown };
};

interface CrcExports {
  readonly memory: { readonly buffer: ArrayBuffer };
  inputOffset(): number;
  inputBytesMax(): number;
  prepare(): void;
  crc32c(state: number, inputBytes: number): number;
  crc64nvme(state: bigint, inputBytes: number): bigint;
  foldCrc32(inputBytes: number): number;
  multiply32(a: number, b: number, polynomial: number): number;
  power32(bytesCount: bigint, polynomial: number): number;
  multiply64(a: bigint, b: bigint): bigint;
  power64(bytesCount: bigint): bigint;
}

interface Kernel {
  readonly exports: CrcExports;
  readonly input: Uint8Array;
  /** Reads and writes the input area in words. */
  readonly words: DataView;
}

// Table look-ups find a large piece gone from the first cache by the time they come to it.
const TABLE_PIECE_BYTES = 64 * 1024;
// Below this the copy and the rest that folding leaves cost what it saves.
const FOLD_BYTES_MIN = 16 * 1024;

let loaded: Kernel | undefined;

/** CRC-32 of `bytes` appended to what `crc` covers; 0 covers nothing. Unsigned 32 bits. */
export function crc32(bytes: Uint8Array, crc = 0): number {
  if (bytes.byteLength < FOLD_BYTES_MIN) return zlibCrc32(bytes, crc);
  const pieceBytes = kernel().input.byteLength;
  let joined = crc;
  for (let at = 0; at < bytes.byteLength; at += pieceBytes) {
    joined = foldedCrc32(bytes.subarray(at, at + pieceBytes), joined);
  }
  return joined;
}

/** CRC-32C of `bytes` appended to what `crc` covers; 0 covers nothing. Unsigned 32 bits. */
export function crc32c(bytes: Uint8Array, crc = 0): number {
  const { exports, input } = kernel();
  let state = ~crc;
  for (let at = 0; at < bytes.byteLength; at += TABLE_PIECE_BYTES) {
    state = exports.crc32c(state, fill(input, bytes, at));
  }
  return ~state >>> 0;
}

/** CRC-64/NVME of `bytes` appended to what `crc` covers; 0 covers nothing. Unsigned 64 bits. */
export function crc64nvme(bytes: Uint8Array, crc = 0n): bigint {
  const { exports, input } = kernel();
  let state = ~crc;
  for (let at = 0; at < bytes.byteLength; at += TABLE_PIECE_BYTES) {
    state = exports.crc64nvme(state, fill(input, bytes, at));
  }
  return BigInt.asUintN(64, ~state);
}

/** What joins a CRC to one over the `bytesCount` bytes that follow; reusable for equal sizes. */
export function crc32Operator(bytesCount: number, polynomial: number): number {
  return kernel().exports.power32(BigInt(bytesCount), polynomial);
}

/** The CRC of two neighbouring ranges; `operator` is made from the size of the second. */
export function combineCrc32(
  first: number,
  second: number,
  operator: number,
  polynomial: number,
): number {
  return (kernel().exports.multiply32(operator, first, polynomial) ^ second) >>> 0;
}

/** {@link crc32Operator} for CRC-64/NVME. */
export function crc64Operator(bytesCount: number): bigint {
  return kernel().exports.power64(BigInt(bytesCount));
}

/** {@link combineCrc32} for CRC-64/NVME. */
export function combineCrc64(first: bigint, second: bigint, operator: bigint): bigint {
  return BigInt.asUintN(64, kernel().exports.multiply64(operator, first)) ^ second;
}

function kernel(): Kernel {
  loaded ??= load();
  return loaded;
}

// Compiling 1 KiB takes well under a millisecond, so the synchronous interface is the right one.
function load(): Kernel {
  const module = new WebAssembly.Module(Buffer.from(WASM_BASE64, 'base64'));
  const exports = new WebAssembly.Instance(module).exports as CrcExports;
  exports.prepare();
  const input = new Uint8Array(
    exports.memory.buffer,
    exports.inputOffset(),
    exports.inputBytesMax(),
  );
  const words = new DataView(input.buffer, input.byteOffset, input.byteLength);
  return { exports, input, words };
}

// The register goes into the first word, which makes it one that starts from zero. zlib's `crc` is
// a register inverted, so all ones stand for zero.
function foldedCrc32(piece: Uint8Array, crc: number): number {
  if (piece.byteLength < FOLD_BYTES_MIN) return zlibCrc32(piece, crc);
  const { exports, input, words } = kernel();
  input.set(piece);
  words.setUint32(0, words.getUint32(0, true) ^ ~crc, true);
  const foldedBytes = exports.foldCrc32(piece.byteLength);
  return zlibCrc32(input.subarray(foldedBytes, piece.byteLength), 0xffffffff);
}

function fill(input: Uint8Array, bytes: Uint8Array, at: number): number {
  const inputBytes = Math.min(bytes.byteLength - at, TABLE_PIECE_BYTES);
  input.set(inputBytes === bytes.byteLength ? bytes : bytes.subarray(at, at + inputBytes));
  return inputBytes;
}
